"""The UUIDs that the guests of one libvirtd see: their domains' own, or ``<hwuuid>``."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

from host_agent.domain.definition import parse
from host_agent.errors import LibvirtError, LibvirtTimeoutError
from host_agent.guard import guarded
from host_agent.hypervisor.domain import Domain

_HWUUID = (11, 6)
"""The first libvirt that has ``<hwuuid>``."""
_AFTER_TROUBLE = 300.0
"""Seconds until a libvirtd that did not answer is asked again for all of its domains."""
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
        # One that went away since, or can't be read: who asks for it will hear it.
        seen = guarded(partial(_seen, domain), lambda _: None)
        if isinstance(seen, LibvirtTimeoutError):
            # The next one would be waited for as long.
            raise seen
        found[domain.uuid] = seen or domain.uuid
    return found


def _seen(domain: Domain) -> UUID | LibvirtTimeoutError:
    try:
        return parse(domain.xml(inactive=False)).guest_uuid
    except LibvirtTimeoutError as error:
        return error


class Neighbours:
    """Which domains of one connection show their guests the same UUID. Thread-safe."""

    def __init__(
        self,
        domains: Callable[[], Sequence[Domain]],
        version: str,
        listed: Sequence[Domain] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``listed``: what ``domains`` returned a moment ago; None: nobody has asked yet."""
        self._domains = domains
        self._listed = listed
        self._version = version
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, UUID] = {}
        self._until: float | None = None

    def others(self, name: str, guest_uuid: UUID) -> tuple[str, ...]:
        """Return the names of the other running domains of this UUID, as far as that is known."""
        with self._lock:
            if self._until is None or self._clock() >= self._until:
                self._known, fresh = self._look()
                self._until = self._clock() + fresh
            known = self._known
        return tuple(
            sorted(other for other, uuid in known.items() if uuid == guest_uuid and other != name)
        )

    def _look(self) -> tuple[dict[str, UUID], float]:
        """Return what runs, by name, and for how many seconds nobody needs to look again."""
        try:
            domains = self._domains() if self._listed is None else self._listed
            self._listed = None
            guests = guest_uuids(domains, self._version)
        except LibvirtError:
            # Each domain is asked for itself, and says what is wrong.
            return {}, _AFTER_TROUBLE
        return {one.name: guests[one.uuid] for one in domains if one.uuid in guests}, _FRESH
