"""Machine-type upgrades as text for people, and as JSON; and their exit code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.case.results import Confirmed, Decision, Failed
from host_agent.evidence.what_guests_notice import Answer
from host_agent.finding import Finding, Outcome
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
from host_agent.output.shared.outlook_form import outlook_form, recovery_form
from host_agent.output.shared.tables import print_table
from host_agent.printable import argument, printable, shortened
from host_agent.records.upgrade_record import UNDER_WAY, Record, Step
from host_agent.upgrade.facts import Ending, Raised, Raising, Report

_SCHEMA = 1
_LONGEST = 200
_STYLES = {
    Ending.REFUSED: "bold red", Ending.FAILED: "bold red", Ending.LEFT: "bold red",
    Ending.WRONG_BEFORE: "bold red", Ending.ROLLED_BACK: "yellow", Ending.APPLIED: "green",
    Ending.SKIPPED: "yellow",
}  # fmt: skip
_CODES = {
    Ending.REFUSED: USAGE, Ending.FAILED: MISMATCH, Ending.LEFT: INTERRUPTED,
    Ending.WRONG_BEFORE: MISMATCH, Ending.ROLLED_BACK: MISMATCH, Ending.SKIPPED: UNVERIFIED,
}  # fmt: skip
_WEIGHT = INTERRUPTED, UNREACHABLE, MISMATCH, USAGE, UNVERIFIED, VERIFIED
"""Exit codes, the one that counts most first."""


def exit_code(report: Report) -> int:
    """Return the exit code: of the domain with which it went worst."""
    codes = {_code(one, report) for one in report.raised}
    return next((code for code in _WEIGHT if code in codes), VERIFIED)


def _code(raised: Raised, report: Report) -> int:
    if raised.ending is Ending.ROLLED_BACK and report.back:
        return _verdict(raised.after)
    if raised.ending is Ending.APPLIED:
        return _verdict(raised.after)
    if raised.ending is Ending.LEFT and raised.why != "interrupted":
        return UNREACHABLE
    return _CODES.get(raised.ending, VERIFIED)


def _verdict(after: Confirmed | Failed | None) -> int:
    if after is None:
        return VERIFIED
    if isinstance(after, Failed):
        return UNVERIFIED
    found = after.audited.verdict.decision
    return VERIFIED if found is Decision.VERIFIED else UNVERIFIED


def print_plan(console: Console, raised: Raised, limit: float) -> None:
    """Print what would be done with one domain, and what stands in the way."""
    raising = raised.raising
    if raised.ending is Ending.NOTHING:
        console.print(Text(f"{_name(raising)}  {_nothing(raising)}"), soft_wrap=True)
        return
    head = Text(f"{_name(raising)}  {_way(raising)}", "bold")
    console.print(head, soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    for label, text, style in _rows(raised, limit):
        told = "\n".join(map(printable, text.split("\n-> ", 1)))
        table.add_row(Text(f"  {label}", style), Text(told.replace("\n", "\n-> ")))
    print_table(console, table)


def _rows(raised: Raised, limit: float) -> list[tuple[str, str, str]]:
    raising = raised.raising
    findings = {finding.check.removeprefix("upgrade-"): finding for finding in raised.findings}
    rows: list[tuple[str, str, str]] = [
        (name, findings[name].sentence, "")
        for name in ("owner", "type")
        if name in findings and findings[name].outcome is not Outcome.FAIL
    ]
    for name, finding in findings.items():
        if finding.outcome in {Outcome.WARN, Outcome.UNKNOWN} and name != "type":
            label = "RISK" if name == "forecast" else "note"
            rows.append((label, _told(finding), "yellow"))
        elif name == "forecast":
            rows.append(("RISK", finding.sentence, ""))
    rows += [
        ("notices", str(one), "yellow" if one.answer is Answer.YES else "")
        for one in raising.noticed
    ]
    number = len(raising.changed)
    if number:
        # The whole line may be long; what changes in it is short.
        target = raising.target.name
        lines = f"{number} line" + ("" if number == 1 else "s")
        rows.append(("XML", f"{lines}: machine='{_before(raising)}' -> '{target}'", ""))
        rows.append(("same", "UUID, MACs, disks, PCI addresses, firmware, NVRAM: as defined", ""))
    blocks = [finding for finding in raised.findings if finding.outcome is Outcome.FAIL]
    rows += [("BLOCKS", _told(finding), "bold red") for finding in blocks]
    if not blocks:
        rows.append(("blocks", "none (managed save, memory snapshot, job: checked)", ""))
        rows.append(("steps", _steps(raising, limit), ""))
    return rows


def _told(finding: Finding) -> str:
    return f"{finding.sentence}\n-> {finding.remedy}" if finding.remedy else finding.sentence


def _steps(raising: Raising, limit: float) -> str:
    if raising.stage:
        return (
            "backup, define; its next full stop and start apply it, a reboot in the guest does not"
        )
    if not raising.running:
        return "backup, define (it does not run); its next start applies it"
    stop = f"shutdown ({limit:.0f} s limit)"
    if raising.back:
        return f"define, {stop}, start, verify"
    if not raising.start:
        return f"backup, {stop}, define; its next start applies it"
    return f"backup, {stop}, define, start, verify, else roll back"


def _before(raising: Raising) -> str:
    """The type as the definition has it, which may be an alias."""
    if raising.before != raising.current:
        return raising.before
    return (raising.persistent.machine if raising.persistent else None) or raising.current


def _way(raising: Raising) -> str:
    if raising.resumed is not None and not raising.back:
        record = raising.resumed
        return printable(f"{record.old} -> {record.new}, {record.direction}: go on ({record.step})")
    target = raising.target.name
    return printable(f"{raising.current} -> {target}" if target else raising.current)


def _nothing(raising: Raising) -> str:
    record = raising.resumed
    if record is not None and raising.back:
        return "nothing to roll back: it is as it was"
    if record is not None:
        return f"{record.new} is staged already; its next full stop and start apply it"
    return printable(f"nothing to do: {raising.target.why}")


def _name(raising: Raising) -> str:
    return printable(raising.name)


def print_recovery(console: Console, report: Report) -> None:
    """Print whose recovery keys are asked for, where that was rehearsed."""
    for line in () if report.recovery is None else report.recovery.sentences:
        console.print(Text(printable(line), "yellow"), soft_wrap=True)


def print_report(console: Console, report: Report, limit: float, *, planned: bool) -> None:
    """Print what became of each domain. ``planned``: the plans were shown before."""
    if not planned:
        print_recovery(console, report)
    for raised in report.raised:
        seen = raised.ending in {Ending.REFUSED, Ending.NOTHING, Ending.PLANNED}
        if seen and not planned:
            print_plan(console, raised, limit)
        _print_ending(console, raised, report)
    if report.dry_run:
        console.print(Text(_hint(report)), soft_wrap=True)
    elif len(report.raised) > 1:
        counts = Counter(str(raised.ending) for raised in report.raised)
        line = ", ".join(f"{word} {number}" for word, number in counts.items())
        change = f"change {printable(report.change)}: " if report.change else ""
        console.print(Text(f"{change}{line}  in {report.seconds:.0f} s"), soft_wrap=True)


def _hint(report: Report) -> str:
    names = " ".join(
        argument(one.raising.name, one.raising.uuid)
        for one in report.raised
        if one.ending is Ending.PLANNED
    )
    word = "rollback" if report.back else "upgrade"
    if not names:
        return "Nothing changed."
    staged = "" if report.back else f"   at its next stop: samemachine upgrade {names} --stage"
    return f"Nothing changed.  now: samemachine {word} {names}{staged}"


def _print_ending(console: Console, raised: Raised, report: Report) -> None:
    ending, raising = raised.ending, raised.raising
    if ending in {Ending.NOTHING, Ending.PLANNED}:
        return
    name = _name(raising)
    line = Text(f"{name} ")
    line.append(str(ending).upper(), _STYLES.get(ending, ""))
    line.append(f"  {_outcome(raised, back=report.back)}")
    console.print(line, soft_wrap=True)
    for note in raised.notes:
        console.print(Text(f"  note: {printable(note)}", "yellow"), soft_wrap=True)
    if ending is Ending.WRONG_BEFORE and raised.before is not None:
        verify.print_verified(console, [raised.before])
    if isinstance(raised.before, Failed) and ending is not Ending.WRONG_BEFORE:
        console.print(Text(f"  before: {printable(raised.before.error)}", "yellow"), soft_wrap=True)
    if raised.after is not None:
        verify.print_verified(console, [raised.after])
    hint = _next(raised, report)
    if hint:
        console.print(Text(f"  -> {hint}", "dim"), soft_wrap=True)


def _outcome(raised: Raised, *, back: bool) -> str:
    record, why = raised.record, printable(shortened(raised.why or "", _LONGEST))
    if record is None:
        if raised.ending is Ending.WRONG_BEFORE:
            return "look first: it is wrong already, and nothing was touched"
        return why or "nothing was touched"
    way = printable(f"{record.old} -> {record.new}")
    if raised.ending is Ending.APPLIED:
        return f"{way} in {record.changed - record.started:.0f} s"
    if raised.ending is Ending.STAGED:
        how = (
            "the next full stop and start apply it, a reboot in the guest does not"
            if raised.raising.running and record.stage
            else "its next start applies it"
        )
        return f"{way}: {how}"
    if raised.ending is Ending.ROLLED_BACK:
        if not why and not back:
            why = "a rollback that was half done is finished; what is to be raised is given again"
        return f"it is {printable(record.old)} again" + (f": {why}" if why else "")
    if raised.ending is Ending.LEFT:
        return f"{way}, at the step '{record.step}' ({record.direction}): {why}"
    return f"{way}: {why}"


def _next(raised: Raised, report: Report) -> str | None:
    name = argument(raised.raising.name, raised.raising.uuid)
    finish = f"samemachine upgrade {name}, or samemachine rollback {name}"
    if raised.ending is Ending.LEFT:
        return f"finish it: {finish}"
    if raised.ending is Ending.FAILED:
        return f"look at it (samemachine show {name}), then {finish}"
    if raised.ending is Ending.STAGED:
        return f"undo: samemachine rollback {name}"
    if raised.ending is Ending.APPLIED and not report.back:
        return f"back at any time: samemachine rollback {name}"
    return None


def print_campaign(
    console: Console, records: Sequence[Record], troubles: Sequence[str], *, verbose: bool
) -> None:
    """Print how far upgrades have come: a line a step, with the domains behind it."""
    steps = Counter(record.step for record in records)
    words = ", ".join(f"{step} {steps[step]}" for step in Step if steps[step])
    console.print(Text(words or "no upgrade was begun from this machine", "bold"), soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    for record in records:
        if not verbose and record.step is Step.APPLIED:
            continue
        change = f" ({record.change})" if record.change else ""
        why = f": {record.reason}" if record.reason else ""
        table.add_row(
            Text(f"  {printable(record.name)}"),
            Text(printable(f"{record.step}{change}")),
            Text(printable(f"{record.old} -> {record.new}{why}")),
        )
    if table.row_count:
        print_table(console, table)
    for trouble in troubles:
        console.print(Text(f"  {printable(trouble)}", "bold red"), soft_wrap=True)


def campaign_exit_code(records: Sequence[Record], troubles: Sequence[str]) -> int:
    """Return the exit code of ``campaign``; troubles: what can't be read."""
    steps = {record.step for record in records}
    if steps & {Step.ROLLED_BACK, Step.FAILED}:
        return MISMATCH
    unfinished = steps & (UNDER_WAY | {Step.PLANNED})
    return UNVERIFIED if troubles or unfinished else VERIFIED


