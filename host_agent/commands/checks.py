"""The command ``checks``."""

import difflib
from pathlib import Path

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.console import destination
from host_agent.commands.shared.options import formats
from host_agent.errors import UsageError
from host_agent.output import checks as checks_output
from host_agent.output.shared import manual_page
from host_agent.output.shared.exit_codes import VERIFIED


@click.command(
    "checks",
    epilog="\b\nExamples:\n"
    "  samemachine checks                   all of them, a line each\n"
    "  samemachine checks same-network      what it compares, its outcomes, what to do\n"
    "  samemachine checks same-cpu same-acpi\n"
    "\n\b\nExit codes:\n  0  printed\n  2  usage, or there is no such check",
)
@click.argument("ids", nargs=-1, metavar="[ID]...", shell_complete=completion.checks)
@formats
def checks_command(ids: tuple[str, ...], form: str, output: Path | None) -> int:
    """Say what the checks compare, what their outcomes mean, and what to do.

    ID is the name of a check, as it stands before each finding; none: all of them, a line each.
    Nothing is asked of any host. It is what samemachine-checks(7) says.
    """
    known = {one.id: one for one in manual_page.entries()}
    for name in ids:
        if name not in known:
            near = difflib.get_close_matches(name, known)
            meant = f"; did you mean {' or '.join(near)}?" if near else "."
            raise UsageError(f"there is no check {name!r}{meant} All: samemachine checks")
    chosen = [known[name] for name in dict.fromkeys(ids)] or list(known.values())
    with destination(output, shared=True) as console:
        if form == "json":
            console.file.write(checks_output.render(chosen))
        elif ids:
            for number, one in enumerate(chosen):
                if number:
                    console.print()
                checks_output.print_entry(console, one)
        else:
            checks_output.print_list(console, chosen)
    return VERIFIED


COMMANDS = (checks_command,)
