"""A destination is asked once for the same, and no more once it hangs."""

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

from host_agent.domain.definition import Definition
from host_agent.domain.devices import Devices
from host_agent.errors import EvidenceError, LibvirtTimeoutError
from host_agent.hypervisor import Facts
from host_agent.machine_types.offers import Offer
from host_agent.migrate.destination import Destination, near
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.shared.cases import DEFINITION

CAPABILITIES = """<capabilities><host><uuid>u</uuid></host><guest><arch name='x86_64'>
<emulator>/usr/bin/qemu-system-x86_64</emulator>
<machine canonical='pc-i440fx-10.0'>pc</machine><machine>pc-i440fx-10.0</machine>
<machine deprecated='yes'>pc-i440fx-7.2</machine></arch></guest></capabilities>"""
FACTS = Facts(
    name="node2", driver="QEMU", libvirt="11.3.0", hypervisor="10.0.13", capabilities=CAPABILITIES
)
CPU = Devices(disks=(), passthrough=(), cpu="<cpu mode='custom'/>", cpu_mode="custom")


class Libvirt:
    """Answers as told, and counts."""

    def __init__(self, *errors: EvidenceError) -> None:
        self.errors = list(errors)
        self.asked = 0

    def _answer(self) -> None:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)

    def domain_capabilities(self, *_: object) -> str:
        self._answer()
        return "<domainCapabilities/>"

    def incompatible_cpu(self, *_: object) -> str | None:
        self._answer()
        return "missing features: hle"


class Domain:
    """A domain of the destination, whose libvirt may hang."""

    def __init__(self, name: str, *, hangs: bool = False, seen: UUID | None = None) -> None:
        self.name, self.uuid, self.hangs, self.seen = name, UUID(int=9), hangs, seen
        self.asked = 0

    def id(self) -> int | None:
        return None if self.seen is None else 1

    def xml(self, *, inactive: bool) -> str:
        if self.hangs:
            self.is_active()
        return f"<domain><uuid>{self.uuid}</uuid><hwuuid>{self.seen}</hwuuid></domain>"

    def is_active(self) -> bool:
        self.asked += 1
        if self.hangs:
            raise LibvirtTimeoutError("libvirt did not answer within 30 s")
        return True


def destination(libvirt: Libvirt, *domains: Domain) -> Destination:
    return Destination(libvirt, FACTS, domains)  # type: ignore[arg-type]


def test_the_same_is_asked_once() -> None:
    libvirt = Libvirt()
    there = destination(libvirt)
    offer = Offer(canonical="pc-i440fx-7.2", deprecated=True)
    for _ in range(3):
        assert there.offer(DEFINITION) == offer
        assert there.cpu(DEFINITION, CPU, offer) == "missing features: hle"
    assert libvirt.asked == 2
    # What is not in the list is not asked for at all.
    gone = there.offer(replace(DEFINITION, machine="pc-i440fx-2.1"))
    assert isinstance(gone, Missing)
    assert gone.reason is Reason.ABSENT
    assert libvirt.asked == 2


def test_an_alias_that_several_types_carry_is_none_of_them() -> None:
    twice = CAPABILITIES.replace(
        "<machine deprecated='yes'>",
        "<machine canonical='pc-i440fx-7.2'>pc</machine><machine deprecated='yes'>",
    )
    there = Destination(cast("Any", Libvirt()), replace(FACTS, capabilities=twice), [])
    found = there.offer(replace(DEFINITION, machine="pc"))
    assert isinstance(found, Missing)
    assert found.sentence == '"pc" is the alias of pc-i440fx-10.0 and of pc-i440fx-7.2 there'


