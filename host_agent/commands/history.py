"""The command ``history``."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.ledgers import open_ledger
from host_agent.commands.shared.options import formats, ledger_option
from host_agent.commands.shared.telling import Page, printed, tell
from host_agent.finding import Finding, Outcome
from host_agent.output import history as history_output
from host_agent.output.shared.exit_codes import VERIFIED
from host_agent.records.entry import Entry
from host_agent.times import FORMS, parse_past

if TYPE_CHECKING:
    from rich.console import Console


@click.command(
    "history",
    epilog="\b\nExamples:\n"
    "  samemachine history                      the newest entries of this host\n"
    "  samemachine history vm1 --since 3d\n"
    "  samemachine history --since '2026-03-02 04:00' --format json | jq '.entries[].verdict'\n"
    "  samemachine history --ledger postgresql://samemachine@db1/samemachine\n"
    "\n\b\nExit codes:\n  0  shown, whatever the verdicts were\n  2  usage or configuration\n"
    "  4  the ledger can't be read, or there is none",
)
@click.argument("domain", required=False, shell_complete=completion.domains)
@click.option("--since", metavar="TIME", help=f"nothing older: {FORMS}")
@click.option(
    "--limit",
    type=click.IntRange(1, 9999),
    default=50,
    show_default=True,
    metavar="N",
    help="no more than the newest N entries",
)
@ledger_option
@formats
def history_command(
    domain: str | None,
    since: str | None,
    limit: int,
    ledger: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Show the verdicts that were recorded, as a timeline: the newest last.

    DOMAIN is a name, a title (such as Nova's display name) or a UUID; none: all domains, also those
    that are gone. The ledger is only read.
    """
    start = None if since is None else parse_past(since, datetime.now().astimezone())
    opened = open_ledger(ledger)
    # One more than is shown tells whether there are more.
    entries = opened.history(domain, start, limit + 1)
    history = history_output.History(
        place=opened.place,
        domain=domain,
        since=start,
        entries=entries[-limit:],
        older=len(entries) > limit,
    )

    def told(console: "Console", entries: Sequence[Entry]) -> Page:
        shown = replace(history, entries=tuple(entries))
        if form == "json":
            return history_output.render(shown), VERIFIED
        return printed(console, lambda: history_output.print_history(console, shown)), VERIFIED

    return tell(output, history.entries, told, _untold)


def _untold(entry: Entry, why: str) -> Entry:
    trouble = Finding(
        check="domain",
        outcome=Outcome.UNKNOWN,
        sentence=f"what is recorded can't be told: {why}",
    )
    return Entry(
        time=0.0,
        host=entry.host,
        uuid=entry.uuid,
        name=entry.name,
        occasion=entry.occasion,
        verdict="failed",
        findings=(trouble,),
    )


COMMANDS = (history_command,)
