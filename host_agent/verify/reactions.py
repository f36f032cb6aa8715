"""What each event of libvirt asks for. Pure."""

from dataclasses import dataclass, replace

from host_agent.domain.event import DomainEvent, EventKind
from host_agent.verify.schedule import Schedule, Task

_TWICE = 1.0
"""Seconds within which no guest is reset, answers, and is reset again."""
_REVERTED = "reverted"
FROM_SNAPSHOT = "from snapshot"
"""Which of libvirt's words (``hypervisor/events.py``) says that it was reverted to a snapshot."""
_SETTLING = 2.0
"""Devices come in groups: seconds to wait for the last of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a guest is waited for, in seconds, from an event on."""

    arrival: float = 60.0
    boot: float = 300.0


def react(schedule: Schedule, event: DomainEvent, now: float, patience: Patience) -> None:
    """Put into the schedule what an event asks for; ``now`` is the schedule's clock."""
    kind, uuid = event.kind, event.uuid
    if kind is EventKind.ARRIVED:
        schedule.add(Task(uuid=uuid, why=kind, due=now, until=now + patience.arrival))
    elif event.detail == FROM_SNAPSHOT and kind in {
        EventKind.STARTED,
        EventKind.RESUMED,
        EventKind.DEFINED,
    }:
        # A revert ends with the definition: before that, what is written would be overwritten. The
        # start of a saved image says the same once, and is waiting as a start already.
        task = Task(uuid=uuid, why=_REVERTED, due=now + _SETTLING, until=now + patience.boot)
        if kind is EventKind.RESUMED:
            schedule.add_unless_waiting(task)
        else:
            schedule.add(replace(task, due=now) if kind is EventKind.DEFINED else task)
    elif kind is EventKind.REBOOTED and not schedule.is_another(uuid, now, _TWICE):
        # libvirt tells of one reset twice.
        return
    elif kind is EventKind.STARTED or kind is EventKind.REBOOTED:
        schedule.add(
            Task(
                uuid=uuid,
                why=kind,
                due=now,
                until=now + patience.boot,
                another_boot=kind is EventKind.REBOOTED,
            )
        )
    elif kind in {EventKind.DEVICE_ADDED, EventKind.DEVICE_REMOVED}:
        schedule.add_unless_waiting(
            Task(
                uuid=uuid,
                why=kind,
                due=now + _SETTLING,
                until=now + patience.arrival,
                refresh=True,
            )
        )
    elif kind is EventKind.CHANNEL_OPENED:
        # The guest agent is there: what waits for it need wait no longer.
        schedule.hasten(uuid, now)
    elif kind in {
        EventKind.STOPPED,
        EventKind.CRASHED,
        EventKind.DEPARTED,
        EventKind.ARRIVING,
        EventKind.UNDEFINED,
    }:
        schedule.forget(uuid)
