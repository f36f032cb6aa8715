"""Which machine a guest is held against: as it was started, or with what was plugged in since."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from host_agent.case.rehearsing import machine_and_guest
from host_agent.evidence.rehearsal_diff import Compared, as_reported
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.evidence.test_rehearsal_diff import NET, REHEARSED, function
from tests.unit.host_agent.shared.cases import OBSERVATION, case

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
