"""To which type a domain is raised."""

import pytest

from host_agent.machine_types import offers
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.target import best, chosen
from host_agent.machine_types.vendors import Vendor
from tests.checkout import CHECKOUT


def host(*names: str, old: tuple[str, ...] = (), **aliases: str) -> dict[str, Offer]:
    """What a host offers; ``old``: deprecated ones."""
    own = {name: Offer(canonical=name, deprecated=name in old) for name in (*names, *old)}
    return own | {alias: Offer(canonical=name, deprecated=False) for alias, name in aliases.items()}


BOOKWORM = host("pc-i440fx-2.8", "pc-i440fx-7.2", "pc-q35-2.8", "pc-q35-7.2", pc="pc-i440fx-7.2")
TRIXIE = host(
    "pc-i440fx-7.2",
    "pc-i440fx-10.0",
    "pc-q35-7.2",
    "pc-q35-10.0",
    old=("pc-i440fx-2.8", "pc-q35-2.8"),
    pc="pc-i440fx-10.0",
)
JAMMY = host(
    "pc-i440fx-6.2",
    "pc-i440fx-bionic",
    "pc-i440fx-jammy",
    "pc-i440fx-jammy-hpb",
    "pc-q35-6.2",
    "pc-q35-jammy",
    ubuntu="pc-i440fx-jammy",
)
NOBLE = host(
    "pc-i440fx-6.2",
    "pc-i440fx-8.2",
    "pc-i440fx-jammy",
    "pc-i440fx-jammy-hpb",
    "pc-i440fx-noble",
    "pc-i440fx-noble-v2",
    "pc-q35-8.2",
    "pc-q35-jammy",
    "pc-q35-noble-v2",
)
EL9 = host("pc-q35-rhel9.0.0", "pc-q35-rhel9.2.0", old=("pc-q35-rhel8.6.0",))

EL9_PC = host("pc-q35-rhel9.2.0", old=("pc-i440fx-rhel7.6.0",), pc="pc-i440fx-rhel7.6.0")
# What an updated Ubuntu 24.04 lists.
NOBLE_HOST = offers.lists(
    (CHECKOUT / "tests/data/capabilities/noble.xml").read_text(encoding="utf-8")
)["x86_64", "/usr/bin/qemu-system-x86_64"]


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
        # Ubuntu 26.04's own of the other architectures are based on 10.2.
        ("virt-6.2", [host("virt-6.2", "virt-10.2", "virt-resolute")], "virt-resolute", "newest"),
        ("pseries-jammy", [host("pseries-10.2", "pseries-resolute")], "pseries-resolute", ""),
        ("s390-ccw-virtio-8.2", [host("s390-ccw-virtio-10.2", "s390-ccw-virtio-resolute")],
         "s390-ccw-virtio-resolute", ""),
        # What it is based on is not established.
        ("pc-q35-7.2", [EL9], None, "can't be held against it"),
        ("pc-i440fx-2.8", [EL9], None, "no pc-i440fx type is offered by every host"),
        # One is, deprecated.
        ("pc-i440fx-rhel7.2.0", [EL9_PC], None, "the family pc-i440fx ends there"),
        ("pc-i440fx-rhel7.6.0", [EL9_PC], None, "deprecated (pc-i440fx-rhel7.6.0)"),
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


def test_a_plain_type_goes_before_one_with_a_feature() -> None:
    assert best("pc-i440fx-jammy-hpb", [JAMMY]).name == "pc-i440fx-jammy-hpb"
    old = host("pc-i440fx-bionic-hpb", "pc-i440fx-jammy-hpb", "pc-i440fx-noble-v2")
    found = best("pc-i440fx-bionic-hpb", [old])
    assert found.name == "pc-i440fx-noble-v2"
    assert found.note == (
        "pc-i440fx-noble-v2 has no hpb: the host's address width is given by "
        "<maxphysaddr mode='passthrough'/> in <cpu>"
    )
    only = host("pc-i440fx-bionic-hpb", "pc-i440fx-jammy-hpb")
    assert best("pc-i440fx-bionic-hpb", [only]).name == "pc-i440fx-jammy-hpb"


@pytest.mark.parametrize(
    ("current", "name", "note"),
    [
        ("pc-q35-jammy-hpb", "pc-q35-noble-v2", "maxphysaddr"),
        ("pc-q35-focal-hpb", "pc-q35-noble-v2", "maxphysaddr"),
        ("pc-q35-lunar-hpb", "pc-q35-noble-v2", "maxphysaddr"),
        ("pc-q35-jammy-maxcpus", "pc-q35-noble-v2", "no maxcpus: it has 1,024 vCPUs itself"),
        ("pc-q35-mantic-hpb-maxcpus", "pc-q35-noble-v2", "no maxcpus: it has 1,024 vCPUs itself"),
        ("pc-q35-jammy", "pc-q35-noble-v2", None),
        ("pc-q35-mantic", "pc-q35-noble-v2", None),
        ("pc-q35-noble", "pc-q35-noble-v2", None),
        ("pc-q35-noble-v2", "pc-q35-noble-v2", None),
        ("pc-q35-6.2", "pc-q35-noble-v2", None),
    ],
)
def test_a_target_is_kept_no_shorter(current: str, name: str, note: str | None) -> None:
    found = best(current, [NOBLE_HOST])
    assert found.name == name
    assert found.note is None if note is None else note in (found.note or "")


