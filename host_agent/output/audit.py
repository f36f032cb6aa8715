"""Audits as text for people."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from host_agent.case.results import Audited, Decision, Depth, Failed, HostAudit
from host_agent.difference import Effect
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing, Reason
from host_agent.output.shared.names import Names, called
from host_agent.output.shared.tables import Row, grid, print_table
from host_agent.printable import printable
from host_agent.verify import folding

STYLES = {
    "verified": "green", "mismatch": "bold red", "unverified": "yellow", "failed": "yellow",
    folding.NO_ANSWER: "yellow", "not running": "dim", "pass": "green", "fail": "bold red",
    "warn": "yellow", "unknown": "yellow", "skip": "dim",
}  # fmt: skip
_ORDER = ("verified", "mismatch", folding.NO_ANSWER, "unverified", "failed", "not running")
_CHECKS = 3
"""How many checks that say the same are named."""
_LEAST = 64
"""Columns; a narrower terminal wraps the lines itself."""
_INDENT = 4
"""Digits for how many domains a line is about."""


def print_audits(
    console: Console,
    audits: Sequence[HostAudit],
    *,
    verbose: bool,
    each: bool = False,
    exit_code: int | None = None,
) -> None:
    """Print all hosts.

    ``each``: a line for each domain, as for those that were asked for by name; ``verbose``: every
    finding of every domain as well. ``exit_code``: that of the command.
    """
    for number, audit in enumerate(audits):
        if number:
            console.print()
        console.print(heading(audit), soft_wrap=not console.is_terminal)
        last = number == len(audits) - 1
        console.print(_counts(audit, exit_code if last else None), soft_wrap=True)
        if _no_agents(audit.results):
            console.print("guest agents: none, no domain is enrolled; host evidence only")
        folded = folding.fold(audit.results, audit.predictions)
        names = Names(audit.results)
        sections = [
            [*_problems(folded.problems, names)],
            [*_shared(folded, names, verbose=verbose)],
            [*_each(audit.results, each=each, verbose=verbose)],
        ]
        width = max((len(first) for rows in sections for first, _ in rows), default=0)
        for rows in filter(None, sections):
            console.print()
            print_table(console, grid(rows, width), least=_LEAST)


def heading(audit: HostAudit) -> Text:
    """Return the host's line."""
    host, number = audit.host, len(audit.results)
    qemu = f"{host.driver} {host.hypervisor}" + (f" ({host.package})" if host.package else "")
    parts = [
        host.name,
        host.distribution,
        qemu,
        f"libvirt {host.libvirt}",
        f"{number} domain{'' if number == 1 else 's'} in {audit.seconds:.1f} s",
        f"{datetime.fromtimestamp(audit.started).astimezone():%Y-%m-%d %H:%M:%S %z}",
    ]
    return Text(" | ".join(printable(part) for part in parts if part), style="bold")


def _counts(audit: HostAudit, exit_code: int | None) -> Text:
    counted = Counter(map(folding.word, audit.results))
    line = Text()
    for word in _ORDER:
        if counted[word]:
            line.append(("   " if line else "") + f"{word} {counted[word]}", style=STYLES[word])
            if word == Decision.VERIFIED:
                line.append(f" ({_depths(audit.results)})")
    if not audit.results:
        line.append("no domains", style="dim")
    if exit_code is not None:
        line.append(f"   exit {exit_code}", style="dim")
    return line


def _depths(results: Iterable[Audited | Failed]) -> str:
    reached = Counter(
        result.verdict.depth
        for result in results
        if isinstance(result, Audited) and result.verdict.decision is Decision.VERIFIED
    )
    return ", ".join(f"{reached[depth]} by {depth}" for depth in Depth if reached[depth])


def _no_agents(results: Iterable[Audited | Failed]) -> bool:
    running = [
        result.case.observation
        for result in results
        if isinstance(result, Audited) and result.case.declared.active is not None
    ]
    return bool(running) and all(
        isinstance(one, Missing) and one.reason is Reason.NOT_ENROLLED for one in running
    )


