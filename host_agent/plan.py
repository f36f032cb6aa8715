"""The job ``plan``: which domains of some hosts get to another host or release, and how."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date

from host_agent import foreseen, plan_answer, plan_outline, plan_subject, side_by_side
from host_agent import sites as place
from host_agent.atlas import Atlas
from host_agent.capabilities import Offer
from host_agent.destination import Destination
from host_agent.domain_xml import DomainXmlError
from host_agent.errors import LibvirtError, LibvirtTimeoutError, UsageError
from host_agent.gather import Progress
from host_agent.hypervisor import Domain, Hypervisor, is_local
from host_agent.migration import CopyStorage
from host_agent.missing import Missing, Reason
from host_agent.model import Definition, Difference, Failed
from host_agent.move import Move
from host_agent.plan_atlases import Atlases, Survey, changes
from host_agent.plan_facts import Answer, Hop, Plan, Planned, Question, Site, Subject
from host_agent.selection import chosen
from host_agent.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is planned."""

    uris: Sequence[str]
    """Where the domains are."""
    goals: Sequence[str]
    """Where they are to go, one after the other: URIs, files of atlases, releases."""
    on: date
    """The day, for the releases' support."""
    names: Sequence[str] = ()
    """Names, display names or UUIDs of domains; none: all of them."""
    at_once: int = 8
    copy_storage: CopyStorage | None = None
    unsafe: bool = False
    atlas: Atlas | None = None
    """Of the first goal, where that is a host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """A site on the way, with what can be asked of it."""

    site: Site
    host: Destination | None = None
    survey: Survey | None = None
    """Where its QEMU is this host's."""
    given: Atlas | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A host that domains are on."""

    stop: _Stop
    subjects: tuple[Subject | Failed, ...] = field(default=())


_Located = tuple[_Stop, Subject | Failed]


def plan(options: Options, survey: Survey | None, progress: Progress = lambda *_: None) -> Plan:
    """Return what becomes of each domain on each hop; nothing is changed anywhere.

    ``survey`` asks this host's QEMU. Raises ``LibvirtError`` where a goal, or every source, can't
    be reached; ``UsageError`` where a goal or a domain is not known.
    """
    clock = time.monotonic()
    with ExitStack() as stack:
        goals = [
            _goal(goal, options, survey, stack, first=at == 0)
            for at, goal in enumerate(options.goals)
        ]
        sources, staying, unreachable = _sources(options, goals[0], survey, stack, progress)
        located: list[_Located] = [
            (source.stop, subject) for source in sources for subject in source.subjects
        ]
        stops = [source.stop for source in sources]
        hops: list[Hop] = []
        for goal in goals:
            hop = _hop(stops, goal, located, options)
            hops.append(hop)
            located = list(_onward(located, hop.planned, goal))
            stops = [goal]
    return Plan(
        hops=tuple(hops), seconds=time.monotonic() - clock, staying=staying,
        unreachable=unreachable,
    )  # fmt: skip


def _goal(
    goal: str, options: Options, survey: Survey | None, stack: ExitStack, *, first: bool
) -> _Stop:
    if not place.is_uri(goal):
        return _Stop(site=place.named(goal, options.on))
    return _host(goal, survey, stack, options.atlas if first else None)[1]


def _host(
    uri: str, survey: Survey | None, stack: ExitStack, given: Atlas | None = None
) -> tuple[Hypervisor, _Stop]:
    hypervisor = Hypervisor.open(uri)
    stack.callback(hypervisor.close)
    hypervisor.keep_alive()
    host, local = Destination.of(hypervisor), is_local(uri)
    stop = _Stop(
        site=place.of_host(host, local=local), host=host, survey=survey if local else None,
        given=given,
    )  # fmt: skip
    return hypervisor, stop


def _sources(
    options: Options, goal: _Stop, survey: Survey | None, stack: ExitStack, progress: Progress
) -> tuple[list[_Source], tuple[str, ...], tuple[str, ...]]:
    """Return the sources, the names of those that are the goal, and those that can't be had."""
    opened: list[tuple[str, Hypervisor, _Stop]] = []
    staying: list[str] = []
    errors: list[LibvirtError] = []
    for uri in options.uris:
        try:
            hypervisor, stop = _host(uri, survey, stack)
        except LibvirtError as error:
            errors.append(error)
            continue
        end = stop.site.end
        if goal.host is not None and end.uuid is not None and end.uuid == goal.site.end.uuid:
            staying.append(end.name)
        else:
            opened.append((uri, hypervisor, stop))
    if not opened:
        if errors:
            raise errors[0]
        raise UsageError(f"{', '.join(staying)} is both source and target: domains are there")
    picked = _picked([(uri, hypervisor) for uri, hypervisor, _ in opened], options.names)
    flat = [
        (stop, domain, is_local(uri))
        for (uri, _, stop), domains in zip(opened, picked, strict=True)
        for domain in domains
    ]
    collector = _Collector()
    subjects = side_by_side.each(
        lambda one: collector.collect(*one), flat, options.at_once, progress
    )
    found = [
        _Source(
            stop=stop,
            subjects=tuple(
                subject
                for (where, _, _), subject in zip(flat, subjects, strict=True)
                if where is stop
            ),
        )
        for _, _, stop in opened
    ]
    return found, tuple(staying), tuple(str(error) for error in errors)


