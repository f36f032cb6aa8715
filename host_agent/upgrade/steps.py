"""What to do next in an upgrade, from what libvirt says now. Pure.

Not the step that was recorded decides, but what is: each action brings a domain nearer to its goal
wherever it stands, and one that was taken already is not taken again. So it does not matter at
which step the program was killed, nor what else happened until it was run again. The record says
the rest: to which machine type the domain is on its way, and whether it is to run at the end.
"""

from dataclasses import dataclass
from enum import StrEnum

from host_agent.printable import argument
from host_agent.records.upgrade_record import UNDER_WAY, Direction, Record, Step


class Action(StrEnum):
    """What is to be done."""

    STOP = "stop"
    DEFINE = "define"
    START = "start"
    VERIFY = "verify"
    FINISH = "finish"
    """Nothing more."""
    LEAVE = "leave"
    """Nothing can be done without undoing what somebody else did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What libvirt says of the domain; machine types by their own names."""

    active: str | None
    """None: it does not run."""
    persistent: str | None
    """None: it has no persistent definition (any more)."""
    saved: bool = False
    """Whether a managed-save image is there, from which the next start would restore it."""


class _Is(StrEnum):
    OFF = "off"
    GOAL = "goal"
    NOT_YET = "not yet"


_OFF, _GOAL, _NOT_YET = _Is.OFF, _Is.GOAL, _Is.NOT_YET

# Stopped first, defined then: where the guest does not stop, all is still as it was.
_STOP_FIRST = {
    # runs       defined
    (_OFF,       _GOAL):     Action.START,
    (_OFF,       _NOT_YET):  Action.DEFINE,
    (_GOAL,      _GOAL):     Action.VERIFY,
    (_GOAL,      _NOT_YET):  Action.DEFINE,
    (_NOT_YET,   _GOAL):     Action.STOP,
    (_NOT_YET,   _NOT_YET):  Action.STOP,
}  # fmt: skip
# Back: whatever the guest does, its next start is the old one. Staged: nobody stops it.
_DEFINE_FIRST = _STOP_FIRST | {(_NOT_YET, _NOT_YET): Action.DEFINE}
_STAGED = _DEFINE_FIRST | {(_NOT_YET, _GOAL): Action.FINISH, (_OFF, _GOAL): Action.FINISH}

STEPS = {
    Action.STOP: Step.STOPPING, Action.DEFINE: Step.DEFINING, Action.START: Step.STARTING,
    Action.VERIFY: Step.VERIFYING,
}  # fmt: skip
"""The step that is recorded before each action."""


def next_action(record: Record, seen: Seen) -> Action:
    """Return what brings the domain nearer to its goal."""
    goal = record.goal
    if hindrance(record, seen) is not None:
        return Action.LEAVE
    active = _OFF if seen.active is None else _GOAL if seen.active == goal else _NOT_YET
    persistent = _GOAL if seen.persistent == goal else _NOT_YET
    action = _table(record)[active, persistent]
    if action is Action.START and not record.runs_at_the_end:
        return Action.FINISH
    return action


def _table(record: Record) -> dict[tuple[_Is, _Is], Action]:
    if record.direction is Direction.BACK:
        return _DEFINE_FIRST
    return _STAGED if record.stage else _STOP_FIRST


def hindrance(record: Record, seen: Seen) -> str | None:
    """Say what somebody else did, that must not be undone unasked; None: nothing."""
    if seen.persistent is None:
        return "it has no persistent definition any more"
    if seen.persistent not in {record.old, record.new}:
        return (
            f"somebody changed its machine type to {seen.persistent}, which is neither "
            f"{record.old} nor {record.new}"
        )
    if seen.saved and seen.active is None:
        return (
            "its guest was saved meanwhile, and the next start would restore it; "
            f"virsh start {argument(record.name, record.uuid)}, then again"
        )
    return None


class Beginning(StrEnum):
    """How a command begins with what it finds recorded."""

    ANEW = "anew"
    RESUME = "resume"


def beginning(record: Record | None, persistent: str | None) -> Beginning:
    """Tell whether an upgrade goes on from its record, or from the domain as it is now."""
    if record is None or record.step in {Step.PLANNED, Step.APPLIED, Step.ROLLED_BACK}:
        return Beginning.ANEW
    if record.step in UNDER_WAY:
        return Beginning.RESUME
    # Staged or failed: it goes on where the new definition still stands.
    return Beginning.RESUME if persistent == record.new else Beginning.ANEW


def ended(record: Record, last: Action) -> Step:
    """Return the step that says how it ended, by the last action that was needed."""
    if record.direction is Direction.BACK:
        return Step.ROLLED_BACK
    # What no guest has booted with yet is not applied.
    return Step.APPLIED if last is Action.VERIFY else Step.STAGED
