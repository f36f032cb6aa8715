"""Names of machine types, and which is newer."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.machine_types import catalogue
from host_agent.machine_types import names as type_names
from host_agent.machine_types.names import base, is_newer, is_ubuntu, newest, order, parse
from host_agent.machine_types.vendors import FAMILIES, SCHEMES, Vendor

OPAQUE = {
    "isapc", "microvm", "virt",
    # Of Ubuntu before it had a scheme.
    "pc-1.0-qemu-kvm", "pc-i440fx-1.5-qemu-kvm",
}  # fmt: skip


def test_every_known_name_is_parsed_or_declared_opaque() -> None:
    parsed = [parse(name) for name in catalogue.names()]
    assert len(parsed) > 380
    assert {one.text for one in parsed if one.vendor is Vendor.OPAQUE} == OPAQUE
    for one in parsed:
        assert str(one) == one.text
        assert (one.family in FAMILIES) is (one.text not in OPAQUE)


NAMES = [
    ("pc-i440fx-7.2", "upstream", "pc-i440fx", (7, 2), None, (), None),
    ("pc-q35-4.0.1", "upstream", "pc-q35", (4, 0, 1), None, (), None),
    ("pc-1.3", "upstream", "pc-i440fx", (1, 3), None, (), None),
    ("pc-0.10", "upstream", "pc-i440fx", (0, 10), None, (), None),
    ("pseries-2.12-sxxm", "upstream", "pseries", (2, 12), None, ("sxxm",), None),
    ("pc-q35-noble-v2", "ubuntu", "pc-q35", None, "noble", (), "v2"),
    ("pc-i440fx-jammy-hpb-maxcpus", "ubuntu", "pc-i440fx", None, "jammy", ("hpb", "maxcpus"),
     None),
    ("pseries-bionic-sxxm", "ubuntu", "pseries", None, "bionic", ("sxxm",), None),
    ("pc-i440fx-2.5-xenial", "ubuntu", "pc-i440fx", (2, 5), "xenial", (), None),
    ("pc-q35-2.6-xenial-1", "ubuntu", "pc-q35", (2, 6), "xenial", (), "1"),
    ("s390-ccw-virtio-jammy", "ubuntu", "s390-ccw-virtio", None, "jammy", (), None),
    ("pc-q35-rhel9.2.0", "rhel", "pc-q35", None, "9.2.0", (), None),
    ("pseries-rhel7.6.0-sxxm", "rhel", "pseries", None, "7.6.0", ("sxxm",), None),
    ("rhel6.6.0", "rhel", "pc-i440fx", None, "6.6.0", (), None),
    ("pc-q35-10.0+pve1", "proxmox", "pc-q35", (10, 0), None, (), "pve1"),
    ("pc-i440fx-9.2+pve1.pxe", "proxmox", "pc-i440fx", (9, 2), None, ("pxe",), "pve1"),
]  # fmt: skip


def test_every_vendor_has_a_scheme_and_an_example() -> None:
    vendors = set(Vendor) - {Vendor.OPAQUE}
    assert {scheme.vendor for scheme in SCHEMES} == vendors
    assert {row[1] for row in NAMES} == vendors


@pytest.mark.parametrize(
    ("name", "vendor", "family", "version", "release", "features", "increment"), NAMES
)
def test_names_have_parts(
    name: str,
    vendor: str,
    family: str,
    version: tuple[int, ...] | None,
    release: str | None,
    features: tuple[str, ...],
    increment: str | None,
) -> None:
    found = parse(name)
    assert (found.vendor, found.family, found.version, found.release) == (
        vendor,
        family,
        version,
        release,
    )
    assert (found.features, found.increment, str(found)) == (features, increment, name)


@pytest.mark.parametrize(
    "name",
    ["", "pc", "q35", "ubuntu", "none", "pc-q35-acme", "pc-1.4", "pc-0.9", "pc-q35-07.2", "virt-",
     "pc-q35-7", "pc-q35-noble-v0", "pc-q35-noble-hpv", "rhel9.2.0", "pc-q35-7.2 ", "PC-q35-7.2",
     "pc-q35-\u0667.\u0662", "pc-q35-7.2+pve", "isapc-7.2", "pc-i440fx-7.2-xenial-hpb-"],
)  # fmt: skip
def test_what_no_scheme_has_is_opaque(name: str) -> None:
    found = parse(name)
    assert found.vendor is Vendor.OPAQUE
    assert (found.family, base(name), order(name), str(found)) == (None, None, None, name)


PIECES = st.sampled_from(
    [
        *FAMILIES,
        "pc",
        "-",
        "7.2",
        "0",
        "10.0.1",
        "noble",
        "wily",
        "rhel",
        "rhel9.2.0",
        "hpb",
        "v2",
        "+pve1",
        ".pxe",
        "sxxm",
        "1",
        "acme",
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=40))
def test_any_string_comes_back_as_it_was(name: str) -> None:
    assert str(parse(name)) == name
    order(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The codename alone says nothing: siblings differ.
        ("pc-i440fx-focal", (4, 0)), ("pc-q35-focal", (4, 2)),
        ("pc-i440fx-hirsute", (5, 2)), ("pc-i440fx-hirsute-hpb", (5, 1)),
        ("pc-q35-cosmic", (2, 11)), ("pc-i440fx-cosmic", (2, 12)),
        ("pc-i440fx-questing", (10, 0)), ("pc-i440fx-questing-v2", (10, 1)),
        ("s390-ccw-virtio-eoan", (3, 1)), ("pseries-kinetic", (6, 2)),
        # The newest of what it has been based on.
        ("pc-i440fx-wily", (2, 5)),
        ("pc-q35-4.0.1", (4, 0)), ("pc-q35-99.1", (99, 1)), ("pc-q35-9.2+pve1", (9, 2)),
        ("pc-i440fx-2.5-xenial", (2, 5)), ("pseries-bionic-sxxm", (2, 11)),
        ("virt-resolute", (10, 2)), ("pseries-resolute", (10, 2)),
        ("s390-ccw-virtio-resolute", (10, 2)),
        # Nobody has established these.
        ("pc-q35-rhel9.2.0", None), ("pc-q35-acme", None),
    ],
)  # fmt: skip
def test_what_a_type_is_based_on(name: str, expected: tuple[int, int] | None) -> None:
    assert base(name) == expected


SERIES = [
    ("pc-i440fx-2.9", "pc-i440fx-2.10", "pc-i440fx-bionic", "pc-i440fx-2.12", "pc-i440fx-eoan",
     "pc-i440fx-focal", "pc-i440fx-4.1", "pc-i440fx-noble", "pc-i440fx-noble-v2", "pc-i440fx-10.2"),
    ("pc-0.10", "pc-1.3", "pc-i440fx-1.4", "pc-i440fx-1.5"),
    ("pc-q35-4.0", "pc-q35-4.0.1", "pc-q35-4.1"),
    ("pc-q35-2.6-xenial-1", "pc-q35-2.6-xenial-2"),
]  # fmt: skip


@pytest.mark.parametrize("series", SERIES)
def test_types_are_sorted_by_age(series: tuple[str, ...]) -> None:
    keys = [order(name) for name in series]
    assert None not in keys
    assert sorted(series, key=lambda name: order(name) or ((), (), 0)) == list(series)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("pc-q35-10.0", "pc-q35-9.2", True),
        ("pc-q35-9.2", "pc-q35-10.0", False),
        ("pc-q35-noble", "pc-q35-noble", False),
        ("pc-q35-noble-v2", "pc-q35-noble", True),
        ("pc-q35-jammy-hpb", "pc-q35-jammy", False),
        ("pc-q35-rhel10.0.0", "pc-q35-rhel9.6.0", True),
        ("pc-i440fx-rhel7.0.0", "rhel6.6.0", True),
        ("pc-q35-10.0+pve1", "pc-q35-10.0+pve0", True),
        ("pc-q35-noble", "pc-q35-8.1", True),
        ("pc-q35-noble", "pc-q35-8.2", False),
        ("pseries-resolute", "pseries-questing", True),
        ("pc-q35-noble", "pc-i440fx-jammy", None),
        ("pc-q35-noble", "pc-q35-rhel9.2.0", None),
        ("pc-q35-acme", "pc-q35-8.2", None),
        ("pc", "pc-i440fx-8.2", None),
    ],
)
def test_which_is_newer(one: str, other: str, expected: bool | None) -> None:
    assert is_newer(one, other) is expected


def test_the_two_orders_agree_within_ubuntu() -> None:
    """Releases bring no older base, so the order by release is that by base."""
    names = [name for name in catalogue.names() if is_ubuntu(name) and order(name)]
    for one, other in itertools.combinations(names, 2):
        left, right = order(one), order(other)
        # hirsute's hpb has an older base than its sibling; within a release it says nothing.
        if parse(one).family == parse(other).family and parse(one).release != parse(other).release:
            assert left
            assert right
            assert is_newer(one, other) is (left > right), (one, other)


def test_the_newest_of_several() -> None:
    assert newest(["pc-q35-9.2", "pc-q35-10.2", "pc-q35-10.1"]) == "pc-q35-10.2"
    assert newest([]) is None


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("pc-q35-jammy", (27, 4)), ("pc-q35-jammy-hpb", (27, 4)), ("pc-q35-noble-v2", (29, 4)),
        ("pc-q35-kinetic", (24, 4)), ("pc-q35-lunar", (24, 4)), ("pc-q35-mantic-hpb", (24, 4)),
        ("pc-q35-questing", (26, 4)), ("pc-i440fx-vivid", (16, 4)), ("pc-i440fx-utopic", (16, 4)),
        ("pc-q35-9.2", None), ("pc-q35-rhel9.2.0", None), ("pc-q35-acme", None),
    ],
)  # fmt: skip
def test_how_long_a_type_is_kept(name: str, until: tuple[int, int] | None) -> None:
    assert type_names.kept_until(name) == until


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("pc-q35-8.0", False), ("pc-q35-8.1", True), ("pc-i440fx-8.2", True),
        ("pc-q35-9.0", False), ("pc-q35-noble-v2", True), ("pc-i440fx-mantic", False),
        ("virt-8.2", False), ("pc-q35-rhel9.2.0", False), ("isapc", False),
    ],
)  # fmt: skip
def test_which_types_serve_one_entry_point(name: str, only: bool) -> None:
    assert type_names.serves_smbios3_only(name) is only
