"""Which of several hosts has which domain, and which domains run on two of them at once."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

from host_agent import side_by_side
from host_agent.case.doubles import Sighting, doubles
from host_agent.case.gather import Elsewhere
from host_agent.errors import LibvirtError, NoDomainError
from host_agent.guard import guarded
from host_agent.hypervisor import Hypervisor, connected
from host_agent.hypervisor.guest_uuids import guest_uuids
from host_agent.hypervisor.selection import present
from host_agent.machine_types import offers
from host_agent.side_by_side import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one host has of what was asked for."""

    uri: str
    names: tuple[str, ...]
    """Those of the names that were asked for that it has; none where all domains are meant."""
    running: tuple[str, ...]
    """Those of them that it runs, or that no other of the hosts runs."""
    elsewhere: Elsewhere = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What the hosts have; who has none of the names is not among them."""

    places: tuple[Place, ...]
    unreachable: Mapping[str, LibvirtError]
    """By URI."""


def find(
    uris: Sequence[str], names: Sequence[str], progress: Progress = lambda *_: None
) -> Whereabouts:
    """Look for domains on all hosts, before anything is asked or changed on any.

    A single host is not looked at: whoever asks it will see. Raises ``NoDomainError`` for a name
    that none of the hosts has, ``UsageError`` for one of several domains of one host, and
    ``LibvirtError`` for one that is none of those that could be asked, where others could not.
    """
    if len(uris) == 1:
        only = Place(uri=uris[0], names=tuple(names), running=tuple(names))
        return Whereabouts(places=(only,), unreachable={})
    with ExitStack() as stack:
        looks = side_by_side.each(lambda uri: _looked(uri, names, stack), uris, len(uris), progress)
        found = [look for look in looks if not isinstance(look, LibvirtError)]
        unreachable = {
            uri: look
            for uri, look in zip(uris, looks, strict=True)
            if isinstance(look, LibvirtError)
        }
        views = [view for view, _ in found]
        need(names, views, unreachable)
        # Hosts can't be looked at in one moment: what moved meanwhile was seen on both, and is gone
        # from one of them at the second look.
        twice = doubles(_sightings(found, suspects(views)))
        twice = doubles(_sightings(found, twice))
    active = {uuid for view in views for uuid in view.active}
    places = tuple(_place(view, active, twice) for view in views if view.named or not names)
    return Whereabouts(places=places, unreachable=unreachable)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one connection shows."""

    uri: str
    place: str
    """Tells its libvirtd from any other, as in a ``Sighting``."""
    host: str
    named: Mapping[str, UUID]
    """Of the names that were asked for those that it has, each with its domain."""
    active: Mapping[UUID, UUID]
    """Of what runs: the domain's UUID → the one that its guest sees."""


def look(uri: str, names: Sequence[str]) -> View:
    """Look for domains on one host; raises ``LibvirtError``, ``UsageError`` for a name of two."""
    with connected(uri) as hypervisor:
        return _view(hypervisor, uri, names)


def sightings(uri: str, guests: Collection[UUID]) -> tuple[Sighting, ...]:
    """Return what runs on a host with these UUIDs, as it is now; raises ``LibvirtError``."""
    with connected(uri) as hypervisor:
        view = _view(hypervisor, uri, ())
        return tuple(_sightings([(view, hypervisor)], guests))


def _view(hypervisor: Hypervisor, uri: str, names: Sequence[str]) -> View:
    facts = hypervisor.facts()
    domains = hypervisor.domains()
    uuid = offers.host_uuid(facts.capabilities)
    # Of libvirts that don't know their host's UUID each URI is one of its own. A host has one
    # for the system and one for each user: the path tells.
    place = f"{uuid} {facts.name} {urlsplit(uri).path}" if uuid else uri
    return View(
        uri=uri,
        place=place,
        host=facts.name,
        named={name: domain.uuid for name, domain in present(domains, names, uri).items()},
        active=guest_uuids(domains, facts.libvirt),
    )


_Looked = tuple[View, Hypervisor]


def _looked(uri: str, names: Sequence[str], stack: ExitStack) -> _Looked | LibvirtError:
    try:
        hypervisor = stack.enter_context(connected(uri))
        return _view(hypervisor, uri, names), hypervisor
    except LibvirtError as error:
        return error


def need(
    names: Sequence[str], views: Sequence[View], unreachable: Mapping[str, LibvirtError]
) -> None:
    """Raise what ``find`` does where a name is on none of the hosts."""
    for name in names:
        if any(name in view.named for view in views):
            continue
        asked = " or ".join(view.uri for view in views)
        if not unreachable:
            raise NoDomainError(f"there is no domain {name!r} on {asked}", name)
        if views:
            rest = "; ".join(map(str, unreachable.values()))
            raise LibvirtError(
                f"there is no domain {name!r} on {asked}; it may be where libvirt can't be "
                f"reached: {rest}"
            )


def suspects(views: Sequence[View]) -> Collection[UUID]:
    """Return the UUIDs that guests of more than one libvirtd, or two of one, were seen with."""
    count = Counter(
        guest
        for active in {view.place: view.active for view in views}.values()
        for guest in active.values()
    )
    return [guest for guest, times in count.items() if times > 1]


def _sightings(found: Sequence[_Looked], guests: Collection[UUID]) -> Iterator[Sighting]:
    for view, hypervisor in found:
        for uuid, guest in view.active.items():
            if guest not in guests:
                continue
            # One that went away since, or is broken: who asks that host next will hear it.
            seen = guarded(partial(_sighting, view, hypervisor, uuid, guest), lambda _: None)
            if seen is not None:
                yield seen


def _sighting(view: View, hypervisor: Hypervisor, uuid: UUID, guest: UUID) -> Sighting | None:
    domain = hypervisor.domain(uuid)
    if domain is None or not domain.is_active():
        return None
    state, reason = domain.state()
    return Sighting(
        place=view.place, host=view.host, name=domain.name, uuid=guest, state=state, reason=reason
    )


def _place(
    view: View, active: Collection[UUID], twice: Mapping[UUID, tuple[Sighting, ...]]
) -> Place:
    elsewhere = {
        (guest, own.name): tuple(one for one in seen if one is not own)
        for guest, seen in twice.items()
        for own in seen
        if own.place == view.place
    }
    return Place(
        uri=view.uri,
        names=tuple(view.named),
        running=tuple(
            name for name, uuid in view.named.items() if uuid in view.active or uuid not in active
        ),
        elsewhere=elsewhere,
    )
