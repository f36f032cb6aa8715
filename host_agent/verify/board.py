"""How the domains of a host stand now: the daemon writes it, whoever monitors reads it."""

import threading
from collections.abc import Collection
from dataclasses import replace

from host_agent.verify import standing
from host_agent.verify.standing import Standing


class Board:
    """One standing a domain; may be read and written from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._domains: dict[str, Standing] = {}
        self._reachable: dict[str, bool] = {}

    def put(self, one: Standing) -> None:
        """Replace what is known of a domain; when it was verified last stays known."""
        with self._lock:
            before = self._domains.get(one.uuid)
            if before is not None and one.verified is None:
                one = replace(one, verified=before.verified)
            self._domains[one.uuid] = one

    def stopped(self, uuid: str) -> None:
        """Say that a domain runs no more."""
        with self._lock:
            before = self._domains.get(uuid)
            if before is not None:
                self._domains[uuid] = replace(before, word=standing.NOT_RUNNING, outcomes=())

    def forget(self, uuid: str) -> None:
        """Drop a domain that is not this host's any more."""
        with self._lock:
            self._domains.pop(uuid, None)

    def keep(self, uuids: Collection[str]) -> None:
        """Drop all other domains."""
        with self._lock:
            self._domains = {uuid: one for uuid, one in self._domains.items() if uuid in uuids}

    def knows(self, uuid: str) -> bool:
        """Tell whether there is anything of a domain."""
        with self._lock:
            return uuid in self._domains

    def answers(self, uri: str, *, there: bool) -> None:
        """Say whether libvirt answers."""
        with self._lock:
            self._reachable[uri] = there

    @property
    def standings(self) -> tuple[Standing, ...]:
        """All of them, by name."""
        with self._lock:
            return tuple(sorted(self._domains.values(), key=lambda one: (one.name, one.uuid)))

    @property
    def reachable(self) -> dict[str, bool]:
        """Each connection, and whether its libvirt answers."""
        with self._lock:
            return dict(self._reachable)
