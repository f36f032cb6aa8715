"""What is to be done for which domain, and when: one thing a domain. Pure.

A domain has one task at most: a second one replaces what waits (the newest event tells what is to
be verified), and waits itself while the first is under way.
"""

from dataclasses import dataclass, replace
from uuid import UUID


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


class Schedule:
    """Tasks by domain."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, Task] = {}
        self._busy: set[UUID] = set()

    def add(self, task: Task) -> None:
        """Add a task, or replace the domain's that waits."""
        self._waiting[task.uuid] = task

    def add_unless_waiting(self, task: Task) -> None:
        """Add a task, unless something that tells more waits for the domain already."""
        self._waiting.setdefault(task.uuid, task)

    def hasten(self, uuid: UUID, now: float) -> None:
        """Make a waiting task due."""
        if uuid in self._waiting:
            self._waiting[uuid] = replace(self._waiting[uuid], due=now)

    def forget(self, uuid: UUID) -> None:
        """Drop what waits for a domain."""
        self._waiting.pop(uuid, None)

    def take(self, now: float, most: int) -> list[Task]:
        """Return tasks that are due, oldest first; their domains are busy until ``done``."""
        due = sorted(
            (
                task
                for task in self._waiting.values()
                if task.due <= now and task.uuid not in self._busy
            ),
            key=lambda task: task.due,
        )[: max(0, most - len(self._busy))]
        for task in due:
            del self._waiting[task.uuid]
            self._busy.add(task.uuid)
        return due

    def done(self, uuid: UUID) -> None:
        """Say that a domain's task has ended."""
        self._busy.discard(uuid)

    def again(self, task: Task, due: float) -> None:
        """Try a task again later, unless the domain has a newer one by now.

        Devices that came or went meanwhile are seen by what is tried again, and don't replace it.
        """
        self._busy.discard(task.uuid)
        newer = self._waiting.get(task.uuid)
        if newer is None or (newer.refresh and task.unwritten is None):
            self._waiting[task.uuid] = replace(task, due=due)

    def next_due(self) -> float | None:
        """Return when the next task is due; None: none waits."""
        return min(
            (task.due for task in self._waiting.values() if task.uuid not in self._busy),
            default=None,
        )

    @property
    def under_way(self) -> int:
        """How many tasks are being done."""
        return len(self._busy)

    def __len__(self) -> int:
        """How many tasks wait or are under way."""
        return len(self._waiting) + len(self._busy)