def _problems(problems: Iterable[folding.Problem], names: Names) -> Iterator[Row]:
    for problem in problems:
        first = problem.results[0]
        several = len(problem.results) > 1
        name = names.some(problem.results) if several else called(first)
        said = f"{name}  {_what(first, several=several)}".rstrip()
        yield Text(problem.word.upper(), STYLES[problem.word]), Text(said)
        for finding, also in zip(problem.findings, problem.also, strict=True):
            told = _told(finding.sentence, finding.remedy)
            if also:
                checks = ", ".join(also) if len(also) <= _CHECKS else f"{len(also)} more checks"
                told.append(f"\n(and {checks})", style="dim")
            yield Text(f"  {finding.check}", STYLES[finding.outcome]), told
        if several:
            yield Text(), Text(f"-> samemachine show {names.of(first)}", style="dim")


def _what(result: Audited | Failed, *, several: bool = False) -> str:
    """Return what a domain is, or is to be, and how deep it was looked at."""
    if isinstance(result, Failed):
        return printable(result.error)
    declared, depth = result.case.declared, result.verdict.depth
    machine = declared.definition.machine or "no machine type"
    by = f"by {depth}" if depth else "nothing can be asked"
    if declared.active is None:
        return printable(f"{declared.state}, next start as {machine}")
    return by if several else printable(f"{machine}, {by}")


def _shared(folded: folding.Folded, names: Names, *, verbose: bool) -> Iterator[Row]:
    for line in folded.shared:
        own = names.of(line.domains[0])
        sentence = line.sentence
        if line.ways > 1:
            sentence = f"in {line.ways} ways; {own}: {sentence}"
        remedy = line.remedy or f"samemachine show {own}"
        told = _told(sentence, None).append(f"\n{names.some(line.domains)}")
        told.append(f"  -> {printable(remedy)}", style="dim")
        yield _counted(len(line.domains), line.check), told
    for known in folded.known:
        number = len(known.differences)
        if known.effects == (Effect.INVENTORY,):
            whom = "inventory only"
        else:
            whom = ", ".join(known.effects)
        of = len(known.domains)
        yield (
            _counted(of, "known"),
            Text(
                f"{number} change{'' if number == 1 else 's'} at next {known.when} "
                f"(QEMU {known.old} -> {known.new}, {whom})" + ("" if verbose else ": --verbose")
            ),
        )
    if folded.waived and not verbose:
        number = sum(len(line.domains) for line in folded.waived)
        checks = ", ".join(dict.fromkeys(line.check for line in folded.waived))
        yield _counted(number, "waived"), Text(f"{checks}: --verbose", "dim")
    for waiving in folded.waived if verbose else ():
        why = f"{waiving.check}, until {waiving.waived.until}: {printable(waiving.waived.reason)}"
        told = Text(f"{why}\n{names.some(waiving.domains)}", "dim")
        yield _counted(len(waiving.domains), "waived"), told


def _counted(number: int, what: str) -> Text:
    return Text(f"{number:>{_INDENT}} {what}", "dim" if what in {"known", "waived"} else "yellow")


def _told(sentence: str, remedy: str | None) -> Text:
    text = Text(printable(sentence))
    if remedy:
        text.append(f"\n-> {printable(remedy)}", style="dim")
    return text


def _each(results: Sequence[Audited | Failed], *, each: bool, verbose: bool) -> Iterator[Row]:
    """Yield a line for each domain, mismatches first, with its findings if they are wanted.

    Without the findings problems are left out: they were told.
    """
    order = (*_ORDER[1:-1], _ORDER[0], _ORDER[-1])
    for result in sorted(results, key=lambda result: order.index(folding.word(result))):
        word = folding.word(result)
        if not verbose and not (each and word in {"verified", "not running"}):
            continue
        yield Text(word, STYLES[word]), Text(f"{called(result)}  {_what(result)}")
        if verbose and isinstance(result, Audited):
            for finding in result.verdict.findings:
                style = STYLES[finding.outcome]
                word = "waived" if finding.waived else finding.outcome
                said = Text(f"{word}: ", style).append_text(sentences(finding))
                yield Text(f"  {finding.check}", style), said


def sentences(finding: Finding) -> Text:
    """Return the sentence of a finding, and the remedy where it is not a pass."""
    passed = finding.outcome is Outcome.PASS
    return _told(finding.sentence, None if passed else finding.remedy)
