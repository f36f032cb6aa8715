"""What is to be done for which domain, and when: one thing a domain. Pure.

A domain has one task at most: a second one replaces what waits (the newest event tells what is to
be verified), and waits itself while the first is under way.

A guest that takes its time costs others as little of theirs as can be: who has taken least goes
first, an attempt may take more the more were made, and one place is kept for those that have taken
next to nothing yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

_SLOW = 1.0
"""Seconds that a domain's attempts have taken, from which on it waits behind those of others."""
_FIRST = 3.0
"""Seconds of a first attempt: an agent that sleeps starts its worker first.

In an emulated guest that takes a second, and two where it has just arrived; one that is given up in
the middle of it is asked again from the beginning.
"""
_LONGER = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE, _DOUBLED = 0.125, 1.0, 3
"""Seconds between attempts, and how often they double."""
_SOONEST = 0.25
"""Seconds between two attempts, whatever a guest does with its end of the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One verification that is to be done."""

    uuid: UUID
    why: str
    """The event, in a word for people."""
    due: float
    """Not before this, on the caller's clock."""
    until: float
    """From then on the guest is waited for no longer."""
    another_boot: bool = False
    """Whether the boot of the baseline must be over: one that was reset answers for a moment."""
    refresh: bool = False
    """Whether today's state becomes the baseline where all is right (devices came or went)."""
    unwritten: str | None = None
    """A baseline that is to be written yet, of a verification that is done; None: verify."""
    spent: float = 0.0
    """Seconds that the attempts so far have taken."""
    tried: float | None = None
    """When the last attempt ended; None: there was none yet."""
    tries: int = 0
    """How many attempts there were."""

    def allowance(self, most: float) -> float:
        """Return the seconds that the next attempt may take, where another may follow it."""
        return min(most, max(_FIRST, _LONGER * self.spent))

    @property
    def pause(self) -> float:
        """Seconds until the next attempt: what came by live migration is there in a moment."""
        return min(_LONGEST_PAUSE, float(_FIRST_PAUSE * 2 ** min(self.tries, _DOUBLED)))

    @property
    def is_slow(self) -> bool:
        """Whether it has taken so much that others go first."""
        return self.spent >= _SLOW


class Schedule:
    """Tasks by domain."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, Task] = {}
        self._busy: dict[UUID, Task] = {}
        self._reboots: dict[UUID, float] = {}

    def is_another(self, uuid: UUID, now: float, seconds: float) -> bool:
        """Tell whether a reboot is another one than that of up to so many ``seconds`` ago."""
        last = self._reboots.get(uuid)
        self._reboots[uuid] = now
        return last is None or now - last > seconds

    def add(self, task: Task) -> None:
        """Add a task, or replace the domain's that waits."""
        self._waiting[task.uuid] = task

    def add_unless_waiting(self, task: Task) -> None:
        """Add a task, unless something that tells more waits for the domain already."""
        self._waiting.setdefault(task.uuid, task)

    def hasten(self, uuid: UUID, now: float) -> None:
        """Make a waiting task due."""
        if uuid in self._waiting:
            task = self._waiting[uuid]
            soonest = now if task.tried is None else max(now, task.tried + _SOONEST)
            self._waiting[uuid] = replace(task, due=min(task.due, soonest))

    def forget(self, uuid: UUID) -> None:
        """Drop what waits for a domain."""
        self._waiting.pop(uuid, None)
        self._reboots.pop(uuid, None)

    def take(self, now: float, most: int) -> list[Task]:
        """Return tasks that are due and can be done; their domains are busy until ``done``.

        Who has taken least comes first, then the oldest. ``most`` are under way at a time.
        """
        taken: list[Task] = []
        while due := [task for task in self._startable(most) if task.due <= now]:
            task = min(due, key=lambda task: (task.spent, task.due))
            del self._waiting[task.uuid]
            self._busy[task.uuid] = task
            taken.append(task)
        return taken

    def _startable(self, most: int) -> Iterator[Task]:
        """Yield what waits and has a place, due or not."""
        if len(self._busy) >= most:
            return
        slow = sum(task.is_slow for task in self._busy.values())
        for task in self._waiting.values():
            if task.uuid not in self._busy and not (task.is_slow and slow >= max(1, most - 1)):
                yield task

    def done(self, uuid: UUID) -> None:
        """Say that a domain's task has ended."""
        self._busy.pop(uuid, None)

    def again(self, task: Task, due: float) -> None:
        """Try a task again later, unless the domain has a newer one by now.

        Devices that came or went meanwhile are seen by what is tried again, and don't replace it.
        """
        self._busy.pop(task.uuid, None)
        newer = self._waiting.get(task.uuid)
        if newer is None or (newer.refresh and task.unwritten is None):
            self._waiting[task.uuid] = replace(task, due=due)

    def next_due(self, most: int) -> float | None:
        """Return when the next task can be done; None: none can, until another one is done."""
        return min((task.due for task in self._startable(most)), default=None)

    @property
    def under_way(self) -> int:
        """How many tasks are being done."""
        return len(self._busy)

    def __len__(self) -> int:
        """How many tasks wait or are under way."""
        return len(self._waiting) + len(self._busy)
