"""One hop of a plan: all domains, asked about at the next site."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from host_agent.atlas import touching
from host_agent.atlas.atlas import Atlas
from host_agent.atlas.state_touching import States
from host_agent.case.results import Failed
from host_agent.case.telling import Telling
from host_agent.difference import Difference, with_rehearsal
from host_agent.domain import definition_edit, start_options
from host_agent.domain.definition import Definition
from host_agent.domain.definition_edit import EditError
from host_agent.domain.devices import Devices
from host_agent.errors import EvidenceError
from host_agent.evidence.measured import Outlook
from host_agent.firmware import images as firmware_images
from host_agent.firmware.images import Image, Place, Presence
from host_agent.guard import guarded
from host_agent.hypervisor.connection import QEMU
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.target import Target
from host_agent.migrate.destination import Destination
from host_agent.migrate.facts import MachineThere, Move, numbers
from host_agent.migrate.forecast import Ask
from host_agent.migrate.rehearsal import Going, Rehearsals, Seat, compared
from host_agent.migrate.states import of_arguments
from host_agent.missing import Missing, Reason
from host_agent.plan import answer as plan_answer
from host_agent.plan import checks, folding, mixed_hosts
from host_agent.plan import sites as place
from host_agent.plan.atlases import Atlases, Found, changes, roms
from host_agent.plan.facts import Answer, Hop, Kind, Options, Planned, Question, Site, Subject
from host_agent.qemu.command_line import with_machine_type

_T = TypeVar("_T")

Starts = Callable[[Definition, str], Missing | None]
"""Says why QEMU will not start a domain of this XML; None: nothing speaks against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A site on the way, with what can be asked of it."""

    site: Site
    host: Destination | None = None
    ask: Ask | None = None
    """Where its QEMU is this host's."""
    given: Atlas | None = None
    local: bool = False
    """Whether it is the host that we run on."""
    telling: Telling | None = None
    """Asks its guests; None: it is no host."""
    starts: Starts | None = None
    """Asks its QEMU itself, where that can be run."""
    rehearsals: Rehearsals | None = None
    """Of domains that go here; None: they were not asked for."""


_LATER = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="its TPM is rehearsed from where it is now to the first target",
)

Located = tuple[Stop, Subject | Failed]
"""A domain, and where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked of a goal for one domain."""

    stop: Stop
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
    images: tuple[Image, ...]
    start_images: tuple[Image, ...]
    start: Missing | None


def hop(stops: Sequence[Stop], goal: Stop, located: Sequence[Located], options: Options) -> Hop:
    """Return what becomes of each domain on the way to a goal."""
    all_sites = [*(stop.site for stop in stops), goal.site]
    asked = [
        subject
        if isinstance(subject, Failed)
        else _guarded(subject.definition, partial(_asked, stop, goal, subject, all_sites))
        for stop, subject in located
    ]
    atlases = _atlases([*stops, goal], goal, asked)
    planned = tuple(
        one
        if isinstance(one, Failed)
        else _guarded(one.subject.definition, partial(_planned, one, goal, atlases, options))
        for one in asked
    )
    subjects = [subject for _, subject in located if isinstance(subject, Subject)]
    used = {found.how: found.own for stop in (*stops, goal) for found in atlases[id(stop)].all()}
    strange = [how for how, own in used.items() if not own]
    return Hop(
        sources=tuple(stop.site for stop in stops),
        target=goal.site,
        ways=tuple(place.way(stop.site, goal.site, options.on) for stop in stops),
        planned=planned,
        limits=mixed_hosts.limits(all_sites, subjects),
        compared=(*used, *_rehearsed_with(planned, goal)),
        unchecked=tuple(_unasked(how, subjects) for how in strange),
    )


def _rehearsed_with(planned: Sequence[Planned | Failed], goal: Stop) -> Iterator[str]:
    """Say by which QEMUs rehearsals were made, and of how many domains."""
    made = [one.rehearsed for one in planned if isinstance(one, Planned)]
    there = [one for one in made if isinstance(one, MachineThere)]
    under = Counter(one.qemu for one in there)
    for qemu, number in under.items():
        raised = Counter(one.machine for one in there if one.qemu == qemu and one.machine)
        as_types = ", ".join(f"{times} as {machine}" for machine, times in raised.items())
        yield (
            f"{goal.site.name}: QEMU {qemu}, rehearsed for {number} "
            f"domain{'s' if number > 1 else ''}{f' ({as_types})' if as_types else ''}"
        )


