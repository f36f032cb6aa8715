"""What each event of libvirt asks for."""

from typing import Any

import pytest

from host_agent.domain.event import DomainEvent, EventKind
from host_agent.verify.reactions import Patience, react
from host_agent.verify.schedule import Schedule, Task
from tests.smbios_builder import UUID_1

NOW = 1000.0
WAITS = Task(uuid=UUID_1, why="waits", due=NOW + 50, until=NOW + 99)
PATIENCE = Patience(arrival=60.0, boot=300.0)
KEPT, FORGOTTEN = (WAITS,), ()


def after(kind: EventKind, *before: Task) -> tuple[Task, ...]:
    """The tasks after an event."""
    schedule = Schedule()
    for task in before:
        schedule.add(task)
    event = DomainEvent(kind=kind, uuid=UUID_1, name="vm1", detail="", time=1.7e9)
    react(schedule, event, NOW, PATIENCE)
    return tuple(schedule.take(1e9, 99))


def asked(kind: EventKind, due: float, until: float, **more: Any) -> tuple[Task, ...]:
    return (Task(uuid=UUID_1, why=kind.value, due=NOW + due, until=NOW + until, **more),)


# kind → the tasks after it: where nothing waited, and where something did.
ROWS: dict[EventKind, tuple[tuple[Task, ...], tuple[Task, ...]]] = {
    kind: (without, waiting)
    for kinds, without, waiting in (
        (
            (
                EventKind.DEFINED,
                EventKind.RESUMED,
                EventKind.SUSPENDED,
                EventKind.CHANNEL_CLOSED,
                EventKind.METADATA_CHANGED,
            ),
            (),
            KEPT,
        ),
        (
            (
                EventKind.UNDEFINED,
                EventKind.ARRIVING,
                EventKind.DEPARTED,
                EventKind.STOPPED,
                EventKind.CRASHED,
            ),
            (),
            FORGOTTEN,
        ),
        ((EventKind.ARRIVED,), *(asked(EventKind.ARRIVED, 0, 60),) * 2),
        ((EventKind.STARTED,), *(asked(EventKind.STARTED, 0, 300),) * 2),
        ((EventKind.REBOOTED,), *(asked(EventKind.REBOOTED, 0, 300, another_boot=True),) * 2),
        ((EventKind.DEVICE_ADDED,), asked(EventKind.DEVICE_ADDED, 2, 60, refresh=True), KEPT),
        ((EventKind.DEVICE_REMOVED,), asked(EventKind.DEVICE_REMOVED, 2, 60, refresh=True), KEPT),
        (
            (EventKind.CHANNEL_OPENED,),
            (),
            (Task(uuid=UUID_1, why="waits", due=NOW, until=NOW + 99),),
        ),
    )
    for kind in kinds
}


def test_every_kind_has_a_row() -> None:
    assert set(ROWS) == set(EventKind)


@pytest.mark.parametrize("kind", EventKind)
def test_reaction(kind: EventKind) -> None:
    without, waiting = ROWS[kind]
    assert after(kind) == without
    assert after(kind, WAITS) == waiting


def run(*events: tuple[EventKind, str, float]) -> tuple[Task, ...]:
    """The tasks after events, each so many seconds after the first."""
    schedule = Schedule()
    for kind, detail, after_ in events:
        event = DomainEvent(kind=kind, uuid=UUID_1, name="vm1", detail=detail, time=1.7e9)
        react(schedule, event, NOW + after_, PATIENCE)
    return tuple(schedule.take(1e9, 99))


SNAPSHOT, REBOOTED = "from snapshot", EventKind.REBOOTED


@pytest.mark.parametrize(
    ("events", "why", "due"),
    [
        # A revert, in libvirt's order: it is looked at when its definition is there.
        ([(EventKind.STOPPED, SNAPSHOT, 0.0), (EventKind.STARTED, SNAPSHOT, 0.1),
          (EventKind.RESUMED, SNAPSHOT, 0.1), (EventKind.DEFINED, SNAPSHOT, 0.3)], "reverted", 0.3),
        ([(EventKind.STARTED, SNAPSHOT, 0.0)], "reverted", 2.0),
        # In the same process, as an older libvirt does it.
        ([(EventKind.RESUMED, SNAPSHOT, 0.0)], "reverted", 2.0),
        # A saved image says both, in either order.
        ([(EventKind.RESUMED, SNAPSHOT, 0.0), (EventKind.STARTED, "restored", 0.0)], "started", 0),
        ([(EventKind.STARTED, "restored", 0.0), (EventKind.RESUMED, SNAPSHOT, 0.0)], "started", 0),
        # One reset is told twice.
        ([(REBOOTED, "", 0.0), (REBOOTED, "", 0.2)], "rebooted", 0.0),
        ([(REBOOTED, "", 0.0), (REBOOTED, "", 5.0)], "rebooted", 5.0),
        ([(REBOOTED, "", 0.0), (EventKind.STOPPED, "", 0.1), (REBOOTED, "", 0.2)], "rebooted", 0.2),
    ],
)  # fmt: skip
def test_what_libvirt_tells_of_one_thing_is_one_task(
    events: list[tuple[EventKind, str, float]], why: str, due: float
) -> None:
    (task,) = run(*events)
    assert task.why == why
    assert task.due == pytest.approx(NOW + due)


def test_a_reset_that_is_told_twice_is_done_once() -> None:
    """The second must not wait for another boot than the first one's verdict."""
    schedule = Schedule()
    event = DomainEvent(kind=REBOOTED, uuid=UUID_1, name="vm1", detail="", time=1.7e9)
    react(schedule, event, NOW, PATIENCE)
    assert len(schedule.take(NOW, 9)) == 1
    react(schedule, event, NOW + 0.2, PATIENCE)
    schedule.done(UUID_1)
    assert len(schedule) == 0


def test_a_live_migration_on_its_destination() -> None:
    schedule = Schedule()
    for number, kind in enumerate(
        (EventKind.ARRIVING, EventKind.CHANNEL_OPENED, EventKind.ARRIVED, EventKind.DEVICE_ADDED)
    ):
        event = DomainEvent(kind=kind, uuid=UUID_1, name="vm1", detail="", time=1.7e9)
        react(schedule, event, NOW + number, PATIENCE)
        assert bool(len(schedule)) is (number >= 2)
    (task,) = schedule.take(NOW + 2, 9)
    assert (task.why, task.until) == ("arrived", NOW + 62)
