"""The 3 a.m. screen: what happened to a domain, as text and as JSON."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent import times
from host_agent.case.results import Failed
from host_agent.output.shared.counting import decision
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import MISMATCH, UNREACHABLE, UNVERIFIED, VERIFIED
from host_agent.output.shared.forms import domain_form
from host_agent.output.shared.names import called
from host_agent.output.shared.tables import print_table
from host_agent.output.verify import print_changes, print_failed
from host_agent.printable import printable
from host_agent.verify import story as stories
from host_agent.verify.story import Story

_SCHEMA = 1


def print_why(console: Console, story: Story) -> None:
    """Print the timeline, before and now, and one sentence for a ticket."""
    if story.result is None:
        console.print(Text(f"{printable(story.name)}: {printable(story.sentence or '')}"))
    elif isinstance(story.result, Failed):
        print_failed(console, story.result)
    else:
        audited = story.result
        word = audited.verdict.decision or "not running"
        console.print(
            Text(
                f"{called(audited)} {word.upper()}  {printable(stories.headline(audited.case))}",
                "bold",
            ),
            soft_wrap=True,
        )
        print_changes(console, audited)
        if word == "verified":
            console.print(Text(f'  Ticket: "{printable(stories.ticket(audited))}"'), soft_wrap=True)
    console.print()
    if not story.events:
        console.print("no history: nothing was verified or recorded before")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("WHEN", "HOST", "QEMU", "WHAT", "VERDICT"):
        table.add_column(title, overflow="fold", header_style="bold")
    for event in story.events:
        cells = (event.host, event.qemu or "-", event.occasion, event.verdict)
        table.add_row(times.day(event.time), *(Text(printable(cell)) for cell in cells))
    print_table(console, table)


def render(story: Story, code: int) -> str:
    """Return all of it as JSON."""
    form: dict[str, Any] = {
        "schema": _SCHEMA,
        "exit_code": code,
        "name": story.name,
        "time": story.time,
        "sentence": story.sentence,
        "host": None if story.audit is None else asdict(story.audit.host),
        "domain": None if story.result is None else domain_form(story.result),
        "events": [asdict(event) for event in story.events],
        "history": [asdict(entry) for entry in story.history],
    }
    if story.result is not None and not isinstance(story.result, Failed):
        form["headline"] = stories.headline(story.result.case)
        form["ticket"] = stories.ticket(story.result)
    return document("why", form, other=str)


def exit_code(story: Story, *, unreachable: bool = False) -> int:
    """Return the exit code; unreachable: no host could be asked where the domain may be."""
    if unreachable:
        return UNREACHABLE
    if story.result is None:
        return UNVERIFIED
    word = decision(story.result)
    return {"verified": VERIFIED, "mismatch": MISMATCH}.get(word, UNVERIFIED)
