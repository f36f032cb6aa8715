"""A plan as text for people; the host's line first.

What needs something comes first, then the warnings, the order, what guests will see, and always
what was not looked at.
"""

import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.case.results import Failed
from host_agent.difference import Effect
from host_agent.finding import Finding, Outcome
from host_agent.output import plan_words
from host_agent.output.shared.names import whose
from host_agent.output.shared.planned_names import PlannedNames
from host_agent.output.shared.tables import Row, grid, print_table
from host_agent.plan import folding as plan_folding
from host_agent.plan.facts import Answer, Hop, Plan, Planned
from host_agent.plan.folding import Group, Noted
from host_agent.printable import printable, quoted

_STYLES = {
    Answer.LIVE: "green", Answer.START: "green", Answer.RESTART: "yellow", Answer.RAISE: "yellow",
    Answer.CANNOT: "bold red", Answer.UNKNOWN: "yellow",
}  # fmt: skip
_EFFECT_STYLES = {
    Effect.INVENTORY: "dim", Effect.DRIVER: "yellow", Effect.IDENTITY: "yellow",
    Effect.BREAKING: "bold red",
}  # fmt: skip
_LEAST = 64
_NAME = re.compile(r"(?<![\w'.-])NAME(?![\w'.-])")
"""What stands for the domain in a remedy; not a part of a name that is in it already."""


def print_plan(console: Console, plan: Plan, code: int, *, verbose: bool) -> None:
    """Print all hops; ``verbose``: every domain with every finding as well."""
    for at, hop in enumerate(plan.hops):
        if at:
            console.print()
        last = at == len(plan.hops) - 1
        for line in plan_words.recovery_lines(hop):
            console.print(Text(line, "yellow"), soft_wrap=True)
        console.print(Text(plan_words.heading(hop), "bold"), soft_wrap=True)
        console.print(_counts(hop, code if last else None), soft_wrap=True)
        for line in plan_words.way_lines(hop):
            console.print(Text(line, "yellow"), soft_wrap=True)
        if not at:
            for name in plan.staying:
                console.print(Text(f"{printable(name)} is the target itself: its domains stay"))
        names = PlannedNames(hop.planned)
        sections = [
            [_group(group, names) for group in plan_folding.groups(hop.planned)],
            [_note(note, names) for note in plan_folding.noted(hop.planned, Outcome.WARN)],
            [*_order(hop, names)],
        ]
        width = max((len(first) for rows in sections for first, _ in rows), default=0)
        for rows in filter(None, sections):
            console.print()
            print_table(console, grid(rows, width), least=_LEAST)
        _print_seen(console, hop, verbose=verbose)
        console.print()
        print_table(console, grid(_closing(hop), 0), least=_LEAST)
        if verbose:
            console.print()
            print_table(console, grid(_each(hop), 0), least=_LEAST)


def _counts(hop: Hop, code: int | None) -> Text:
    counted, line = plan_words.counts(hop), Text()
    for answer, word in plan_words.WORDS.items():
        if counted[answer]:
            line.append((" | " if line else "") + f"{word} {counted[answer]}", _STYLES[answer])
    if not line:
        line.append("no domains", "dim")
    if code is not None:
        line.append(f"   exit {code}", "dim")
    return line


def _group(group: Group, names: PlannedNames) -> Row:
    text = Text(f"{names.some(group.domains)}")
    for at, finding in enumerate(group.reasons):
        text.append("  " if not at else "\n").append(_reason(group, finding))
        remedy = remedy_of(group, finding, names)
        if remedy:
            text.append(f"\n-> {printable(remedy)}", "dim")
    return Text(group.answer.upper(), _STYLES[group.answer]), text


def _reason(group: Group, finding: Finding) -> str:
    if not plan_folding.is_gone(finding):
        return printable(finding.sentence)
    machines = dict.fromkeys(
        one.definition.machine or "" for one in group.domains if isinstance(one, Planned)
    )
    are = "is" if len(machines) == 1 else "are"
    return printable(f"{', '.join(machines)} {are} gone there")


def remedy_of(group: Group, finding: Finding, names: PlannedNames) -> str | None:
    """Return what to do about a finding; where the type is to be raised, how."""
    if group.raise_to is not None and finding.check in {"move-machine-type", "plan-next-start"}:
        return f"samemachine upgrade {names.every(group.domains)} --to {_to(group)}"
    return _named(finding.remedy, group.domains, names)


def _to(group: Group) -> str:
    """Return the type and, as a comment in the command, why it is that one."""
    why = [
        finding.sentence.partition(": ")[2]
        for one in group.domains[:1]
        if isinstance(one, Planned)
        for finding in one.findings
        if finding.check == "plan-raise"
    ]
    return "   # ".join([quoted(group.raise_to or ""), *why])


def _named(
    remedy: str | None, domains: Sequence[Planned | Failed], names: PlannedNames
) -> str | None:
    if remedy is None or len(domains) > 1:
        return remedy
    return _NAME.sub(lambda _: names.of(domains[0]), remedy)


def _note(note: Noted, names: PlannedNames) -> Row:
    ways = f"in {note.ways} ways; {names.of(note.domains[0])}: " if note.ways > 1 else ""
    text = Text(f"{names.some(note.domains)}  {ways}{printable(note.finding.sentence)}")
    remedy = _named(note.finding.remedy, note.domains, names)
    if remedy:
        text.append(f"\n-> {printable(remedy)}", "dim")
    return Text("NOTE", "yellow"), text


def _order(hop: Hop, names: PlannedNames) -> Iterator[Row]:
    steps = plan_folding.steps(hop.planned)
    if len(steps) < 2:
        return
    for number, step in enumerate(steps, 1):
        yield (
            Text("ORDER" if number == 1 else "", "bold"),
            Text(f"{number} {plan_words.step_words(step)}: {names.some(step.domains)}"),
        )


def _print_seen(console: Console, hop: Hop, *, verbose: bool) -> None:
    seen = plan_folding.seen(hop.planned)
    console.print()
    head = Text("GUESTS WILL SEE", "bold")
    if not seen:
        console.print(head.append(f"  while moving: nothing. {plan_words.nothing_seen(hop)}", ""))
        return
    console.print(head.append("  while moving: nothing. At their next boot there:", ""))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    names = PlannedNames(hop.planned)
    for one in seen:
        change = Text(plan_words.seen_words(one))
        if verbose:
            change.append(f"\n{names.some(one.domains)}; {one.touched.source}", "dim")
        table.add_row(
            Text(plan_words.domains(len(one.domains))),
            change,
            Text(one.touched.effect, _EFFECT_STYLES[one.touched.effect]),
            Text(one.touched.who),
        )
    print_table(console, table)


def _closing(hop: Hop) -> Iterator[Row]:
    for head, lines in (
        ("COMPARED", hop.compared),
        ("NOT CHECKED", plan_folding.not_checked(hop)),
        ("MIXED POOL", plan_words.limit_lines(hop.limits)),
    ):
        for at, line in enumerate(lines):
            yield Text("" if at else head, "bold"), Text(printable(line))


def _each(hop: Hop) -> Iterator[Row]:
    for one in hop.planned:
        if isinstance(one, Failed):
            yield Text(Answer.UNKNOWN), Text(printable(f"{one.name}: {one.error}"))
            continue
        machine = one.definition.machine or "no machine type"
        told = Text(printable(f"{one.name}  {whose(one.definition)}  {machine}, {one.state}"))
        for finding in one.findings:
            told.append(
                f"\n{finding.check} {finding.outcome}: {printable(finding.sentence)}", "dim"
            )
        yield Text(one.answer, _STYLES[one.answer]), told
