"""What was forgotten of domains, as text for people, and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import INTERRUPTED, UNREACHABLE, USAGE, VERIFIED
from host_agent.printable import printable
from host_agent.records.remembered import Forgetting, Forgotten, Remembered

_SCHEMA = 1


def exit_code(report: Forgetting) -> int:
    """Return the exit code."""
    if report.interrupted:
        return INTERRUPTED
    if any(result.errors for result in report.results):
        return UNREACHABLE
    if not report.agreed or any(result.remembered.refused for result in report.results):
        return USAGE
    return VERIFIED


def print_kept(console: Console, kept: Sequence[Remembered], ledger: str) -> None:
    """Print what is kept of domains, before anybody says yes."""
    for one in kept:
        _print_kept(console, one, ledger)


def print_report(console: Console, report: Forgetting) -> None:
    """Print what was removed of each domain."""
    for result in report.results:
        _print_result(console, result, report)
    if report.dry_run or not report.agreed:
        console.print("nothing was removed")
    if report.interrupted:
        console.print("interrupted; the domains above are forgotten, no other was touched")


def render(report: Forgetting, code: int) -> str:
    """Return it as JSON."""
    form = {
        "schema": _SCHEMA, "exit_code": code, "dry_run": report.dry_run, "ledger": report.ledger,
        "interrupted": report.interrupted,
        "domains": [_form(result, report.ledger or "") for result in report.results],
    }  # fmt: skip
    return document("forget", form)


def _form(result: Forgotten, ledger: str) -> dict[str, Any]:
    one = result.remembered
    return {
        "name": one.name,
        "uuid": one.uuid,
        "here": one.here,
        "kept": list(one.parts(ledger)),
        "removed": list(result.removed),
        "errors": list(result.errors),
        "refused": one.refused,
        "remedy": one.remedy,
    }


def _called(one: Remembered) -> str:
    gone = "" if one.here else "  (not on this host any more)"
    return f"{printable(one.name)}  {one.uuid}{gone}"


def _print_kept(console: Console, one: Remembered, ledger: str) -> None:
    console.print(Text(_called(one)), soft_wrap=True)
    if one.refused:
        console.print(Text(f"  REFUSED  {printable(one.refused)}", "yellow"), soft_wrap=True)
        if one.remedy:
            console.print(Text(f"  -> {printable(one.remedy)}"), soft_wrap=True)
        return
    if not one.anything:
        console.print("  nothing is kept of it")
    for part in one.parts(ledger):
        console.print(Text(f"  {printable(part)}"), soft_wrap=True)


def _print_result(console: Console, result: Forgotten, report: Forgetting) -> None:
    if not result.removed and not result.errors:
        _print_kept(console, result.remembered, report.ledger or "")
        return
    console.print(Text(_called(result.remembered)), soft_wrap=True)
    for part in result.removed:
        console.print(Text(f"  removed: {printable(part)}", "green"), soft_wrap=True)
    for error in result.errors:
        console.print(Text(f"  STAYS    {printable(error)}", "yellow"), soft_wrap=True)