def test_an_emulator_that_is_not_listed_is_asked_for() -> None:
    other = replace(DEFINITION, emulator="/usr/local/bin/qemu")
    assert destination(Libvirt()).offer(other) == Offer(canonical="pc-i440fx-7.2", deprecated=False)
    refused = EvidenceError(Reason.FAILED, "no emulator /usr/local/bin/qemu")
    found = destination(Libvirt(refused)).offer(other)
    assert isinstance(found, Missing)
    assert (found.reason, found.sentence) == (Reason.ABSENT, "no emulator /usr/local/bin/qemu")


def test_a_refusal_is_not_taken_for_a_hang() -> None:
    libvirt = Libvirt(EvidenceError(Reason.UNSUPPORTED, "no such call"))
    there = destination(libvirt)
    assert isinstance(there.offer(DEFINITION), Missing)
    assert there.cpu(DEFINITION, CPU, Offer(canonical="pc-i440fx-7.2", deprecated=True)) is not None
    assert libvirt.asked == 2


def test_nothing_more_is_asked_of_one_that_hangs() -> None:
    libvirt, domain = Libvirt(EvidenceError(Reason.HUNG, "libvirt did not answer")), Domain("vm1")
    there = destination(libvirt, domain)
    for machine in ("pc-i440fx-7.2", "pc-i440fx-10.0"):
        found = there.offer(replace(DEFINITION, machine=machine))
        assert isinstance(found, Missing)
        assert found.reason is Reason.HUNG
    with pytest.raises(LibvirtTimeoutError):
        there.same(DEFINITION)
    assert (libvirt.asked, domain.asked) == (1, 0)


def test_a_domain_that_hangs_ends_the_asking_too() -> None:
    libvirt, domain = Libvirt(), Domain("vm1", hangs=True)
    there = destination(libvirt, domain, Domain("another"))
    for _ in range(2):
        with pytest.raises(LibvirtTimeoutError):
            there.same(DEFINITION)
    assert isinstance(there.offer(DEFINITION), Missing)
    assert (libvirt.asked, domain.asked) == (0, 1)
    # Who has no namesake there needs no answer.
    assert there.same(replace(DEFINITION, name="other", uuid=UUID(int=1))) == ()


SEEN = UUID(int=7)
CLONE = replace(DEFINITION, name="new", uuid=UUID(int=1), hardware_uuid=SEEN)


@pytest.mark.parametrize(
    ("libvirt", "runs", "asked", "found"),
    [
        ("11.6.0", SEEN, CLONE, ["old"]),
        # Several domains may have one, where no two run.
        ("11.6.0", None, CLONE, []),
        ("11.6.0", UUID(int=8), CLONE, []),
        # No libvirt before knows the element: what it has is seen by its own UUID.
        ("11.5.0", UUID(int=8), replace(CLONE, hardware_uuid=UUID(int=9)), ["old"]),
        ("11.5.0", SEEN, CLONE, []),
    ],
)
def test_what_shows_its_guest_the_same_uuid_there(
    libvirt: str, runs: UUID | None, asked: Definition, found: list[str]
) -> None:
    domains = [cast("Any", Domain("old", seen=runs))]
    there = Destination(cast("Any", Libvirt()), replace(FACTS, libvirt=libvirt), domains)
    for _ in range(2):
        assert [one.name for one in there.same(asked)] == found
        assert all(one.guest_uuid == asked.guest_uuid for one in there.same(asked))


def test_the_definitions_of_one_that_hangs_are_asked_for_once() -> None:
    domain = Domain("old", seen=SEEN, hangs=True)
    newer = replace(FACTS, libvirt="12.8.0")
    there = Destination(cast("Any", Libvirt()), newer, [cast("Any", domain)])
    for _ in range(2):
        with pytest.raises(LibvirtTimeoutError):
            there.same(CLONE)
    assert domain.asked == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [("pc-q35-noble", ("pc-q35-noble-v2",)), ("pc-q35-7.1", ("pc-q35-7.2",)), ("xyz", ())],
)
def test_near_names(name: str, found: tuple[str, ...]) -> None:
    assert near(name, ["pc-q35-noble-v2", "pc-q35-7.2", "isapc"]) == found