def _picked(hosts: Sequence[tuple[str, Hypervisor]], names: Sequence[str]) -> list[list[Domain]]:
    """Return each host's chosen domains; a name need be on one of them only."""
    there = [hypervisor.domains() for _, hypervisor in hosts]
    if not names:
        return there
    picked: list[list[Domain]] = [[] for _ in hosts]
    for name in names:
        refused: list[UsageError] = []
        for (uri, _), domains, found in zip(hosts, there, picked, strict=True):
            try:
                found += [one for one in chosen(domains, (name,), uri) if one not in found]
            except UsageError as error:
                refused.append(error)
        if len(refused) == len(hosts):
            raise refused[0]
    return picked


class _Collector:
    """Asks for domains; nothing more of a host that once did not answer."""

    def __init__(self) -> None:
        self._hung: dict[int, str] = {}

    def collect(self, stop: _Stop, domain: Domain, local: bool) -> Subject | Failed:
        error = self._hung.get(id(stop))
        if error is None:
            try:
                return plan_subject.collect(domain, local=local)
            except LibvirtTimeoutError as timeout:
                error = self._hung[id(stop)] = str(timeout)
            except (LibvirtError, DomainXmlError) as refused:
                error = str(refused)
        return Failed(name=domain.name, uuid=str(domain.uuid), error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked of a goal for one domain."""

    stop: _Stop
    """Where the domain is."""
    subject: Subject
    offer: Offer | Missing
    next_start: Offer | Missing | None
    saved: Offer | Missing | None
    cpu: str | Missing | None
    start_cpu: str | Missing | None
    raised: Target
    going: str
    """The machine type that it has when it goes."""


def _hop(stops: Sequence[_Stop], goal: _Stop, located: Sequence[_Located], options: Options) -> Hop:
    all_sites = [*(stop.site for stop in stops), goal.site]
    asked = [
        subject if isinstance(subject, Failed) else _asked(stop, goal, subject, all_sites)
        for stop, subject in located
    ]
    atlases = _atlases([*stops, goal], goal, asked)
    planned = tuple(
        one if isinstance(one, Failed) else _planned(one, goal, atlases, options) for one in asked
    )
    subjects = [subject for _, subject in located if isinstance(subject, Subject)]
    used = {found.how: found.own for stop in (*stops, goal) for found in atlases[id(stop)].all()}
    strange = [how for how, own in used.items() if not own]
    return Hop(
        sources=tuple(stop.site for stop in stops),
        target=goal.site,
        ways=tuple(place.way(stop.site, goal.site, options.on) for stop in stops),
        planned=planned,
        limits=plan_outline.limits(all_sites, subjects),
        compared=tuple(used),
        unchecked=tuple(
            f"sizes of option ROMs and firmware of {how.partition(': ')[0]}: its own QEMU was not "
            "asked; there: samemachine probe --output FILE"
            for how in strange
        ),
    )


def _asked(
    stop: _Stop, goal: _Stop, subject: Subject, all_sites: Sequence[Site]
) -> _Asked | Failed:
    definition, persistent = subject.definition, subject.persistent
    other = None
    if persistent is not None and persistent.machine != definition.machine:
        other = persistent
    try:
        offer = _offer(goal, definition)
        next_start = None if other is None else _offer(goal, other)
        saved = _offer(goal, subject.saved) if isinstance(subject.saved, Definition) else None
        cpu = start_cpu = None
        if goal.host is not None:
            if subject.active is not None:
                cpu = goal.host.cpu(definition, subject.devices, offer)
            if persistent is not None and not subject.start.any_host_starts_it:
                start_cpu = goal.host.cpu(persistent, subject.start, next_start or offer)
    except LibvirtError as error:
        return Failed(name=definition.name, uuid=str(definition.uuid), error=str(error))
    lacking = plan_answer.lacking(definition, offer, persistent, next_start)
    raised = Target(name=None, why="there is nothing to raise")
    if lacking is not None:
        raised = _raised(lacking, stop.site, goal, definition, all_sites)
    going = definition.machine or ""
    if lacking is not None:
        going = raised.name or going
    elif other is not None and isinstance(offer, Missing) and isinstance(next_start, Offer):
        going = other.machine or going
    return _Asked(
        stop=stop, subject=subject, offer=offer, next_start=next_start, saved=saved, cpu=cpu,
        start_cpu=start_cpu, raised=raised, going=going,
    )  # fmt: skip


def _raised(
    name: str, here: Site, goal: _Stop, definition: Definition, all_sites: Sequence[Site]
) -> Target:
    if goal.site.offered(definition) is None:
        why = f"{goal.site.name} has no emulator {definition.emulator}"
        return Target(name=None, why=why)
    listed = (goal.site.offered(definition) or {}).get(name)
    if listed is not None and listed.canonical == name:
        # It has the type, so that another one would be refused as well.
        why = f"{goal.site.name} has {name}, and its libvirt refuses it for this domain"
        return Target(name=None, why=why)
    offered = [site.offered(definition) for site in all_sites]
    known = [one for one in offered if one is not None]
    meant = (here.offered(definition) or {}).get(name)
    found = plan_outline.raised(meant.canonical if meant else name, known)
    unknown = [site.name for site, one in zip(all_sites, offered, strict=True) if one is None]
    if unknown and found.name is not None:
        return replace(found, note=f"whether {', '.join(unknown)} has it is not known")
    return found


def _offer(goal: _Stop, definition: Definition) -> Offer | Missing:
    if goal.host is None or definition.machine is None:
        return place.offer(goal.site, definition)
    return goal.host.offer(definition)


def _atlases(
    stops: Iterable[_Stop], goal: _Stop, asked: Iterable[_Asked | Failed]
) -> dict[int, Atlases]:
    """Return the atlases of all stops, got for the machine types that are wanted of each."""
    needs: dict[int, dict[tuple[str, str], set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in asked:
        if isinstance(one, Failed):
            continue
        definition = one.subject.definition
        key = definition.architecture, definition.emulator or ""
        needs[id(one.stop)][key] |= {definition.machine or "", one.going}
        needs[id(goal)][key].add(one.going)
    found = {id(stop): Atlases(stop.site, stop.survey, stop.given) for stop in stops}
    for stop, wanted in needs.items():
        found[stop].prepare(wanted)
    return found


def _planned(
    asked: _Asked, goal: _Stop, atlases: dict[int, Atlases], options: Options
) -> Planned | Failed:
    subject, definition = asked.subject, asked.subject.definition
    here, there = atlases[id(asked.stop)].of(definition), atlases[id(goal)].of(definition)
    machine = definition.machine or ""
    outlook = changes(here, there, machine, asked.going)
    moving = changes(here, there, asked.going, asked.going)
    proxies = [found for found in (here, there) if isinstance(found, Missing) or not found.own]
    if proxies:
        # Another package's ROMs say nothing of this one's.
        moving = Missing(reason=Reason.ABSENT, sentence="its own QEMU was not asked")
    try:
        same = goal.host.same(definition) if goal.host is not None else ()
    except LibvirtError as error:
        return Failed(name=definition.name, uuid=str(definition.uuid), error=str(error))
    question = Question(
        subject=subject,
        kind=goal.site.kind,
        move=Move(
            active=definition, state=subject.state, job=None, devices=subject.devices,
            source=asked.stop.site.end, destination=goal.site.end, offer=asked.offer,
            cpu=asked.cpu, there=same,
            shared=subject.shared, copy_storage=options.copy_storage, unsafe=options.unsafe,
            forecast=_touching(moving, definition, subject),
        ),
        next_start=asked.next_start,
        start_cpu=asked.start_cpu,
        saved=asked.saved,
        raised=asked.raised,
        outlook=_seen(_touching(outlook, definition, subject)),
    )  # fmt: skip
    return plan_answer.judge(question, asked.stop.site.name)


def _touching(
    differences: tuple[Difference, ...] | Missing, definition: Definition, subject: Subject
) -> tuple[Difference, ...] | Missing:
    if isinstance(differences, Missing):
        return differences
    return foreseen.of(differences, definition, subject.devices)


def _seen(differences: tuple[Difference, ...] | Missing) -> tuple[Difference, ...] | Missing:
    return differences if isinstance(differences, Missing) else foreseen.seen(differences)


def _onward(
    located: Sequence[_Located], planned: Sequence[Planned | Failed], goal: _Stop
) -> Iterator[_Located]:
    """Yield the domains as they are on the next hop; who does not get here goes no further."""
    for (_, subject), answer in zip(located, planned, strict=True):
        if isinstance(answer, Failed) or isinstance(subject, Failed):
            yield goal, answer if isinstance(answer, Failed) else subject
        elif answer.answer in {Answer.CANNOT, Answer.UNKNOWN}:
            yield goal, Failed(
                name=answer.name, uuid=str(answer.uuid),
                error=f"it does not get as far as {goal.site.name}",
            )  # fmt: skip
        else:
            yield goal, plan_outline.onward(subject, answer)
