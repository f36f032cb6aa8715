"""Audits as text for people: the host's line, problems first, a line for each domain.

Everything that came from a guest or a domain's name goes through rich as plain text, never as
markup, and was escaped when it was decoded.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from host_agent.model import (
    Audited,
    Case,
    Decision,
    Failed,
    Finding,
    HostAudit,
    Missing,
    Named,
    Outcome,
    Running,
)
from host_agent.output.summary import counts, decision
from host_agent.output.table import print_table
from host_agent.printable import printable

_STYLES = {
    "verified": "green", "mismatch": "bold red", "unverified": "yellow", "failed": "yellow",
    "not running": "dim", "pass": "green", "fail": "bold red", "warn": "yellow",
    "unknown": "yellow", "skip": "dim",
}  # fmt: skip
_ORDER = ("mismatch", "failed", "unverified", "verified", "not running")
_SHOWN = {Outcome.FAIL, Outcome.WARN}
_NAMES = 28


def print_audits(console: Console, audits: Sequence[HostAudit], *, verbose: bool) -> None:
    """Print all hosts."""
    for number, audit in enumerate(audits):
        if number:
            console.print()
        console.print(_heading(audit), soft_wrap=True)
        console.print(_counts(audit))
        if audit.results:
            console.print()
            print_table(console, _domains(audit.results, verbose=verbose))


def _heading(audit: HostAudit) -> Text:
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


def _counts(audit: HostAudit) -> Text:
    counted = counts(audit.results)
    line = Text()
    for word in _ORDER:
        if counted[word]:
            line.append(("   " if line else "") + f"{word} {counted[word]}", style=_STYLES[word])
    if not audit.results:
        line.append("no domains", style="dim")
    return line


def _domains(results: Sequence[Audited | Failed], *, verbose: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold", max_width=_NAMES)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for result in sorted(results, key=lambda result: _ORDER.index(decision(result))):
        word = decision(result)
        table.add_row(
            Text(_name(result)), Text(word.upper() if word != "verified" else word, _STYLES[word]),
            Text(_depth(result)), Text(_what(result)),
        )  # fmt: skip
        for finding in _worth_showing(result, verbose=verbose):
            table.add_row(
                Padding(Text(finding.check, _STYLES[finding.outcome]), (0, 0, 0, 2)),
                Text(finding.outcome, _STYLES[finding.outcome]), "", _told(finding),
            )  # fmt: skip
    return table


def _name(result: Audited | Failed) -> str:
    return printable(
        result.name if isinstance(result, Failed) else result.case.declared.definition.name
    )


def _depth(result: Audited | Failed) -> str:
    depth = None if isinstance(result, Failed) else result.verdict.depth
    return f"by {depth}" if depth else "-"


def _what(result: Audited | Failed) -> str:
    if isinstance(result, Failed):
        return printable(result.error)
    case = result.case
    definition = case.declared.definition
    machine = definition.machine or "no machine type"
    if case.declared.active is None:
        return printable(f"{case.declared.state}, next start as {machine}")
    if result.verdict.depth is None:
        return printable(f"{machine} declared, nothing can be asked")
    return printable(machine)


def _worth_showing(result: Audited | Failed, *, verbose: bool) -> Iterable[Finding]:
    if isinstance(result, Failed):
        return ()
    if verbose:
        return result.verdict.findings
    shown = set(_SHOWN)
    if result.verdict.decision is Decision.UNVERIFIED:
        shown.add(Outcome.UNKNOWN)
    findings = [finding for finding in result.verdict.findings if finding.outcome in shown]
    # What the host could prove alone stands beside what is missing.
    if result.verdict.decision is Decision.UNVERIFIED:
        findings += [
            finding
            for finding in result.verdict.findings
            if finding.outcome is Outcome.PASS and finding.check in {"machine-type", "running-qemu"}
        ]
    return _folded(findings)


def _folded(findings: list[Finding]) -> Iterable[Finding]:
    """Say one sentence once, with the checks that it answers."""
    told: dict[tuple[Outcome, str], list[Finding]] = {}
    for finding in findings:
        told.setdefault((finding.outcome, finding.sentence), []).append(finding)
    for same in told.values():
        yield replace(same[0], check=", ".join(finding.check for finding in same))


def _told(finding: Finding) -> Text:
    text = Text(printable(finding.sentence))
    if finding.remedy and finding.outcome is not Outcome.PASS:
        text.append(f"\n-> {printable(finding.remedy)}", style="dim")
    return text


def print_show(console: Console, audit: HostAudit) -> None:
    """Print the views of each domain side by side."""
    for result in audit.results:
        console.print(_heading(audit), soft_wrap=True)
        if isinstance(result, Failed):
            console.print(Text(f"{_name(result)} FAILED {_what(result)}"))
            continue
        console.print()
        print_table(console, _show(result))


def _show(result: Audited) -> RenderableType:
    case = result.case
    definition = case.declared.definition
    head = Text(printable(f"{definition.name}  {definition.uuid}  {case.declared.state}") + "  ")
    word = decision(result)
    head.append(word.upper(), _STYLES[word])
    head.append(f" {_depth(result)}" if result.verdict.depth else "")
    views = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("", "declared", "running", "booted as", "serving now"):
        views.add_column(title, overflow="fold", header_style="bold")
    for row in _rows(case):
        views.add_row(*(Text(cell) for cell in row))
    findings = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for finding in result.verdict.findings:
        style = _STYLES[finding.outcome]
        findings.add_row(Text(finding.check), Text(finding.outcome, style), _told(finding))
    return Group(head, Text(), views, Text(), *_notes(case), Text(), findings)


def _rows(case: Case) -> list[tuple[str, ...]]:
    active = case.declared.active or case.declared.persistent
    running = case.running if isinstance(case.running, Running) else None
    expected = None if isinstance(case.expected, Missing) else case.expected
    booted, live = case.booted, case.live

    def row(
        name: str, declared: str | None, process: str | None, of: Callable[[Named], object]
    ) -> tuple[str, ...]:
        views = (process or "-", _cell(booted, of), _cell(live, of))
        # What is equal need not be read again.
        same = ("same" if declared and view == declared else printable(view) for view in views)
        return (name, printable(declared or "-"), *same)

    wanted = {
        "manufacturer": expected.manufacturers if expected else None,
        "product": expected.products if expected else None,
    }
    return [
        row("machine type", active.machine if active else None,
            running.machine if running else None, lambda named: named.version),
        row("uuid", str(active.uuid) if active else None,
            str(running.uuid) if running and running.uuid else None, lambda named: named.uuid),
        row("manufacturer", " or ".join(sorted(wanted["manufacturer"] or ())), None,
            lambda named: named.manufacturer),
        row("product", " or ".join(sorted(wanted["product"] or ())), None,
            lambda named: named.product),
        row("chassis version", None, None, lambda named: named.chassis_version),
        row("processor version", None, None, lambda named: named.processor_version),
    ]  # fmt: skip


def _cell(view: Named | Missing, of: Callable[[Named], object]) -> str:
    return "-" if isinstance(view, Missing) else str(of(view) or "(not specified)")


def _notes(case: Case) -> Iterable[Text]:
    """Where each view comes from, or why it is not there."""
    yield _note("expected", case.expected.why if not isinstance(case.expected, Missing) else "-")
    if isinstance(case.running, Running):
        gone = " (replaced since it was started)" if case.running.binary_deleted else ""
        yield _note("running", f"process {case.running.pid}, {case.running.binary}{gone}")
    else:
        yield _note("running", case.running.sentence)
    for title, view in (("booted as", case.booted), ("serving now", case.live)):
        yield _note(title, view.sentence if isinstance(view, Missing) else f"from {view.source}")


def _note(title: str, text: str) -> Text:
    return Text(f"{title}: {printable(text)}", style="dim")
