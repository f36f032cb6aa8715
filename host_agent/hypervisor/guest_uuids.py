"""The UUIDs that the guests of one libvirtd see: their domains' own, or ``<hwuuid>``."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from host_agent.domain.definition import DomainXmlError, parse
from host_agent.errors import LibvirtError, LibvirtTimeoutError
from host_agent.hypervisor.domain import Domain

_HWUUID = (11, 6)
"""The first libvirt that has ``<hwuuid>``."""
_FRESH = 10.0
"""Seconds for which an answer is good; a guest is asked more often than its neighbours start."""


def knows_hwuuid(version: str) -> bool:
    """Tell whether a libvirt of this version has ``<hwuuid>``."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal()) >= _HWUUID


def guest_uuids(domains: Iterable[Domain], version: str) -> dict[UUID, UUID]:
    """Return what runs: the domain's UUID → the one that its guest sees.

    Only a libvirt that knows ``<hwuuid>`` is asked for definitions. Raises ``LibvirtError``.
    """
    running = [domain for domain in domains if domain.id() is not None]
    found = {domain.uuid: domain.uuid for domain in running}
    for domain in running if knows_hwuuid(version) else ():
        try:
            found[domain.uuid] = parse(domain.xml(inactive=False)).guest_uuid
        except LibvirtTimeoutError:
            # The next one would be waited for as long.
            raise
        except (LibvirtError, DomainXmlError):
            # It went away since, or is no domain that can be judged: who asks will hear it.
            continue
    return found


class Neighbours:
    """Which domains of one connection show their guests the same UUID. Thread-safe."""

    def __init__(
        self,
        domains: Callable[[], Sequence[Domain]],
        version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._domains = domains
        self._version = version
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, UUID] = {}
        self._until: float | None = None

    def others(self, name: str, guest_uuid: UUID) -> tuple[str, ...]:
        """Return the names of the other running domains of this UUID; raises ``LibvirtError``."""
        with self._lock:
            if self._until is None or self._clock() >= self._until:
                domains = self._domains()
                guests = guest_uuids(domains, self._version)
                self._known = {one.name: guests[one.uuid] for one in domains if one.uuid in guests}
                self._until = self._clock() + _FRESH
            known = self._known
        return tuple(
            sorted(other for other, uuid in known.items() if uuid == guest_uuid and other != name)
        )
