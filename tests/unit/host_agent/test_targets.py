"""To which type a domain is raised."""

import pytest

from host_agent.capabilities import Offer
from host_agent.machine_types import Vendor
from host_agent.targets import Target, best, chosen


def host(*names: str, old: tuple[str, ...] = (), **aliases: str) -> dict[str, Offer]:
    """What a host offers; ``old``: deprecated ones."""
    own = {name: Offer(canonical=name, deprecated=name in old) for name in (*names, *old)}
    return own | {alias: Offer(canonical=name, deprecated=False) for alias, name in aliases.items()}


BOOKWORM = host("pc-i440fx-2.8", "pc-i440fx-7.2", "pc-q35-2.8", "pc-q35-7.2", pc="pc-i440fx-7.2")
TRIXIE = host("pc-i440fx-7.2", "pc-i440fx-10.0", "pc-q35-7.2", "pc-q35-10.0",
              old=("pc-i440fx-2.8", "pc-q35-2.8"), pc="pc-i440fx-10.0")  # fmt: skip
JAMMY = host("pc-i440fx-6.2", "pc-i440fx-bionic", "pc-i440fx-jammy", "pc-i440fx-jammy-hpb",
             "pc-q35-6.2", "pc-q35-jammy", ubuntu="pc-i440fx-jammy")  # fmt: skip
NOBLE = host("pc-i440fx-6.2", "pc-i440fx-8.2", "pc-i440fx-jammy", "pc-i440fx-jammy-hpb",
             "pc-i440fx-noble", "pc-i440fx-noble-v2", "pc-q35-8.2", "pc-q35-jammy",
             "pc-q35-noble-v2")  # fmt: skip
EL9 = host("pc-q35-rhel9.0.0", "pc-q35-rhel9.2.0", old=("pc-q35-rhel8.6.0",))


@pytest.mark.parametrize(
    ("current", "hosts", "name", "why"),
    [
        ("pc-i440fx-2.8", [BOOKWORM], "pc-i440fx-7.2", "newest that the host offers"),
        ("pc-i440fx-2.8", [BOOKWORM, TRIXIE], "pc-i440fx-7.2", "newest that all 2 hosts offer"),
        ("pc-i440fx-2.8", [TRIXIE], "pc-i440fx-10.0", "newest"),
        ("pc-i440fx-7.2", [BOOKWORM], "pc-i440fx-7.2", "already"),
        ("pc-i440fx-10.0", [BOOKWORM, TRIXIE], None, "older than pc-i440fx-10.0"),
        ("pc-q35-2.8", [BOOKWORM, TRIXIE], "pc-q35-7.2", "newest"),
        # Ubuntu's own, even where one of QEMU's is as new.
        ("pc-i440fx-bionic", [JAMMY], "pc-i440fx-jammy", "newest"),
        ("pc-i440fx-bionic", [JAMMY, NOBLE], "pc-i440fx-jammy", "all 2 hosts"),
        ("pc-i440fx-6.2", [JAMMY], "pc-i440fx-jammy", "newest"),
        ("pc-i440fx-6.2", [NOBLE], "pc-i440fx-noble-v2", "newest"),
        ("pc-i440fx-8.2", [JAMMY, NOBLE], None, "older than pc-i440fx-8.2"),
        # A distribution's own types are no other's.
        ("pc-i440fx-jammy", [JAMMY, host("pc-i440fx-6.2", "pc-i440fx-7.2")], "pc-i440fx-6.2", ""),
        ("pc-q35-rhel9.0.0", [EL9], "pc-q35-rhel9.2.0", "newest"),
        ("pc-q35-rhel8.6.0", [EL9], "pc-q35-rhel9.2.0", "newest"),
        # What it is based on is not established.
        ("pc-q35-7.2", [EL9], None, "can't be held against it"),
        ("pc-i440fx-2.8", [EL9], None, "no pc-i440fx type is offered by every host"),
        ("pc-i440fx-2.8", [], None, "no host's machine types are known"),
        ("pc-q35-acme", [BOOKWORM], None, "no known scheme"),
        # An alias means what it means on all of them, or nothing.
        ("ubuntu", [JAMMY], "pc-i440fx-jammy", "already"),
        ("pc", [BOOKWORM, TRIXIE], None, "different machine types"),
        ("pc-i440fx-2.8", [["pc-i440fx-7.2", "pc-i440fx-6.2"]], "pc-i440fx-7.2", "newest"),
    ],
)  # fmt: skip
def test_the_newest_that_every_host_offers(
    current: str, hosts: list[dict[str, Offer]], name: str | None, why: str
) -> None:
    found = best(current, hosts)
    assert found.name == name
    assert why in found.why


def test_a_feature_is_kept_where_a_newer_type_has_it() -> None:
    assert best("pc-i440fx-jammy-hpb", [JAMMY]).name == "pc-i440fx-jammy-hpb"
    old = host("pc-i440fx-bionic-hpb", "pc-i440fx-jammy-hpb", "pc-i440fx-noble-v2")
    assert best("pc-i440fx-bionic-hpb", [old]) == Target(
        name="pc-i440fx-jammy-hpb", why="newest that the host offers"
    )
    newer = host("pc-i440fx-noble-v2")
    found = best("pc-i440fx-bionic-hpb", [newer])
    assert found.name == "pc-i440fx-noble-v2"
    assert found.note == "no newer type has hpb: the guest loses it"


def test_the_vendor_can_be_asked_for() -> None:
    found = best("pc-i440fx-6.2", [NOBLE], vendors=[Vendor.UPSTREAM])
    assert found.name == "pc-i440fx-8.2"
    assert found.raises("pc-i440fx-6.2")
    assert not found.raises("pc-i440fx-8.2")


@pytest.mark.parametrize(
    ("current", "wanted", "hosts", "name", "why"),
    [
        ("pc-i440fx-2.8", "pc-i440fx-7.2", [BOOKWORM, TRIXIE], "pc-i440fx-7.2", "as asked for"),
        ("pc-i440fx-7.2", "pc-i440fx-7.2", [BOOKWORM], "pc-i440fx-7.2", "already"),
        ("pc-i440fx-2.8", "pc", [BOOKWORM], "pc-i440fx-7.2", "as asked for"),
        ("pc-i440fx-2.8", "pc", [BOOKWORM, TRIXIE], None, "different types"),
        ("pc-i440fx-2.8", "pc-q35-7.2", [BOOKWORM], None, "different machines"),
        ("pc-i440fx-2.8", "pc-i440fx-10.0", [BOOKWORM, TRIXIE], None, "host 1 of 2 does not offer"),
        ("pc-i440fx-7.2", "pc-i440fx-2.8", [BOOKWORM], None, "older than pc-i440fx-7.2"),
        ("pc-i440fx-7.2", "pc-q35-acme", [["pc-q35-acme"]], None, "no known scheme"),
        ("pc-i440fx-noble", "pc-i440fx-8.2", [NOBLE], "pc-i440fx-8.2", "as asked for"),
    ],
)  # fmt: skip
def test_a_type_that_was_asked_for(
    current: str, wanted: str, hosts: list[dict[str, Offer]], name: str | None, why: str
) -> None:
    found = chosen(current, wanted, hosts)
    assert found.name == name
    assert why in found.why


def test_what_a_wanted_type_lacks_is_said() -> None:
    assert chosen("pc-i440fx-jammy-hpb", "pc-i440fx-noble", [NOBLE]).note == (
        "pc-i440fx-noble has no hpb"
    )
