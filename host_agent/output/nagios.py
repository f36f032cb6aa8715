"""Results as a plugin of Nagios and Icinga prints them.

Monitoring Plugins Development Guidelines: one line with the state, then ``|`` and figures, then
more lines. The exit code is the plugins' own: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import IntEnum

from host_agent.case.results import Decision, Failed
from host_agent.output.shared.counting import counts
from host_agent.output.shared.names import Names
from host_agent.output.shared.of_hosts import OfHost
from host_agent.printable import printable
from host_agent.verify import folding

_SERVICE = "SAMEMACHINE"
_WORDS = (*Decision, "failed", "not running")
_MOST = 3500
"""Characters of the lines after the first; NRPE takes 4 KiB in its older form."""
_LONGEST = 300
"""Of one sentence."""
_ESCAPED = {ord(one): f"\\x{ord(one):02x}" for one in "|<>`$&"}
"""What ends the text, what a page of an old Nagios takes for HTML, what a shell would run."""


class State(IntEnum):
    """A plugin's exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def state(hosts: Sequence[OfHost], unreachable: int) -> State:
    """Return a mismatch before missing evidence before a warning that nobody waived.

    A change that two packages' atlases predict is no warning: it is counted, as in the text.
    """
    words = _counted(hosts)
    if words[Decision.MISMATCH]:
        return State.CRITICAL
    if unreachable or words[Decision.UNVERIFIED] or words["failed"]:
        return State.UNKNOWN
    return State.WARNING if any(_warnings(one) for one in hosts) else State.OK


def render(hosts: Sequence[OfHost], unreachable: Sequence[str]) -> str:
    """Return all lines."""
    found = state(hosts, len(unreachable))
    first = f"{_SERVICE} {found.name} - {_summary(hosts, unreachable)}"
    lines, left = [f"{first} | {' '.join(_figures(hosts, unreachable))}"], _MOST
    more = [*_lines(hosts, unreachable)]
    for number, line in enumerate(more):
        left -= len(line) + 1
        if left < 0:
            lines.append(f"and {len(more) - number} more lines: samemachine audit")
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


def unknown(sentence: str) -> str:
    """Return the line of a check that could not be made."""
    return f"{_SERVICE} {State.UNKNOWN.name} - {_harmless(sentence)}\n"


def _summary(hosts: Sequence[OfHost], unreachable: Sequence[str]) -> str:
    words = _counted(hosts)
    parts = [f"{words[word]} {word}" for word in (Decision.MISMATCH, "failed") if words[word]]
    parts += [f"{words[word]} {word}" for word in (Decision.UNVERIFIED,) if words[word]]
    if unreachable:
        parts.append(f"{len(unreachable)} not reachable")
    if warnings := sum(_warnings(one) for one in hosts):
        parts.append(f"{warnings} warning{'s' if warnings > 1 else ''}")
    parts.append(f"{words[Decision.VERIFIED]} verified")
    if words["not running"]:
        parts.append(f"{words['not running']} not running")
    return ", ".join(parts)


def _figures(hosts: Sequence[OfHost], unreachable: Sequence[str]) -> Iterator[str]:
    """Yield label=value;warn;crit;min;max, of what a threshold is meant for with it."""
    words, number = _counted(hosts), sum(len(one.results) for one in hosts)
    limits = {Decision.MISMATCH: ";;0", Decision.UNVERIFIED: ";0;", "failed": ";0;"}
    for word in _WORDS:
        label = str(word).replace(" ", "_")
        yield f"{label}={words[word]}{limits.get(word, ';;')};0;{number}"
    yield f"warnings={sum(_warnings(one) for one in hosts)};0;;0;"
    yield f"unreachable={len(unreachable)};0;;0;"
    seconds = [one.seconds for one in hosts if one.seconds is not None]
    if seconds:
        yield f"time={sum(seconds):.3f}s;;;0;"


def _lines(hosts: Sequence[OfHost], unreachable: Sequence[str]) -> Iterator[str]:
    for uri in unreachable:
        yield f"UNREACHABLE {_harmless(uri)}"
    for one in hosts:
        folded, names = folding.fold(one.results, one.predictions), Names(one.results)
        at = f"{one.host}: " if one.host and len(hosts) > 1 else ""
        for problem in folded.problems:
            first = problem.results[0]
            sentences = [f"{told.check}: {told.sentence}" for told in problem.findings]
            sentence = first.error if isinstance(first, Failed) else "; ".join(sentences)
            who = names.some(problem.results)
            yield _harmless(f"{at}{problem.word.upper()} {who}: {sentence}".rstrip(": "))
        for shared in folded.shared:
            who = names.some(shared.domains)
            yield _harmless(f"{at}WARNING {who}: {shared.check}: {shared.sentence}")


def _warnings(one: OfHost) -> int:
    """Count the domains' warnings that are neither waived nor predicted."""
    return sum(len(shared.domains) for shared in folding.fold(one.results, one.predictions).shared)


def _counted(hosts: Sequence[OfHost]) -> Counter[str]:
    return sum((counts(one.results) for one in hosts), Counter[str]())


def _harmless(text: str) -> str:
    return printable(text.replace(" -> ", " to "), _LONGEST).translate(_ESCAPED)
