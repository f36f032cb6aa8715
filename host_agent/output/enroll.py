"""What became of domains that were to be enrolled, as text for people, and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from host_agent.guest.enroll_plan import Enrolled, Enrollment, Planned
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import INTERRUPTED, UNREACHABLE, USAGE, VERIFIED
from host_agent.output.shared.names import whose
from host_agent.printable import printable

_SCHEMA = 1


def exit_code(reports: Sequence[Enrollment], unreachable: int = 0, *, everything: bool) -> int:
    """Return the exit code; ``everything``: no domain was named, so foreign ones are no error."""
    results = [result for report in reports for result in report.results]
    if any(report.interrupted for report in reports):
        return INTERRUPTED
    if any(result.error for result in results):
        return UNREACHABLE
    refused = [result.planned.plan for result in results if result.planned.plan.refused]
    if any(not (plan.foreign and everything) for plan in refused):
        return USAGE
    if not all(report.agreed for report in reports):
        return USAGE
    return UNREACHABLE if unreachable else VERIFIED


def print_plans(console: Console, host: str, planned: Sequence[Planned], *, remove: bool) -> None:
    """Print what is to be done on a host, before anybody says yes."""
    number = sum(one.plan.changes for one in planned)
    what = "lose the channel" if remove else "get the channel"
    console.print(
        Text(f"{printable(host)}: {number} of {len(planned)} domains will {what}", "bold"),
        soft_wrap=True,
    )
    for one in planned:
        _print_plan(console, one)


def print_report(console: Console, report: Enrollment) -> None:
    """Print what was done with each domain of a host."""
    for result in report.results:
        _print_result(console, result, report)
    left = sum(result.planned.plan.changes and not result.done for result in report.results)
    if report.dry_run:
        told = f"{printable(report.host)}: nothing was changed; {left} would be"
        console.print(Text(told), soft_wrap=True)
    elif not report.agreed:
        console.print(Text(f"{printable(report.host)}: nothing was changed"), soft_wrap=True)
    if report.interrupted:
        console.print("interrupted; the domains above are done, no other was touched")


def render(reports: Sequence[Enrollment], code: int) -> str:
    """Return it as JSON."""
    form = {
        "schema": _SCHEMA,
        "exit_code": code,
        "hosts": [
            {
                "host": report.host,
                "dry_run": report.dry_run,
                "removed": report.wish.remove,
                "interrupted": report.interrupted,
                "domains": [_form(result) for result in report.results],
            }
            for report in reports
        ],
    }
    return document("enroll", form)


def _form(result: Enrolled) -> dict[str, Any]:
    planned = result.planned
    plan = planned.plan
    return {
        "name": planned.name,
        "uuid": planned.uuid,
        "done": result.done,
        "changes": {"definition": plan.persistent, "running": plan.live},
        "refused": plan.refused,
        "remedy": plan.remedy,
        "foreign": plan.foreign,
        "notes": list(plan.said),
        "lines": list(result.changed or planned.foretold),
        "error": result.error,
    }


def _called(planned: Planned) -> str:
    who = whose(planned.definition) if planned.definition else ""
    return f"{printable(planned.name)}  {who}".rstrip()


def _print_plan(console: Console, planned: Planned) -> None:
    plan = planned.plan
    if not plan.changes:
        _print_unchanged(console, planned)
        return
    where = " and ".join(
        word
        for word, does in (("definition", plan.persistent), ("running guest", plan.live))
        if does
    )
    console.print(Text(f"{_called(planned)}  {where}"), soft_wrap=True)
    _print_lines(console, planned.foretold)
    for sentence in plan.said:
        console.print(Text(f"  {printable(sentence)}"), soft_wrap=True)


def _print_unchanged(console: Console, planned: Planned) -> None:
    plan = planned.plan
    line = Text(_called(planned) + "  ")
    if plan.refused is None:
        line.append(printable("; ".join(plan.said)))
        console.print(line, soft_wrap=True)
        return
    line.append("LEFT" if plan.foreign else "REFUSED", "yellow")
    line.append(f"  {printable(plan.refused)}")
    console.print(line, soft_wrap=True)
    if plan.remedy:
        console.print(Text(f"  -> {printable(plan.remedy)}"), soft_wrap=True)


def _print_result(console: Console, result: Enrolled, report: Enrollment) -> None:
    planned, plan = result.planned, result.planned.plan
    if result.error is not None:
        line = Text(_called(planned) + "  ")
        line.append("FAILED", "yellow")
        line.append(f"  {printable(result.error)}")
        console.print(line, soft_wrap=True)
        _print_lines(console, result.changed)
    elif not plan.changes:
        _print_unchanged(console, planned)
    elif result.done:
        line = Text(_called(planned) + "  ")
        line.append("enrolled" if not report.wish.remove else "no longer enrolled", "green")
        console.print(line, soft_wrap=True)
        _print_lines(console, result.changed)
        for sentence in plan.said:
            console.print(Text(f"  {printable(sentence)}"), soft_wrap=True)
    elif report.dry_run:
        _print_plan(console, planned)


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        style = "green" if line.startswith("+") else "red"
        console.print(Text(f"  {printable(line)}", style), soft_wrap=True)