def render_campaign(records: Sequence[Record], troubles: Sequence[str], code: int) -> str:
    """Return upgrades as JSON."""
    counts = Counter(str(record.step) for record in records)
    form = {
        "schema": _SCHEMA, "exit_code": code, "counts": dict(sorted(counts.items())),
        "upgrades": [_record(record) for record in records], "unreadable": list(troubles),
    }  # fmt: skip
    return document("campaign", form)


def render(report: Report, code: int) -> str:
    """Return a report as JSON."""
    form = {
        "schema": _SCHEMA, "exit_code": code, "dry_run": report.dry_run, "change": report.change,
        "recovery_keys": recovery_form(report.recovery),
        "stopped": report.stopped, "domains": [_form(raised) for raised in report.raised],
    }  # fmt: skip
    return document("upgrade", form)


def _form(raised: Raised) -> dict[str, Any]:
    raising = raised.raising
    return {
        "name": raising.name,
        "uuid": str(raising.uuid),
        "outcome": raised.ending,
        "why": raised.why,
        "current": raising.current,
        "target": raising.target.name,
        "hosts": list(raising.hosts),
        "running": raising.running,
        "xml": [{"before": before, "after": after} for before, after in raising.changed],
        "preflight": [plain_finding(finding) for finding in raised.findings],
        "tpm": outlook_form(raising.sealed),
        "notices": [asdict(one) for one in raising.noticed],
        "record": None if raised.record is None else _record(raised.record),
        "before": None if raised.before is None else confirmed_form(raised.before),
        "after": None if raised.after is None else confirmed_form(raised.after),
        "notes": list(raised.notes),
    }


def _record(record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "uuid": str(record.uuid),
        "host": record.host,
        "from": record.old,
        "to": record.new,
        "step": record.step,
        "direction": record.direction,
        "change": record.change,
        "reason": record.reason,
        "started": record.started,
        "changed": record.changed,
    }
