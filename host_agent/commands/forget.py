"""The command ``forget``."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.console import plain
from host_agent.commands.shared.hosts import uris_or_default
from host_agent.commands.shared.ledgers import open_ledger
from host_agent.commands.shared.loudness import debug_option
from host_agent.commands.shared.options import formats, ledger_option
from host_agent.commands.shared.telling import Page, printed, tell
from host_agent.errors import UsageError
from host_agent.output import forget as forget_output
from host_agent.records.forget import Options, forget
from host_agent.records.remembered import Forgotten, Remembered
from host_agent.records.upgrade_journal import UpgradeJournal

if TYPE_CHECKING:
    from rich.console import Console


@click.command(
    "forget",
    epilog="\b\nExamples:\n"
    "  samemachine forget vm1 --dry-run       what is kept of it\n"
    "  samemachine forget vm1 --yes\n"
    "  samemachine forget 7c1f0000-0000-4000-8000-000000000001    one that is gone\n"
    "\n\b\nExit codes:\n  0  forgotten, or nothing was kept\n"
    "  2  usage, or refused: a machine-type upgrade is under way\n"
    "  4  libvirt or the ledger can't be reached, or something could not be removed\n"
    "  130  interrupted: the domains that were done by then are told",
)
@click.argument(
    "domains", nargs=-1, required=True, metavar="DOMAIN...", shell_complete=completion.domains
)
@click.option("-c", "--connect", "uri", metavar="URI", help="the host  [default: this host]")
@click.option("--dry-run", is_flag=True, help="look at everything, remove nothing")
@click.option("-y", "--yes", is_flag=True, help="do not ask")
@ledger_option
@debug_option
@formats
def forget_command(
    domains: tuple[str, ...],
    uri: str | None,
    ledger: str | None,
    form: str,
    output: Path | None,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    """Remove all that is kept of domains: baseline, history, journal of upgrades.

    DOMAIN may be one that is gone, which only history knows. The domain itself is not touched, and
    what was sent to the system's journal stays there. A 'samemachine serve' that runs takes a new
    baseline at its next start or arrival.
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("nobody can be asked here: say --yes, or --dry-run to look only")

    def agree(kept: Sequence[Remembered], place: str) -> bool:
        if yes:
            return True
        # Standard output is for what was done.
        forget_output.print_kept(plain(stderr=True), kept, place)
        return click.confirm("Remove it?", err=True)

    (where,) = uris_or_default((uri,) if uri else ())
    options = Options(uri=where, names=domains, dry_run=dry_run)
    report = forget(options, open_ledger(ledger), UpgradeJournal(), agree)
    code = forget_output.exit_code(report)

    def told(console: "Console", results: Sequence[Forgotten]) -> Page:
        shown = replace(report, results=tuple(results))
        if form == "json":
            return forget_output.render(shown, code), code
        return printed(console, lambda: forget_output.print_report(console, shown)), code

    return tell(output, report.results, told, _untold)


def _untold(result: Forgotten, why: str) -> Forgotten:
    one = Remembered(name=result.remembered.name, uuid=result.remembered.uuid)
    return Forgotten(remembered=one, errors=(f"what was done can't be told: {why}",))


COMMANDS = (forget_command,)
