"""What all forms of a plan say in the same words, and the exit code."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from host_agent.missing import Missing
from host_agent.output.shared.exit_codes import MISMATCH, UNREACHABLE, UNVERIFIED, VERIFIED
from host_agent.plan.facts import Answer, Hop, Limit, Plan, Planned, Site, Way
from host_agent.plan.folding import Seen, Step, answer_of, recovery
from host_agent.printable import printable

WORDS = {
    Answer.LIVE: "live", Answer.START: "start there", Answer.RESTART: "restart",
    Answer.RAISE: "raise type first", Answer.CANNOT: "cannot", Answer.UNKNOWN: "cannot tell",
}  # fmt: skip
"""As they are counted."""
_NEEDS = {Answer.RAISE, Answer.RESTART, Answer.CANNOT}


def exit_code(plan: Plan) -> int:
    """Return the exit code: what needs something first, then a host that can't be asked."""
    answers = {answer_of(one) for hop in plan.hops for one in hop.planned}
    unsupported = any(way.supported is False for hop in plan.hops for way in hop.ways)
    if answers & _NEEDS or unsupported:
        return MISMATCH
    if plan.unreachable:
        return UNREACHABLE
    return UNVERIFIED if Answer.UNKNOWN in answers else VERIFIED


def recovery_lines(hop: Hop) -> tuple[str, ...]:
    """Return which guests ask for their recovery keys; none where that was not asked for."""
    found = recovery(hop)
    return () if found is None else tuple(map(printable, found.sentences))


def heading(hop: Hop) -> str:
    """Return from where to where, whether releases fit, and how many domains."""
    sources = ", ".join(map(_site, hop.sources))
    parts = (
        f"{sources} -> {_site(hop.target)}",
        f"live path: {path_word(hop.ways)}",
        domains(len(hop.planned)),
    )
    return " | ".join(printable(part) for part in parts)


def _site(site: Site) -> str:
    release = "" if site.release in {None, site.name} else f"{site.release} "
    return f"{site.name} {release}{site.end.qemu or ''}".rstrip()


def path_word(ways: Sequence[Way]) -> str:
    """Return the worst of some ways in a word."""
    known = {way.supported for way in ways}
    if False in known:
        return "not supported"
    return "not known" if None in known or not known else "supported"


def way_lines(hop: Hop) -> Iterator[str]:
    """Yield why a path is not supported, and the way round."""
    for way in hop.ways:
        if way.supported is False:
            around = f"; way round: {' -> '.join(way.around)}" if way.around else ""
            yield printable(f"{way.source} -> {hop.target.name} is {way.why}{around}")


def counts(hop: Hop) -> Counter[Answer]:
    """Count the answers."""
    return Counter(map(answer_of, hop.planned))


def step_words(step: Step) -> str:
    """Return what a step is."""
    to = f" to {printable(step.raise_to)}" if step.raise_to else ""
    return f"{step.do}{to}"


def nothing_seen(hop: Hop) -> str:
    """Return why no change is listed."""
    compared = [
        one
        for one in hop.planned
        if isinstance(one, Planned) and not isinstance(one.outlook, Missing)
    ]
    if compared:
        return "At their next boot there: the same machine"
    return "What they find at their next boot there is not known"


def seen_words(seen: Seen) -> str:
    """Return a change in words, without values where they vary."""
    difference = seen.difference
    if not seen.varies:
        return printable(str(difference))
    subject = f" {difference.subject}" if difference.subject else ""
    return printable(f"{difference.area}{subject}: {difference.field} differs")


def domains(number: int) -> str:
    """Return a number of domains in words."""
    return f"{number} domain{'' if number == 1 else 's'}"


def limit_lines(limits: Iterable[Limit]) -> tuple[str, ...]:
    """Return above which types nothing may be raised yet, and until when."""
    found: dict[tuple[str, ...], list[str]] = {}
    for limit in limits:
        found.setdefault(limit.until, []).append(limit.newest)
    return tuple(
        printable(f"raise no type above {', '.join(newest)} until {' and '.join(until)} is gone")
        for until, newest in found.items()
    )
