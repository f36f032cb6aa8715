"""Which event says that a migrated guest runs here now. Pure."""

from uuid import UUID

from host_agent.domain.event import EventKind

_POSTCOPY = {"post-copy", "post-copy failed"}


class Arrivals:
    """Tells the one RESUMED that means that a migrated guest runs here now.

    On the destination that is the first after STARTED(migrated), whatever its detail: a guest that
    moved while it was paused resumes long after. On the source RESUMED(migrated) says the opposite:
    a migration was given up after the guest had been suspended for it, and it never left.
    """

    def __init__(self) -> None:
        self._arriving: set[UUID] = set()
        self._leaving: set[UUID] = set()

    def told(self, uuid: UUID, kind: EventKind, detail: str) -> tuple[EventKind, str]:
        """Return what an event means after those before it."""
        if kind is EventKind.ARRIVING:
            self._arriving.add(uuid)
        elif kind is EventKind.SUSPENDED and detail == "migrated":
            self._leaving.add(uuid)
        elif kind in {EventKind.RESUMED, EventKind.ARRIVED} and detail not in _POSTCOPY:
            if uuid in self._leaving and uuid not in self._arriving:
                kind, detail = EventKind.RESUMED, "migration cancelled"
            elif uuid in self._arriving:
                kind = EventKind.ARRIVED
            self._forget(uuid)
        elif kind in {EventKind.STOPPED, EventKind.DEPARTED, EventKind.CRASHED, EventKind.STARTED}:
            self._forget(uuid)
        return kind, detail

    def _forget(self, uuid: UUID) -> None:
        self._arriving.discard(uuid)
        self._leaving.discard(uuid)
