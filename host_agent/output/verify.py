"""Verifications and kept baselines as text for people, and as JSON."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent import times
from host_agent.case.results import Audited, Confirmed, Decision, Depth, Failed
from host_agent.finding import Outcome
from host_agent.missing import Missing
from host_agent.output.shared.counting import decision
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import MISMATCH, UNREACHABLE, UNVERIFIED, VERIFIED
from host_agent.output.shared.forms import confirmed_form
from host_agent.output.shared.names import Names, called
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable
from host_agent.verify import story
from host_agent.verify.groups import Alike, alike

_SCHEMA = 1
_STYLES = {
    "verified": "green", "mismatch": "bold red", "unverified": "yellow", "failed": "yellow",
}  # fmt: skip
_NOTE_STYLES = {
    "CHANGED": "bold red",
    "REBOOTED in the move": "bold red",
    "changed, allowed": "yellow",
}


def print_verified(
    console: Console, results: Sequence[Confirmed | Failed], *, each: bool = True
) -> None:
    """Print each domain: what happened to it, what is not as it was, one sentence for a ticket.

    Without ``each`` what is to be said of several domains is said once, with their names.
    """
    if each:
        for result in results:
            _print_one(console, result)
        return
    names = Names([one if isinstance(one, Failed) else one.audited for one in results])
    for group in alike(results):
        if len(group.results) == 1:
            _print_one(console, group.results[0])
        else:
            _print_alike(console, group, names)


def _print_one(console: Console, result: Confirmed | Failed) -> None:
    if isinstance(result, Failed):
        print_failed(console, result)
        return
    audited = result.audited
    word = audited.verdict.decision or "not running"
    line = Text(called(audited) + " ")
    line.append(word.upper(), _STYLES.get(word, "dim"))
    line.append(f"  {printable(story.headline(audited.case))}")
    console.print(line, soft_wrap=True)
    print_changes(console, audited)
    for complaint in result.complaints:
        console.print(Text(f"  note: {printable(complaint)}", "yellow"), soft_wrap=True)


def _print_alike(console: Console, group: Alike, names: Names) -> None:
    line = Text(f"{len(group.results)} domains ")
    line.append(group.word.upper(), _STYLES.get(group.word, "dim"))
    line.append(f"  {printable(group.sentence)}")
    console.print(line, soft_wrap=True)
    who = names.some([one if isinstance(one, Failed) else one.audited for one in group.results])
    depths = Counter(one.verdict.depth for one in group.audited)
    by = ", ".join(f"{depths[depth]} by {depth}" for depth in Depth if depths[depth])
    console.print(Text(f"  {who}" + (f"  ({by})" if by else "")), soft_wrap=True)
    if group.ticket is None and group.allowed:
        few = ", ".join(f"{name} ({number})" for name, number in group.allowed.items())
        console.print(Text(f"  changed as expected or allowed: {few}"), soft_wrap=True)
    if group.ticket is not None:
        console.print(Text(f'  Ticket: "{printable(group.ticket)}"'), soft_wrap=True)
    for complaint, number in group.complaints.items():
        told = f"  note, of {number}: {printable(complaint)}"
        console.print(Text(told, "yellow"), soft_wrap=True)


def print_changes(console: Console, audited: Audited) -> None:
    """Print before and now of what differs, the rest by name, and the sentence for a ticket."""
    rows = story.changed(audited)
    if rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("", "before", "now", ""):
            table.add_column(title, overflow="fold", header_style="bold")
        for row in rows:
            style = _NOTE_STYLES.get(row.note, "dim")
            table.add_row(
                Text(f"  {row.name}"),
                Text(printable(row.before)),
                Text(printable(row.now)),
                Text(row.note, style),
            )
        print_table(console, table)
    same = story.equal(audited)
    if same:
        console.print(Text(f"  same: {', '.join(same)}"), soft_wrap=True)
    for why, names in story.uncompared(audited).items():
        told = f"  not compared: {', '.join(names)}: {printable(why)}"
        console.print(Text(told, "yellow"), soft_wrap=True)
    since = {row.name for row in rows}
    for finding in audited.verdict.findings:
        if finding.outcome is Outcome.FAIL and finding.check.removeprefix("same-") not in since:
            console.print(
                Text(f"  {finding.check}: {printable(finding.sentence)}", "bold red"),
                soft_wrap=True,
            )
    if audited.verdict.decision is not Decision.VERIFIED:
        console.print(Text(f'  Ticket: "{printable(story.ticket(audited))}"'), soft_wrap=True)


def print_failed(console: Console, failed: Failed) -> None:
    """Print a domain that could not be looked at."""
    line = Text(printable(failed.name) + " ")
    line.append("FAILED", "yellow")
    line.append(f"  {printable(failed.error)}")
    console.print(line, soft_wrap=True)


def print_kept(
    console: Console, results: Sequence[Confirmed | Failed], *, each: bool = True
) -> None:
    """Print of which domains a baseline was taken.

    Without ``each`` what is to be said of several domains is said once, with their names.
    """
    names = Names([one if isinstance(one, Failed) else one.audited for one in results])
    groups: dict[object, list[Confirmed | Failed]] = {}
    for result in results:
        own = id(result) if each or isinstance(result, Failed) else None
        key = None if isinstance(result, Failed) else (_kept(result), result.complaints)
        groups.setdefault((key, own), []).append(result)
    for same in groups.values():
        first = same[0]
        if isinstance(first, Failed):
            print_failed(console, first)
            continue
        several = len(same) > 1
        line = Text(f"{len(same)} domains  " if several else f"{called(first.audited)}  ")
        line.append(
            "baseline taken" if first.kept else "NO BASELINE", None if first.kept else "yellow"
        )
        line.append(f"  {_kept(first)}" if several else f"  {_kept(first, dated=True)}")
        console.print(line, soft_wrap=True)
        if several:
            who = names.some([one.audited for one in same if isinstance(one, Confirmed)])
            console.print(Text(f"  {who}"), soft_wrap=True)
        for complaint in first.complaints:
            console.print(Text(f"  note: {printable(complaint)}", "yellow"), soft_wrap=True)


def _kept(result: Confirmed, *, dated: bool = False) -> str:
    """Say how deep a baseline goes, where it was taken, and what becomes of the one before."""
    case = result.audited.case
    told = printable(f"by {result.audited.verdict.depth}, on {case.host}")
    if isinstance(case.baseline, Missing):
        return told
    one = f"that of {times.day(case.baseline.taken)}" if dated else "an older one"
    return f"{told}; replaces {one}" if result.kept else f"{told}; {one} stays"


def exit_code(results: Sequence[Confirmed | Failed], unreachable: int, most: int = 0) -> int:
    """Return the exit code of ``verify``: more than ``most`` mismatches are one."""
    words = [_word(result) for result in results]
    if words.count("mismatch") > most:
        return MISMATCH
    lacking = any(word not in {"verified", "mismatch"} for word in words)
    return UNREACHABLE if unreachable else UNVERIFIED if lacking else VERIFIED


def kept_exit_code(results: Sequence[Confirmed | Failed], unreachable: int) -> int:
    """Return the exit code of ``baseline``."""
    lacking = any(isinstance(result, Failed) or not result.kept for result in results)
    return UNREACHABLE if unreachable else UNVERIFIED if lacking else VERIFIED


def _word(result: Confirmed | Failed) -> str:
    return decision(result if isinstance(result, Failed) else result.audited)


def render(results: Sequence[Confirmed | Failed], code: int) -> str:
    """Return verifications as JSON."""
    form = {
        "schema": _SCHEMA,
        "exit_code": code,
        "domains": [_form(result) for result in results],
    }
    return document("verify", form)


def _form(result: Confirmed | Failed) -> dict[str, Any]:
    form = confirmed_form(result)
    if isinstance(result, Failed):
        return form
    case = result.audited.case
    return form | {
        "host": case.host,
        "headline": story.headline(case),
        "ticket": story.ticket(result.audited),
    }
