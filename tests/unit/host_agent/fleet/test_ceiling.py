"""Above which machine type nothing may be raised."""

from host_agent.fleet.ceiling import Ceiling, Offered, ceilings


def offered(hosts: int, host: str, *names: str, deprecated: str = "") -> Offered:
    return Offered(
        architecture="x86_64",
        names=frozenset({*names, *deprecated.split()}),
        deprecated=frozenset(deprecated.split()),
        hosts=hosts,
        host=host,
    )


OLD = offered(3, "old1", "pc-q35-7.1", "pc-q35-7.2", "pc-i440fx-7.2", deprecated="pc-q35-2.4")
NEW = offered(7, "new1", "pc-q35-7.2", "pc-q35-10.0", "pc-i440fx-10.0", "pc-i440fx-7.2")


def test_the_oldest_host_bounds_all() -> None:
    i440fx, q35 = ceilings([OLD, NEW], {"pc-q35-7.1": 5, "pc-q35-10.0": 2, "pc-i440fx-7.2": 1})
    assert q35 == Ceiling(
        architecture="x86_64",
        family="pc-q35",
        vendor="upstream",
        name="pc-q35-7.2",
        wanted="pc-q35-7.2",
        bound_by=3,
        host="old1",
        hosts=10,
        above=2,
        below=5,
    )
    assert (i440fx.name, i440fx.above, i440fx.below) == ("pc-i440fx-7.2", 0, 0)


def test_what_nobody_has_in_common_and_what_nobody_uses() -> None:
    lonely = offered(1, "other", "pc-q35-6.0")
    (q35,) = ceilings([lonely, NEW], {"pc-q35-6.0": 1, "isapc": 4})
    assert (q35.name, q35.bound_by, q35.hosts) == (None, 8, 8)
    assert ceilings([], {"pc-q35-6.0": 1}) == ceilings([OLD], {}) == ()
