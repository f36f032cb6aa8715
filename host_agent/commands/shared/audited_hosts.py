"""Many hosts audited side by side, each in a process of its own."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from host_agent import asked
from host_agent.case.doubles import Sighting, doubles
from host_agent.case.results import Audited, Failed, Host, HostAudit
from host_agent.case.whereabouts import View, look, need, sightings, suspects
from host_agent.commands.shared.side_by_side_hosts import SECONDS, Asked, ask, told_of
from host_agent.errors import LibvirtError
from host_agent.hosts.target import Target
from host_agent.verify.audit import Ended, Options, audit, found_elsewhere

if TYPE_CHECKING:
    from host_agent.hosts.children import Say

MODULES = ("host_agent.commands.shared.audited_hosts", "host_agent.guest.link")
_REHEARSING = 600.0
"""Seconds that a host may be silent for while firmware runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """The end of a host's audit: what is not of a single domain."""

    audit: HostAudit
    """Without its results, which were said."""
    order: tuple[str, ...]
    """Their domains' UUIDs."""


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What a host has said so far."""

    view: View | None = None
    host: Host | None = None
    results: dict[str, Audited | Failed] = field(default_factory=dict)
    """By the domain's UUID."""
    whole: HostAudit | None = None

    def audit(self) -> HostAudit | None:
        """What is known; None: nothing."""
        if self.whole is not None or self.host is None:
            return self.whole
        results = sorted(self.results.values(), key=_name)
        return HostAudit(host=self.host, results=tuple(results), seconds=0.0, started=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A host's audit that is whole, with what tells which domains run twice."""

    view: View
    audit: HostAudit


def audit_hosts(
    targets: Sequence[Target],
    options: Options,
    ended: Callable[[Ended], None] | None = None,
) -> tuple[list[HostAudit], Asked]:
    """Audit all of them; ``ended`` is told of each domain as soon as it is done.

    It is told again of one that turns out to run on two hosts at once, which only all hosts
    together show. Raises ``UsageError`` for a name that none of the hosts has.
    """
    of: dict[str, _Heard] = {one.uri: _Heard() for one in targets}

    def heard(uri: str, fact: object) -> _Kept | None:
        one = of[uri]
        match fact:
            case View():
                one.view = fact
            case Host():
                one.host = fact
            case Ended():
                one.results[_uuid(fact.result)] = fact.result
                if ended is not None:
                    ended(fact)
            case _Whole():
                results = tuple(one.results[uuid] for uuid in fact.order)
                one.whole = replace(fact.audit, results=results)
            case _Kept():
                one.view, one.whole = fact.view, fact.audit
                for result in fact.audit.results if ended is not None else ():
                    ended(_ended(fact.audit, result))  # type: ignore[misc]  # it is not None
        if isinstance(fact, _Whole) and one.view is not None and one.whole is not None:
            return _Kept(view=one.view, audit=one.whole)
        return None

    request = (
        f"audit {options.names} {options.seconds} {options.probe} {options.rehearse} "
        f"{options.read_esp}"
    )
    came = ask(
        partial(_audit_host, options, asked.is_told()),
        targets,
        heard,
        request=request,
        more=options.seconds + (_REHEARSING if options.rehearse else 0.0),
        modules=MODULES,
    )
    views = [one.view for one in of.values() if one.view is not None]
    if not came.interrupted:
        unreachable = {
            uri: error if isinstance(error, LibvirtError) else LibvirtError(str(error))
            for uri, error in came.unreachable.items()
        }
        need(options.names, views, unreachable)
    twice = {} if came.interrupted else _twice(targets, views)
    audits = []
    for one in of.values():
        found = one.audit()
        if found is None or (options.names and not found.results):
            continue
        place = one.view.place if one.view is not None else ""
        results = tuple(found_elsewhere(result, place, twice) for result in found.results)
        for before, result in zip(found.results, results, strict=True):
            if result is not before and ended is not None:
                ended(_ended(found, result))
        audits.append(replace(found, results=results))
    return audits, came


def _audit_host(options: Options, debug: bool, uri: str, say: "Say") -> None:
    with told_of(debug):
        view = look(uri, options.names)
        say(view)
        if options.names and not view.named:
            return
        found = audit(uri, replace(options, names=tuple(view.named)), ended=say, begun=say)
        order = tuple(map(_uuid, found.results))
        say(_Whole(audit=replace(found, results=()), order=order))


def _twice(targets: Sequence[Target], views: Sequence[View]) -> Mapping[UUID, tuple[Sighting, ...]]:
    """Return what runs twice.

    Hosts can't be looked at in one moment: what moved meanwhile was seen on both, and is gone from
    one of them when these are looked at again, twice.
    """
    found: Mapping[UUID, tuple[Sighting, ...]] = dict.fromkeys(suspects(views), ())
    for _ in range(2):
        if not found:
            break
        uris = {view.uri for view in views if set(view.active.values()) & set(found)}
        asked_again = [one for one in targets if one.uri in uris]
        found = doubles(_seen(asked_again, tuple(found)))
    return found


def _seen(targets: Sequence[Target], guests: Collection[UUID]) -> Iterator[Sighting]:
    from host_agent.hosts import children

    work = partial(_see, guests)
    for _, fact in children.each(
        work, targets, at_once=len(targets), seconds=SECONDS, modules=MODULES
    ):
        if isinstance(fact, Sighting):
            yield fact


def _see(guests: Collection[UUID], uri: str, say: "Say") -> None:
    for one in sightings(uri, guests):
        say(one)


def _ended(audit_: HostAudit, result: Audited | Failed) -> Ended:
    host = audit_.host
    return Ended(uri=host.uri, host=host.name, result=result, predictions=audit_.predictions)


def _name(result: Audited | Failed) -> str:
    return result.name if isinstance(result, Failed) else result.case.declared.definition.name


def _uuid(result: Audited | Failed) -> str:
    if isinstance(result, Failed):
        return result.uuid
    return str(result.case.declared.definition.uuid)
