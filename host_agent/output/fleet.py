"""Answers of the fleet's memory for people and as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from host_agent.difference import Area, Difference
from host_agent.fleet.answer import Changed, Placed, SameName, Status, Unverified, Where
from host_agent.fleet.ceiling import Ceiling
from host_agent.output.shared.document import document
from host_agent.output.shared.tables import grid, print_table
from host_agent.printable import printable

SCHEMA = 1
_STYLES = {"verified": "green", "mismatch": "bold red", "unverified": "yellow", "failed": "yellow"}
_FIELDS = 6
"""How many fields that differ are named."""


Answer = Status | Where | Changed | Unverified | tuple[Ceiling, ...] | tuple[SameName, ...]


def render(question: str, place: str, answer: Answer) -> str:
    """Return the JSON document, ending with a newline."""
    form = {"schema": SCHEMA, "question": question, "fleet": place, **_form(question, answer)}
    return document("fleet", form)


def _form(question: str, answer: Answer) -> dict[str, Any]:
    match answer:
        case Status():
            return {
                "hosts": answer.hosts,
                "silent": answer.silent,
                "machines": [
                    {"machine": machine or None, "verdicts": dict(counts)}
                    for machine, counts in answer.machines.items()
                ],
            }
        case Where():
            return {"domains": list(map(_domain, answer.domains))}
        case Changed():
            changes = [
                {"host": one.host, **asdict(one.change), "time": _iso(one.change.time)}
                for one in answer.changes
            ]
            return {"since": _iso(answer.since), "count": answer.number, "changes": changes}
        case Unverified():
            silent = [{**asdict(one), "seen": _iso(one.seen)} for one in answer.silent]
            return {
                "counts": dict(answer.counts),
                "domains": list(map(_domain, answer.domains)),
                "silent_count": answer.silent_count,
                "silent_hosts": silent,
            }
        case _:
            key = "ceilings" if question == "ceiling" else "machines"
            return {key: [_ceiling_or_machine(one) for one in answer]}


def _ceiling_or_machine(one: Ceiling | SameName) -> dict[str, Any]:
    if isinstance(one, Ceiling):
        return asdict(one)
    variants = [
        {
            "qemu": variant.qemu,
            "host": variant.host,
            "domains": variant.domains,
            "differences": None
            if variant.differences is None
            else [_difference(each) for each in variant.differences],
        }
        for variant in one.variants
    ]
    return {"machine": one.machine, "shape": one.shape, "variants": variants}


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "area": str(one.area),
        "subject": one.subject,
        "field": one.field,
        "old": one.old,
        "new": one.new,
    }


def _domain(one: Placed) -> dict[str, Any]:
    form = asdict(one.domain)
    verified = one.domain.verified
    return {
        "host": one.host,
        **form,
        "time": _iso(one.domain.time),
        "verified": None if verified is None else _iso(verified),
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def print_answer(console: Console, answer: Answer) -> None:
    """Print an answer."""
    match answer:
        case Status():
            _print_status(console, answer)
        case Where():
            _print_domains(console, answer.domains)
            if not answer.domains:
                console.print(Text(f"no host has told of {printable(answer.name)}"))
            elif len(answer.domains) == answer.most:
                console.print("there may be more: --limit", style="dim")
        case Changed():
            _print_changes(console, answer)
        case Unverified():
            _print_unverified(console, answer)
        case _:
            for one in answer:
                if isinstance(one, Ceiling):
                    _print_ceiling(console, one)
                else:
                    _print_same_name(console, one)
            if not answer:
                console.print("nothing")


def _print_status(console: Console, status: Status) -> None:
    total: dict[str, int] = {}
    for counts in status.machines.values():
        for verdict, number in counts.items():
            total[verdict] = total.get(verdict, 0) + number
    silent = f", {status.silent} silent" if status.silent else ""
    head = f"{_of(status.hosts, 'host')}{silent} | {_of(sum(total.values()), 'domain')}"
    console.print(Text(head, "bold"))
    console.print(_counted(total))
    rows = [
        (Text(printable(machine) or "no machine type"), _counted(counts))
        for machine, counts in status.machines.items()
    ]
    if rows:
        console.print()
        print_table(console, grid(rows))


def _of(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _counted(counts: Mapping[str, int]) -> Text:
    text = Text()
    for verdict, number in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        text.append(("   " if text else "") + f"{printable(verdict)} {number}", _style(verdict))
    return text or Text("no domains", "dim")


def _style(verdict: str) -> str:
    return _STYLES.get(verdict.partition(" ")[0], "dim")


def _print_domains(console: Console, domains: Iterable[Placed]) -> None:
    rows = []
    for one in domains:
        domain = one.domain
        said = Text(printable(domain.verdict), _style(domain.verdict))
        said.append(f"  {_local(domain.time)}  {printable(domain.machine or '')}", "default")
        if domain.problem:
            said.append(f"\n{printable(domain.check or '')}: {printable(domain.problem)}", "dim")
        rows.append(
            (Text(f"{printable(one.host)}  {printable(domain.title or domain.name)}"), said)
        )
    if rows:
        print_table(console, grid(rows))


def _local(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"


def _print_changes(console: Console, changed: Changed) -> None:
    head = f"{_of(changed.number, 'change')} since {_local(changed.since)}"
    console.print(Text(head, "bold"))
    rows = []
    for one in changed.changes:
        change = one.change
        ways = " -> ".join(printable(side) for side in (change.old, change.new) if side)
        said = Text(f"{printable(one.host)}  {printable(change.name)}  {change.what}: {ways}")
        rows.append((Text(_local(change.time)), said))
    if rows:
        print_table(console, grid(rows))
    if len(changed.changes) < changed.number:
        console.print("older ones are left off: --limit", style="dim")


def _print_unverified(console: Console, answer: Unverified) -> None:
    number = sum(answer.counts.values())
    head = f"{_of(number, 'domain')} not verified, {_of(answer.silent_count, 'host')} silent"
    console.print(Text(head, "bold"))
    if answer.counts:
        console.print(_counted(answer.counts))
    if answer.silent:
        console.print()
        rows = [(Text(printable(one.host)), Text(_local(one.seen))) for one in answer.silent]
        print_table(console, grid(rows))
    if answer.domains:
        console.print()
        _print_domains(console, answer.domains)
    if len(answer.domains) < number:
        console.print("others are left off: --limit", style="dim")


def _print_ceiling(console: Console, one: Ceiling) -> None:
    name = printable(one.name) if one.name else "none that every host offers"
    text = Text(f"{one.architecture} {one.family} ({one.vendor}): {name}", "bold")
    console.print(text)
    bound = f"{one.bound_by} of {_of(one.hosts, 'host')} offer nothing newer"
    if one.host:
        bound += f", such as {printable(one.host)}"
    console.print(Text(f"  {bound}"))
    console.print(Text(f"  domains above it {one.above}, below it {one.below}"))
    if one.wanted and one.wanted != one.name:
        console.print(Text(f"  an upgrade takes {printable(one.wanted)}"))


def _print_same_name(console: Console, one: SameName) -> None:
    first, *others = one.variants
    console.print(Text(f"{printable(one.machine)}, {len(one.variants)} machines", "bold"))
    rows = [(Text(_variant(first.qemu, first.host, first.domains)), Text("most of them", "dim"))]
    for variant in others:
        told = _fields(variant.differences)
        rows.append((Text(_variant(variant.qemu, variant.host, variant.domains)), Text(told)))
    print_table(console, grid(rows))


def _variant(qemu: str | None, host: str, domains: int) -> str:
    return f"  {_of(domains, 'domain')}, QEMU {printable(qemu or '?')}, such as {printable(host)}"


def _fields(differences: Sequence[Difference] | None) -> str:
    if differences is None:
        return "its tables can't be compared"
    named = [
        f"{_subject(one)} {one.field}: {one.old} -> {one.new}" for one in differences[:_FIELDS]
    ]
    more = len(differences) - _FIELDS
    return printable("; ".join(named) + (f"; and {more} more" if more > 0 else ""))


def _subject(one: Difference) -> str:
    """Return what differs; of SMBIOS, which is most of it, without saying so."""
    return one.subject if one.area is Area.SMBIOS else f"{one.area} {one.subject}"
