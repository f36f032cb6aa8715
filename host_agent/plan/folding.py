"""The answers for all domains of a hop → what is said once for many of them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from host_agent.atlas import diff as atlas_diff
from host_agent.case import last_boot
from host_agent.case.results import Failed
from host_agent.difference import Difference, in_one
from host_agent.evidence import recovery_keys
from host_agent.evidence.recovery_keys import RecoveryKeys
from host_agent.finding import Finding, Outcome
from host_agent.firmware import effects
from host_agent.firmware.effects import Touched
from host_agent.missing import Missing
from host_agent.plan.facts import Answer, Hop, Kind, Planned, Subject

_DECIDED_THERE = {
    Kind.HOST: "storage pools, networks, free memory and bandwidth: libvirt decides these at the "
    "move",
    Kind.ATLAS: "CPU, storage, networks, names that are taken there: ask the host itself, --to URI",
    Kind.RELEASE: "CPU, storage, networks: they are a host's own; ask it, --to URI",
}
_DEVICES = (
    "what guests see is compared for machine types alone, as atlases have them: other devices and "
    "CPU features are not in it{how}"
)
_SEALED = (
    "whether what is bound to the TPM opens at the first stop and start there: --rehearse looks "
    "at it"
)
_HOW = " (--rehearse looks at them)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Domains of which the same is to be said."""

    answer: Answer
    raise_to: str | None
    reasons: tuple[Finding, ...]
    """What failed, or can't be told."""
    domains: tuple[Planned | Failed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A change that guests find at their next boot there."""

    difference: Difference
    varies: bool
    """Whether old and new values differ from domain to domain."""
    touched: Touched
    domains: tuple[Planned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A warning, or what could not be looked at, with the domains that it is about."""

    finding: Finding
    domains: tuple[Planned, ...]
    ways: int = 1
    """In how many ways it is said; more than one: the finding is the first domain's."""


class Do(StrEnum):
    """What is done, in this order.

    A type is raised while the old host still has it; what keeps running goes before what stops.
    """

    RAISE = "raise here"
    RESTORE = "start here, from its saved state, then plan again"
    LIVE = "move live"
    RESTART = "stop here, start there"
    START = "start there, at any time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something to do, in its place among others."""

    do: Do
    raise_to: str | None
    domains: tuple[Planned, ...]


_MOST_WAYS = 3
_MOST_NAMES = 5
_ORDER = (Answer.CANNOT, Answer.RAISE, Answer.RESTART, Answer.UNKNOWN)
_DO = {
    Answer.RAISE: Do.RAISE, Answer.LIVE: Do.LIVE, Answer.RESTART: Do.RESTART,
    Answer.START: Do.START,
}  # fmt: skip


def answer_of(result: Planned | Failed) -> Answer:
    """Return the answer; of a domain that could not be looked at: cannot tell."""
    return Answer.UNKNOWN if isinstance(result, Failed) else result.answer


def groups(planned: Sequence[Planned | Failed]) -> tuple[Group, ...]:
    """Return the domains that need something, grouped by what and why."""
    found: dict[object, list[Planned | Failed]] = {}
    for one in planned:
        if answer_of(one) in _ORDER:
            found.setdefault(_same(one), []).append(one)
    listed = [_group(same) for same in found.values()]
    return tuple(sorted(listed, key=lambda one: (_ORDER.index(one.answer), -len(one.domains))))


def _same(one: Planned | Failed) -> object:
    if isinstance(one, Failed):
        return "failed", one.error
    # Of types that are gone, one is as good as the other.
    said = tuple(reason.check if is_gone(reason) else reason.sentence for reason in _reasons(one))
    return one.answer, one.raise_to, said


def is_gone(finding: Finding) -> bool:
    """Tell whether a finding says that a machine type is not there, by any name."""
    return (
        finding.check == "move-machine-type"
        and finding.outcome is Outcome.FAIL
        and finding.observed is None
    )


def _group(same: Sequence[Planned | Failed]) -> Group:
    first = same[0]
    if isinstance(first, Failed):
        reason = Finding(check="plan-domain", outcome=Outcome.UNKNOWN, sentence=first.error)
        reasons: tuple[Finding, ...] = (reason,)
    else:
        reasons = _reasons(first)
    return Group(
        answer=answer_of(first),
        raise_to=None if isinstance(first, Failed) else first.raise_to,
        reasons=reasons,
        domains=tuple(same),
    )


def _reasons(one: Planned) -> tuple[Finding, ...]:
    """Return what failed, and where that leaves it open what is not known."""
    wanted = {Outcome.FAIL} | ({Outcome.UNKNOWN} if one.answer is Answer.UNKNOWN else set())
    return tuple(finding for finding in one.findings if finding.outcome in wanted)


def noted(planned: Sequence[Planned | Failed], outcome: Outcome) -> tuple[Noted, ...]:
    """Return each warning, or each piece of evidence that is missing, once."""
    found: dict[str, dict[str, list[tuple[Planned, Finding]]]] = {}
    for one in planned:
        if isinstance(one, Failed):
            continue
        said = _reasons(one) if one.answer is Answer.UNKNOWN else ()
        for finding in one.findings:
            # What a domain is to be raised to is said with the answer.
            if finding.outcome is outcome and finding not in said and finding.check != "plan-raise":
                ways = found.setdefault(finding.check, {})
                ways.setdefault(finding.sentence, []).append((one, finding))
    return tuple(note for ways in found.values() for note in _notes(list(ways.values())))


def _notes(ways: Sequence[Sequence[tuple[Planned, Finding]]]) -> Iterator[Noted]:
    """Yield a note for each way in which a check says it, or one where there are too many."""
    if len(ways) > _MOST_WAYS:
        told = [one for way in ways for one in way]
        yield Noted(finding=told[0][1], domains=tuple(one for one, _ in told), ways=len(ways))
        return
    for way in ways:
        yield Noted(finding=way[0][1], domains=tuple(one for one, _ in way))


def steps(planned: Sequence[Planned | Failed]) -> tuple[Step, ...]:
    """Return what to do in which order."""
    found: dict[tuple[Do, str | None], list[Planned]] = {}
    for one in planned:
        if isinstance(one, Planned) and one.answer in _DO:
            do = _DO[one.answer]
            if do is Do.RESTART and not one.active:
                do = Do.RESTORE
            found.setdefault((do, one.raise_to), []).append(one)
    order = list(Do)
    return tuple(
        Step(do=do, raise_to=name, domains=tuple(found[do, name]))
        for do, name in sorted(found, key=lambda key: (order.index(key[0]), key[1] or ""))
    )


def seen(planned: Sequence[Planned | Failed]) -> tuple[Seen, ...]:
    """Return what guests will find at their next boot there, most domains first."""
    found: dict[object, list[tuple[Planned, Difference]]] = {}
    for one in planned:
        if isinstance(one, Failed) or isinstance(one.outlook, Missing):
            continue
        for difference in dict.fromkeys(map(in_one, one.outlook)):
            found.setdefault(atlas_diff.sameness(difference), []).append((one, difference))
    listed = [
        Seen(
            difference=same[0][1],
            varies=len({difference for _, difference in same}) > 1,
            touched=effects.of(same[0][1]),
            domains=tuple(one for one, _ in same),
        )
        for same in found.values()
    ]
    return tuple(sorted(listed, key=lambda one: -len(one.domains)))


def recovery(hop: Hop) -> RecoveryKeys | None:
    """Return whose recovery keys are asked for; None: nobody could, or it was not rehearsed."""
    return recovery_keys.of(
        (one.definition, one.sealed)
        for one in hop.planned
        if isinstance(one, Planned) and one.rehearsed is not None
    )


def not_checked(hop: Hop) -> tuple[str, ...]:
    """Return what the plan did not look at, in sentences; never none."""
    lines = [_DECIDED_THERE[hop.target.kind], *_not_rehearsed(hop), *hop.unchecked]
    lines += [f"release path of {way.source}: {way.why}" for way in hop.ways if not _known(way)]
    lines += _unjudged(hop)
    why: dict[str, list[Planned]] = {}
    for one in hop.planned:
        if isinstance(one, Planned) and isinstance(one.outlook, Missing):
            told = one.outlook.sentence + (f" ({one.outlook.remedy})" if one.outlook.remedy else "")
            why.setdefault(told, []).append(one)
    lines += [f"what {_some(domains)} will see there: {told}" for told, domains in why.items()]
    for note in noted(hop.planned, Outcome.UNKNOWN):
        ways = "for example, " if note.ways > 1 else ""
        lines.append(f"{_some(note.domains)}: {ways}{note.finding.sentence}")
    return tuple(dict.fromkeys(lines))


def _not_rehearsed(hop: Hop) -> Iterator[str]:
    """Say of whom an atlas alone speaks, and why."""
    asked = [one for one in hop.planned if isinstance(one, Planned) and one.rehearsed is not None]
    why: dict[str, list[Planned]] = {}
    for one in asked:
        if isinstance(one.rehearsed, Missing):
            told = one.rehearsed.sentence
            told += f" ({one.rehearsed.remedy})" if one.rehearsed.remedy else ""
            why.setdefault(told, []).append(one)
    sealing = [one for one in hop.planned if isinstance(one, Planned) and one.definition.tpm]
    if sealing and not asked:
        yield f"{_some(sealing)}: {_SEALED}"
    if why or not asked:
        yield _DEVICES.format(how="" if asked else _HOW)
    for told, domains in why.items():
        yield f"{_some(domains)}: not rehearsed, because {told}"


def _unjudged(hop: Hop) -> Iterator[str]:
    """Say what of these domains their guests see, or may see, and nothing looks at."""
    sorts: dict[tuple[str, str], list[Planned]] = {}
    for one in hop.planned:
        if isinstance(one, Planned):
            for told, elements in (
                ("seen by the guest, but judged by no check", one.definition.unjudged),
                ("not known to this samemachine", one.definition.unknown),
            ):
                for element in elements:
                    sorts.setdefault((told, element), []).append(one)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (told, element), domains in sorts.items():
        names = tuple(one.name for one in domains)
        alike.setdefault((told, names), []).append(element)
    for (told, names), same in alike.items():
        yield f"{named(names)}: {told}: {', '.join(same)}"


def _known(way: object) -> bool:
    return getattr(way, "supported", None) is not None


def named(names: Sequence[str]) -> str:
    """Return the names of domains, as many as people read."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _some(domains: Sequence[Planned]) -> str:
    return named([one.name for one in domains])


def onward(subject: Subject, planned: Planned, qemu: str | None) -> Subject:
    """Return a domain as it is after a hop: with another machine type where it was raised.

    ``qemu``: the version there, which booted it unless it came live.
    """
    machine = planned.raise_to
    if machine is None and planned.answer is Answer.RESTART and subject.persistent is not None:
        machine = subject.persistent.machine
    active, persistent = (
        None if one is None else replace(one, machine=machine or one.machine)
        for one in (subject.active, subject.persistent)
    )
    live = planned.answer is Answer.LIVE
    return replace(
        subject,
        active=active,
        persistent=persistent,
        saved=None,
        saved_devices=None,
        snapshots=(),
        boot=subject.boot.moved(qemu) if live else last_boot.by(qemu),
        # What it starts with there is what is defined.
        devices=subject.devices if live else subject.start,
        start_xml=subject.start_xml if planned.raise_to is None else None,
        process=None,
    )
