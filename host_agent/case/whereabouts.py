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
from host_agent.hypervisor import Domain, Hypervisor, connected
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
        looks = side_by_side.each(lambda uri: _look(uri, names, stack), uris, len(uris), progress)
        views = [look for look in looks if isinstance(look, _View)]
        unreachable = {
            uri: look
            for uri, look in zip(uris, looks, strict=True)
            if isinstance(look, LibvirtError)
        }
        _need(names, views, unreachable)
        twice = _doubles(views)
    active = {uuid for view in views for uuid in view.active}
    places = tuple(_place(view, active, twice) for view in views if view.named or not names)
    return Whereabouts(places=places, unreachable=unreachable)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What one connection shows."""

    uri: str
    place: str
    host: str
    hypervisor: Hypervisor
    named: Mapping[str, Domain]
    active: Mapping[UUID, UUID]
    """Of what runs: the domain's UUID → the one that its guest sees."""


def _look(uri: str, names: Sequence[str], stack: ExitStack) -> _View | LibvirtError:
    try:
        hypervisor = stack.enter_context(connected(uri))
        facts = hypervisor.facts()
        domains = hypervisor.domains()
        uuid = offers.host_uuid(facts.capabilities)
        # Of libvirts that don't know their host's UUID each URI is one of its own. A host has one
        # for the system and one for each user: the path tells.
        place = f"{uuid} {facts.name} {urlsplit(uri).path}" if uuid else uri
        return _View(
            uri=uri,
            place=place,
            host=facts.name,
            hypervisor=hypervisor,
            named=present(domains, names, uri),
            active=guest_uuids(domains, facts.libvirt),
        )
    except LibvirtError as error:
        return error


def _need(
    names: Sequence[str], views: Sequence[_View], unreachable: Mapping[str, LibvirtError]
) -> None:
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


def _doubles(views: Sequence[_View]) -> dict[UUID, tuple[Sighting, ...]]:
    """Return what runs twice.

    Hosts can't be looked at in one moment: what moved meanwhile was seen on both, and is gone from
    one of them at the second look.
    """
    count = Counter(
        guest
        for active in {view.place: view.active for view in views}.values()
        for guest in active.values()
    )
    suspects: Collection[UUID] = [guest for guest, times in count.items() if times > 1]
    twice = doubles(_sightings(views, suspects))
    return doubles(_sightings(views, twice))


def _sightings(views: Sequence[_View], guests: Collection[UUID]) -> Iterator[Sighting]:
    for view in views:
        for uuid, guest in view.active.items():
            if guest not in guests:
                continue
            # One that went away since, or is broken: who asks that host next will hear it.
            seen = guarded(partial(_sighting, view, uuid, guest), lambda _: None)
            if seen is not None:
                yield seen


def _sighting(view: _View, uuid: UUID, guest: UUID) -> Sighting | None:
    domain = view.hypervisor.domain(uuid)
    if domain is None or not domain.is_active():
        return None
    state, reason = domain.state()
    return Sighting(
        place=view.place, host=view.host, name=domain.name, uuid=guest, state=state, reason=reason
    )


def _place(
    view: _View, active: Collection[UUID], twice: Mapping[UUID, tuple[Sighting, ...]]
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
            name
            for name, domain in view.named.items()
            if domain.uuid in view.active or domain.uuid not in active
        ),
        elsewhere=elsewhere,
    )