def _unasked(how: str, subjects: Sequence[Subject]) -> str:
    """Say of whom it was not asked what only a site's own QEMU knows."""
    named = folding.named([one.definition.name for one in subjects])
    return (
        f"sizes of option ROMs and firmware of {how.partition(': ')[0]}, and which of libvirt's "
        f"options it takes: its own QEMU was not asked, and may refuse {named}; there: "
        "samemachine probe --output FILE"
    )


def _guarded(definition: Definition, do: Callable[[], _T]) -> _T | Failed:
    return guarded(
        do, lambda why: Failed(name=definition.name, uuid=str(definition.uuid), error=why)
    )


def _asked(stop: Stop, goal: Stop, subject: Subject, all_sites: Sequence[Site]) -> _Asked:
    definition, persistent = subject.definition, subject.persistent
    other = None
    if persistent is not None and persistent.machine != definition.machine:
        other = persistent
    offer = _offer(goal, definition)
    next_start = None if other is None else _offer(goal, other)
    saved = _offer(goal, subject.saved) if isinstance(subject.saved, Definition) else None
    cpu = start_cpu = None
    if goal.host is not None:
        if subject.active is not None:
            cpu = goal.host.cpu(definition, subject.devices, offer)
        if persistent is not None and not subject.start.any_host_starts_it:
            start_cpu = goal.host.cpu(persistent, subject.start, next_start or offer)
    lacking = checks.lacking(definition, offer, persistent, next_start)
    raised = Target(name=None, why="there is nothing to raise")
    if lacking is not None:
        raised = type_raise(lacking, stop.site, goal, definition, all_sites)
    going = definition.machine or ""
    if lacking is not None:
        going = raised.name or going
    elif other is not None and isinstance(offer, Missing) and isinstance(next_start, Offer):
        going = other.machine or going
    return _Asked(
        stop=stop,
        subject=subject,
        offer=offer,
        next_start=next_start,
        saved=saved,
        cpu=cpu,
        start_cpu=start_cpu,
        raised=raised,
        going=going,
        images=_images(stop, goal, definition, subject.devices),
        start_images=_images(stop, goal, persistent or definition, subject.start),
        # What it will be when it was raised is not written yet.
        start=_start(goal, persistent, subject.start_xml) if lacking is None else None,
    )


def _start(goal: Stop, persistent: Definition | None, xml: str | None) -> Missing | None:
    """Ask the goal's libvirt for its options, and its QEMU whether it takes them."""
    if goal.host is None or persistent is None or xml is None:
        return None
    if goal.starts is not None:
        return goal.starts(persistent, xml)
    end, arguments = goal.site.end, goal.host.arguments(xml)
    if isinstance(arguments, Missing) or end.qemu is None:
        return arguments if isinstance(arguments, Missing) else None
    return start_options.given_up(arguments, numbers(end.qemu), end.libvirt or "there")


def _images(stop: Stop, goal: Stop, definition: Definition, devices: Devices) -> tuple[Image, ...]:
    """Return whether the firmware images that a domain names are at the goal."""
    if not devices.images:
        return ()
    here = _place(stop)
    if goal.local:
        return tuple(_seen_image(path, here, _place(goal)) for path in devices.images)
    listed = frozenset() if goal.host is None else goal.host.loaders(definition)
    there = replace(_place(goal), listed=listed)
    return tuple(firmware_images.look(path, here, there) for path in devices.images)


def _seen_image(path: str, here: Place, there: Place) -> Image:
    exists = Path(path).exists()
    found = firmware_images.look(path, here, replace(there, listed={path} if exists else ()))
    if found.there is Presence.GROWN and exists:
        return found
    return Image(path=path, there=Presence.YES if exists else Presence.NO)


def _place(stop: Stop) -> Place:
    site = stop.site
    return Place(
        release=site.release,
        upgraded=site.kind is not Kind.HOST,
        libvirt=None if site.end.libvirt is None else numbers(site.end.libvirt),
    )


