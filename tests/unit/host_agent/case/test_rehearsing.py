"""Which machine a guest is held against: as it was started, or with what was plugged in since."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from host_agent.case.rehearsing import forecast, guest, machine_and_guest
from host_agent.difference import Area
from host_agent.evidence.rehearsal_diff import Compared, as_reported
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.firmware.acpi import Table
from host_agent.guest import booted_acpi
from host_agent.missing import Missing, Reason
from tests import smbios_builder
from tests.unit.host_agent.evidence.test_rehearsal_diff import NET, REHEARSED, function
from tests.unit.host_agent.firmware.test_left_tables import memory, pointer
from tests.unit.host_agent.guest.test_booted_acpi import SIZE, Memory
from tests.unit.host_agent.shared.cases import DEFINITION, OBSERVATION, RUNNING, case, smbios

if TYPE_CHECKING:
    from host_agent.case.case import Case
    from host_agent.hypervisor import Domain

HUNG = Missing(reason=Reason.HUNG, sentence="no tables")
STARTED = replace(REHEARSED, pci=(NET,), smbios=None)
PLUGGED = replace(
    STARTED, pci=(NET, replace(NET, function=function("0000:02:00.0"), device="net1"))
)


def held(
    guest: Rehearsed, started: Rehearsed | Missing, plugged: Rehearsed | Missing
) -> tuple[Rehearsed | Missing, Compared | Missing, int]:
    """Hold a guest that reports all of a machine against others."""
    hardware = replace(
        OBSERVATION.hardware,
        acpi=as_reported(guest.acpi),
        pci=tuple(one.function for one in guest.pci),
    )
    judged: Case = case(observation=replace(OBSERVATION, hardware=hardware))
    asked: list[int] = []

    def ask() -> Rehearsed | Missing:
        asked.append(1)
        return plugged

    machine, found = machine_and_guest(cast("Domain", None), judged, started, ask)
    return machine, found, len(asked)


def test_as_it_was_started() -> None:
    machine, found, asked = held(STARTED, STARTED, HUNG)
    assert isinstance(found, Compared)
    assert (machine, found.differences, asked) == (STARTED, (), 0)


def test_booted_after_something_was_plugged_in() -> None:
    machine, found, asked = held(PLUGGED, STARTED, PLUGGED)
    assert isinstance(found, Compared)
    assert (machine, found.differences, found.functions, asked) == (PLUGGED, (), 2, 1)


def test_what_neither_is_says_what_differs_from_the_start() -> None:
    other = replace(PLUGGED, acpi=())
    for plugged in (HUNG, other):
        machine, found, _ = held(PLUGGED, STARTED, plugged)
        assert isinstance(found, Compared)
        assert machine == STARTED
        assert [str(one) for one in found.differences] == [
            "PCI 0000:02:00.0: function absent -> there"
        ]


def test_what_could_not_be_rehearsed_is_not_tried_again() -> None:
    machine, found, asked = held(STARTED, HUNG, STARTED)
    assert (machine, found, asked) == (HUNG, HUNG, 0)


def test_a_forecast_tells_by_field_where_the_guests_own_tables_are_in_its_memory() -> None:
    domain = cast("Domain", Memory({0xE1000: pointer(extended=False), 0: memory()}))
    active = replace(DEFINITION, firmware="bios", memory=SIZE, architecture="x86_64")
    booted = booted_acpi.read(domain, active, 3)
    assert not isinstance(booted, Missing)
    (facp,) = (one for one in booted if one.signature == "FACP")
    changed = Table(offset=0, raw=facp.raw[:24] + b"\7\0\0\0" + facp.raw[28:])
    machine = replace(
        STARTED, acpi=tuple(changed if one is facp else one for one in booted), pci=()
    )
    revision = f"OEM Revision {facp.header['OEM Revision']} -> 0x00000007"
    other = replace(facp, raw=facp.raw[:-1] + b"\xff")
    for reported, said in (
        (as_reported(booted), revision),
        # By the host alone.
        (Missing(reason=Reason.ABSENT, sentence="no agent answered"), revision),
        # What is in memory is not what the guest has.
        (as_reported(tuple(other if one is facp else one for one in booted)), "contents"),
    ):
        hardware = replace(OBSERVATION.hardware, acpi=reported, pci=())
        judged = case(
            declared=replace(case().declared, active=active),
            observation=replace(OBSERVATION, hardware=hardware),
        )
        found = forecast(domain, judged, machine)
        assert isinstance(found, Compared)
        (one,) = (each for each in found.differences if each.area is Area.ACPI)
        assert str(one).startswith(f"ACPI FACP: {said}")
    assert forecast(domain, judged, HUNG) == HUNG


def test_a_guest_that_came_boots_again_with_the_firmware_that_it_brought() -> None:
    """What another firmware would say of itself is forecast of a start alone."""
    booted, newer = (
        smbios(more=smbios_builder.structure(0, 0, b"\1\2", "SeaBIOS", version))
        for version in ("1.16.2", "1.16.3")
    )
    machine = replace(STARTED, smbios=newer, acpi=(), pci=())
    for arguments, anew, said in (
        (("qemu",), False, True),
        (("qemu", "-incoming", "defer"), False, False),
        (("qemu", "-incoming", "defer"), True, True),
    ):
        judged = case(
            running=replace(RUNNING, arguments=arguments),
            observation=replace(OBSERVATION, booted=booted),
        )
        found = guest(cast("Domain", None), judged, machine, anew=anew)
        assert isinstance(found, Compared)
        of_firmware = [one for one in found.differences if one.subject.startswith("type 0 ")]
        assert bool(of_firmware) is said
        assert any("came with its firmware" in one for one in found.not_compared) is not said