@pytest.mark.parametrize(
    ("current", "types", "name"),
    [
        # questing is dropped with resolute, noble three years later.
        ("pc-q35-jammy", ("pc-q35-jammy", "pc-q35-noble-v2", "pc-q35-questing"), "pc-q35-noble-v2"),
        ("pc-q35-noble", ("pc-q35-noble", "pc-q35-questing"), "pc-q35-noble"),
        ("pc-q35-noble", ("pc-q35-questing",), None),
        # Both are kept longer than what it is: the one that is kept longest, not the newest.
        ("pc-q35-lunar", ("pc-q35-noble-v2", "pc-q35-questing"), "pc-q35-noble-v2"),
        # A newer one with a feature is no plain one.
        ("pc-q35-bionic", ("pc-q35-jammy", "pc-q35-noble-hpb"), "pc-q35-jammy"),
        ("pc-q35-plucky", ("pc-q35-noble-v2", "pc-q35-plucky", "pc-q35-questing"),
         "pc-q35-questing"),
        ("pc-q35-noble", ("pc-q35-noble", "pc-q35-questing", "pc-q35-resolute"), "pc-q35-resolute"),
    ],
)  # fmt: skip
def test_what_is_dropped_sooner_is_no_target(
    current: str, types: tuple[str, ...], name: str | None
) -> None:
    assert best(current, [host(*types)]).name == name


@pytest.mark.parametrize(
    ("current", "types", "bios", "other"),
    [
        ("pc-q35-7.2", ("pc-q35-7.2", "pc-q35-8.0", "pc-q35-8.1", "pc-q35-8.2"),
         "pc-q35-8.0", "pc-q35-8.2"),
        ("pc-q35-7.2", ("pc-q35-8.0", "pc-q35-8.2", "pc-q35-9.0"), "pc-q35-9.0", "pc-q35-9.0"),
        ("pc-q35-7.2", ("pc-q35-8.1", "pc-q35-8.2"), "pc-q35-8.2", "pc-q35-8.2"),
        ("pc-q35-8.1", ("pc-q35-8.1", "pc-q35-8.2"), "pc-q35-8.2", "pc-q35-8.2"),
        ("pc-q35-bionic", ("pc-q35-jammy", "pc-q35-noble-v2"), "pc-q35-jammy", "pc-q35-noble-v2"),
        ("pc-q35-jammy", ("pc-q35-jammy", "pc-q35-mantic", "pc-q35-noble-v2"),
         "pc-q35-jammy", "pc-q35-noble-v2"),
        ("virt-7.2", ("virt-7.2", "virt-8.0", "virt-8.2"), "virt-8.2", "virt-8.2"),
    ],
)  # fmt: skip
def test_a_bios_guest_keeps_its_entry_point(
    current: str, types: tuple[str, ...], bios: str, other: str
) -> None:
    """Types based on 8.1 and 8.2 serve ``_SM3_`` only, which Windows on a BIOS can't read."""
    found = best(current, [host(*types)], bios=True)
    assert found.name == bios
    warned = found.note is not None and "_SM3_" in found.note
    gone = current.endswith("7.2") and bios.endswith("q35-8.2")
    assert warned is gone
    assert ("would not" in found.why) is (bios != other)
    assert best(current, [host(*types)]).name == other


def test_an_alias_of_two_types_means_neither() -> None:
    assert best("q35", [NOBLE_HOST]).why == (
        '"q35" is the alias of pc-q35-8.2 and of pc-q35-noble: which one it means is chance, so '
        "name the type itself"
    )


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
        ("pc-i440fx-2.8", "pc", [BOOKWORM, TRIXIE], None, "different machine"),
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


def test_types_of_known_schemes_that_can_not_be_ordered_are_not_called_unknown() -> None:
    found = chosen("pc-i440fx-rhel7.6.0", "pc-i440fx-noble", [NOBLE])
    assert "no known scheme" not in found.why


def test_what_a_wanted_type_lacks_is_said() -> None:
    assert chosen("pc-i440fx-jammy-hpb", "pc-i440fx-noble", [NOBLE]).note == (
        "pc-i440fx-noble has no hpb: the host's address width is given by "
        "<maxphysaddr mode='passthrough'/> in <cpu>"
    )
    noble = chosen("pc-i440fx-jammy", "pc-i440fx-noble", [NOBLE], bios=True)
    assert "_SM3_ only" in (noble.note or "")
    mantic = chosen("pc-q35-jammy", "pc-q35-mantic", [NOBLE_HOST])
    assert mantic.note == "pc-q35-mantic is dropped before pc-q35-jammy"