def type_raise(
    name: str, here: Site, goal: Stop, definition: Definition, all_sites: Sequence[Site]
) -> Target:
    """Return the type that a domain would have to be raised to, so that the goal takes it."""
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
    own = name if meant is None or meant.twins else meant.canonical
    found = mixed_hosts.raised(own, known, bios=definition.firmware == "bios")
    unknown = [site.name for site, one in zip(all_sites, offered, strict=True) if one is None]
    if unknown and found.name is not None:
        notes = (found.note, f"whether {', '.join(unknown)} has it is not known")
        return replace(found, note="; ".join(note for note in notes if note))
    return found


def _offer(goal: Stop, definition: Definition) -> Offer | Missing:
    if goal.host is None or definition.machine is None:
        return place.offer(goal.site, definition)
    return goal.host.offer(definition)


def _atlases(
    stops: Iterable[Stop], goal: Stop, asked: Iterable[_Asked | Failed]
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
    found = {id(stop): Atlases(stop.site, stop.ask, stop.given) for stop in stops}
    for stop, wanted in needs.items():
        found[stop].prepare(wanted)
    return found


def _rehearsed(asked: _Asked, goal: Stop) -> MachineThere | Missing | None:
    """Rehearse a domain where it is by then, and there as it goes; None: it was not asked for."""
    subject, definition = asked.subject, asked.subject.definition
    if goal.rehearsals is None:
        return None
    try:
        before = _seat(asked.stop, goal.rehearsals, subject)
        after = goal.rehearsals.seat(definition, goal.site.end)
    except EvidenceError as error:
        return error.missing
    machine = definition.machine or ""
    here = before.made(definition, _arguments(asked.stop, subject, machine))
    if isinstance(here, Missing):
        return here
    there = after.made(definition, _arguments(goal, subject, asked.going))
    if isinstance(there, Missing):
        return there
    return compared(here, there, None if asked.going == machine else asked.going)


def _seat(stop: Stop, goal: Rehearsals, subject: Subject) -> Seat:
    """Return the QEMU that a domain has at a stop; raises ``EvidenceError``."""
    if stop.rehearsals is not None:
        # It has got there by an earlier hop.
        return stop.rehearsals.seat(subject.definition, stop.site.end)
    return goal.present(_going(stop, subject))


def _going(stop: Stop, subject: Subject) -> Going:
    return Going(
        definition=subject.definition,
        xml=subject.xml or "",
        process=subject.process,
        local=stop.local,
        driver=QEMU if stop.host is None else stop.host.facts.driver,
    )


def _arguments(stop: Stop, subject: Subject, machine: str) -> tuple[str, ...] | Missing:
    """Return the command line of a domain at a stop, as which type it is there.

    It is that of the stop's libvirt, else of the one that the domain comes from. That one need not
    know the type: but for it libvirt writes the same for all versions of a machine.
    """
    xml, native = subject.xml, subject.native
    if xml is None or native is None:
        return Missing(reason=Reason.ABSENT, sentence="no libvirt that has it can be asked")
    try:
        own = definition_edit.machine_of(xml) or ""
        if stop.host is not None:
            as_there = definition_edit.with_machine(xml, machine) if machine != own else xml
            return stop.host.arguments(as_there)
    except EditError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))
    given = native(xml)
    if isinstance(given, Missing) or machine == own:
        return given
    return with_machine_type(given, machine)


def _sealed(
    asked: _Asked, goal: Stop, made: MachineThere | Missing | None
) -> Outlook | Missing | None:
    """Return what its first stop and start there does to its TPM; None: none, or not asked for."""
    subject, stop = asked.subject, asked.stop
    definition = subject.definition
    if made is None or definition.tpm is None:
        return None
    if isinstance(made, Missing):
        return made
    if goal.rehearsals is None or stop.host is None or stop.telling is None:
        return _LATER
    domain = next((one for one in stop.host.domains if one.uuid == definition.uuid), None)
    if domain is None:
        return _LATER
    starting = replace(subject, xml=subject.start_xml or subject.xml)
    arguments = _arguments(goal, starting, asked.going)
    going = _going(stop, subject)
    return goal.rehearsals.sealed(
        going,
        domain,
        stop.telling,
        arguments,
        goal.site.end,
        stays=goal.site.kind is Kind.RELEASE,
    )


