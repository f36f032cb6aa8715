"""A move as text for people, and as JSON; and its exit code."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.case.results import Confirmed, Decision, Failed
from host_agent.domain.live_migration import MigrationEnd, MigrationProgress, MigrationResult
from host_agent.finding import Finding, Outcome
from host_agent.migrate import preflight
from host_agent.migrate.facts import End, MoveReport
from host_agent.output import verify
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import (
    INTERRUPTED,
    MISMATCH,
    UNREACHABLE,
    UNVERIFIED,
    USAGE,
    VERIFIED,
)
from host_agent.output.shared.forms import confirmed_form, plain_finding
from host_agent.output.shared.outlook_form import recovery_form
from host_agent.output.shared.tables import print_table
from host_agent.printable import argument, printable

_SCHEMA = 1
_STYLES = {
    Outcome.PASS: "green", Outcome.WARN: "yellow", Outcome.UNKNOWN: "yellow",
    Outcome.FAIL: "bold red", Outcome.SKIP: "dim",
}  # fmt: skip
_MIB = 1024 * 1024


def exit_code(report: MoveReport) -> int:
    """Return the exit code: refused 2, libvirt gave up 4, else by the verdicts."""
    if preflight.refused(report.findings):
        return USAGE
    if report.dry_run:
        return VERIFIED
    if report.result is None:
        # Not even begun: it was wrong before.
        return MISMATCH
    if report.result.end is MigrationEnd.CANCELLED:
        return INTERRUPTED
    if report.result.end is not MigrationEnd.MOVED:
        return UNREACHABLE
    return _verdict(report.after)


def _verdict(confirmed: Confirmed | Failed | None) -> int:
    if not isinstance(confirmed, Confirmed):
        return UNVERIFIED
    codes = {Decision.VERIFIED: VERIFIED, Decision.MISMATCH: MISMATCH}
    decision = confirmed.audited.verdict.decision
    return UNVERIFIED if decision is None else codes.get(decision, UNVERIFIED)


def print_report(console: Console, report: MoveReport, *, verbose: bool) -> None:
    """Print what was looked at, what was done and what came of it."""
    for line in () if report.recovery is None else report.recovery.sentences:
        console.print(Text(printable(line), "yellow"), soft_wrap=True)
    heading = f"{report.name}  {_end(report.source)} -> {_end(report.destination)}"
    console.print(Text(printable(heading), "bold"), soft_wrap=True)
    refused = preflight.refused(report.findings)
    everything = verbose or report.dry_run or refused
    shown = [
        finding
        for finding in report.findings
        if everything or finding.outcome in {Outcome.WARN, Outcome.FAIL}
    ]
    _print_findings(console, shown)
    if refused:
        console.print(Text("NOT MOVED  the guest runs on, as it was", "bold red"))
        return
    if report.dry_run:
        console.print(
            "would be moved; not checked: networks, storage pools and bandwidth, which libvirt "
            "looks at in the move",
            soft_wrap=True,
        )
        return
    _print_before(console, report)
    if report.result is not None:
        _print_result(console, report, report.result)
    if report.after is not None:
        verify.print_verified(console, [report.after])
        if isinstance(report.after, Failed):
            again = f"-> samemachine verify {argument(report.name, report.uuid)} --wait 60, there"
            console.print(Text(again), soft_wrap=True)


def _end(end: End) -> str:
    return f"{end.name} (QEMU {end.qemu}, libvirt {end.libvirt})"


def _print_findings(console: Console, findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for finding in findings:
        told = Text(printable(finding.sentence))
        if finding.remedy and finding.outcome is not Outcome.PASS:
            told.append(f"\n-> {printable(finding.remedy)}", style="dim")
        table.add_row(
            Text(f"  {finding.check}"), Text(finding.outcome, _STYLES[finding.outcome]), told
        )
    if findings:
        print_table(console, table)


def _print_before(console: Console, report: MoveReport) -> None:
    before = report.before
    if isinstance(before, Failed):
        console.print(Text(f"  before: {printable(before.error)}", "yellow"), soft_wrap=True)
    elif before is not None and report.result is None:
        verify.print_verified(console, [before])
        console.print(
            Text("NOT MOVED  it was wrong before the move; look first: ", "bold red")
            + Text(f"samemachine show {argument(report.name, report.uuid)}"),
            soft_wrap=True,
        )
    elif before is not None and not before.kept:
        console.print(Text("  before: no baseline could be taken", "yellow"), soft_wrap=True)


def _print_result(console: Console, report: MoveReport, result: MigrationResult) -> None:
    here, there = printable(report.source.name), printable(report.destination.name)
    reason = printable(result.reason or "no reason given")
    if result.end is MigrationEnd.MOVED:
        still = f", the guest stood still for {result.final.downtime} ms" if result.final else ""
        line = Text(f"moved in {result.seconds:.1f} s{still}; {printable(result.way)}")
        if result.reason:
            line.append(f"\nnote: {reason}", "yellow")
        if result.source not in {"shut off", "absent"}:
            line.append(
                f"\nnote: {here} still has it {result.source}: never resume it there", "bold red"
            )
    elif result.end is MigrationEnd.LOST:
        line = Text(f"LOST  {reason}\n", "bold red")
        line.append(
            f"on {here} it is {result.source}, on {there} {result.destination}; look at both: "
            "virsh list --all"
        )
    else:
        line = Text(f"NOT MOVED  {result.end}: {reason}\n", "bold red")
        state = "the guest runs on" if result.source == "running" else f"it is {result.source}"
        line.append(f"{state}, on {here}; on {there} it is {result.destination}")
    console.print(line, soft_wrap=True)


def progress_line(progress: MigrationProgress) -> str:
    """Return how far a move is, in one line."""
    parts = [
        f"{progress.remaining // _MIB} of {progress.total // _MIB} MiB left",
        f"{progress.memory_rate // _MIB} MiB/s",
        f"guest changes {progress.dirty_rate // _MIB} MiB/s",
    ]
    if progress.downtime:
        parts.append(f"will stand still {progress.downtime} ms")
    return ", ".join(parts)


def render(report: MoveReport, code: int) -> str:
    """Return the report as JSON."""
    result = report.result
    form: dict[str, Any] = {
        "schema": _SCHEMA,
        "exit_code": code,
        "domain": {"name": report.name, "uuid": str(report.uuid)},
        "source": _end_form(report.source),
        "destination": _end_form(report.destination),
        "dry_run": report.dry_run,
        "recovery_keys": recovery_form(report.recovery),
        "preflight": [plain_finding(finding) for finding in report.findings],
        "before": None if report.before is None else confirmed_form(report.before),
        "migration": None if result is None else _result(result),
        "after": None if report.after is None else confirmed_form(report.after),
    }
    return document("migrate", form)


def _end_form(end: End) -> dict[str, Any]:
    return {"name": end.name, "qemu": end.qemu, "libvirt": end.libvirt}


def _result(result: MigrationResult) -> dict[str, Any]:
    final = result.final
    return {
        "end": result.end,
        "way": result.way,
        "seconds": round(result.seconds, 3),
        "reason": result.reason,
        "source_state": result.source,
        "destination_state": result.destination,
        "downtime_ms": None if final is None else final.downtime,
        "memory_bytes": None if final is None else final.memory_total,
        "disk_bytes": None if final is None else final.disk_total,
    }
