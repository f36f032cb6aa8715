"""Which guests run twice at once, and which are only on their way to another host. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An active domain, as one host's libvirt showed it at one moment."""

    place: str
    """Tells one libvirtd from another, by whatever URI it was reached."""
    host: str
    """The host's name, as its libvirt says it."""
    name: str
    uuid: UUID
    """The one that its guest sees."""
    state: str
    """libvirt's word: ``running``, ``paused`` …"""
    reason: str
    """libvirt's word for how it came to that."""


_UNDER_WAY = {
    ("paused", "migration"),
    ("paused", "starting up"),
    ("paused", "post-copy"),
    ("paused", "post-copy failed"),
}
"""The end of a live migration that does not execute the guest.

libvirt ``src/qemu/qemu_migration.c``: until all has come the destination is PAUSED, with the reason
MIGRATION (for a moment before that STARTING_UP); the source is so from when it was stopped for the
last of it, with post-copy with the reason POSTCOPY. Before that the source is RUNNING.
"""


def doubles(sightings: Iterable[Sighting]) -> dict[UUID, tuple[Sighting, ...]]:
    """Return the UUIDs that more than one guest is shown at once, each with one sighting of each.

    That is one domain which two libvirtds execute, or two domains with one ``<hwuuid>``. One that
    its administrator paused counts: it is there, and can go on at any time.
    """
    seen: dict[UUID, dict[tuple[str, str], Sighting]] = defaultdict(dict)
    for sighting in sightings:
        if (sighting.state, sighting.reason) not in _UNDER_WAY:
            seen[sighting.uuid][sighting.place, sighting.name] = sighting
    return {uuid: tuple(places.values()) for uuid, places in seen.items() if len(places) > 1}