def _outlook(
    served: tuple[Difference, ...] | Missing, made: MachineThere | Missing | None
) -> tuple[Difference, ...] | Missing:
    """Return what is seen at the next boot there, by the nearest that there is."""
    if not isinstance(made, MachineThere):
        return _seen(served)
    if isinstance(served, Missing):
        return _seen(made.differences)
    return _seen(with_rehearsal(served, made.differences))


def _planned(asked: _Asked, goal: Stop, atlases: dict[int, Atlases], options: Options) -> Planned:
    subject, definition = asked.subject, asked.subject.definition
    here, there = atlases[id(asked.stop)].of(definition), atlases[id(goal)].of(definition)
    machine = definition.machine or ""
    outlook = changes(here, there, machine, asked.going)
    moving = changes(here, there, asked.going, asked.going)
    proxies = [found for found in (here, there) if isinstance(found, Missing) or not found.own]
    if proxies:
        # Another package's ROMs say nothing of this one's.
        moving = Missing(reason=Reason.ABSENT, sentence="its own QEMU was not asked")
    same = goal.host.same(definition) if goal.host is not None else ()
    made = _rehearsed(asked, goal)
    question = Question(
        subject=subject,
        kind=goal.site.kind,
        move=Move(
            active=definition,
            state=subject.state,
            job=None,
            devices=subject.devices,
            source=asked.stop.site.end,
            destination=goal.site.end,
            offer=asked.offer,
            cpu=asked.cpu,
            there=same,
            shared=subject.shared,
            copy_storage=options.copy_storage,
            unsafe=options.unsafe,
            forecast=_touching(moving, definition, subject),
            sealed=_sealed(asked, goal, made),
            states=_states(here, there, subject, asked.going),
            boot=subject.boot,
            images=asked.images,
            most_vcpus=_most_vcpus(asked, goal),
        ),
        next_start=asked.next_start,
        start_cpu=asked.start_cpu,
        saved=asked.saved,
        start_images=asked.start_images,
        start=asked.start,
        unseen_roms=subject.devices.roms - (roms(here, asked.going) & roms(there, asked.going)),
        raised=asked.raised,
        outlook=_outlook(_touching(outlook, definition, subject), made),
        rehearsed=made,
    )
    return plan_answer.judge(question, asked.stop.site.name)


def _states(
    here: Found | Missing, there: Found | Missing, subject: Subject, going: str
) -> States | Missing | None:
    if isinstance(here, Missing) or isinstance(there, Missing) or subject.arguments is None:
        return None
    return of_arguments(here.atlas, there.atlas, going, subject.arguments)


def _most_vcpus(asked: _Asked, goal: Stop) -> int | None:
    offered = (goal.site.offered(asked.subject.definition) or {}).get(asked.going)
    return None if offered is None else offered.most_vcpus


def _touching(
    differences: tuple[Difference, ...] | Missing, definition: Definition, subject: Subject
) -> tuple[Difference, ...] | Missing:
    if isinstance(differences, Missing):
        return differences
    return touching.of(differences, definition, subject.devices)


def _seen(differences: tuple[Difference, ...] | Missing) -> tuple[Difference, ...] | Missing:
    return differences if isinstance(differences, Missing) else touching.seen(differences)


def onward(
    located: Sequence[Located], planned: Sequence[Planned | Failed], goal: Stop
) -> Iterator[Located]:
    """Yield the domains as they are on the next hop; who does not get here goes no further."""
    for (_, subject), answer in zip(located, planned, strict=True):
        if isinstance(answer, Failed) or isinstance(subject, Failed):
            yield goal, answer if isinstance(answer, Failed) else subject
        elif answer.answer in {Answer.CANNOT, Answer.UNKNOWN}:
            yield (
                goal,
                Failed(
                    name=answer.name,
                    uuid=str(answer.uuid),
                    error=f"it does not get as far as {goal.site.name}",
                ),
            )
        else:
            yield goal, folding.onward(subject, answer, goal.site.end.qemu)
