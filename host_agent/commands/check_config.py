"""The command ``check-config``."""

from pathlib import Path

import click

from host_agent.commands.shared import config
from host_agent.commands.shared.configured import command_words
from host_agent.commands.shared.ledgers import open_ledger
from host_agent.commands.shared.waiver_files import read_waivers
from host_agent.output.shared.exit_codes import VERIFIED


@click.command(
    "check-config",
    epilog="\b\nExamples:\n"
    "  samemachine check-config\n"
    "  samemachine check-config ./host.toml     before it goes to /etc/samemachine\n"
    "\n\b\nExit codes:\n  0  it can be used\n  2  it can't: the line and the key are named",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check_config_command(file: Path | None) -> int:
    """Check the configuration, and the files with waivers that it names.

    FILE is /etc/samemachine/host.toml where none is named. Nothing is connected to.
    """
    chosen = file or config.DEFAULT_PATH
    if file is None and not chosen.exists():
        click.echo(f"{chosen} is not there: everything has its default")
        return VERIFIED
    values = config.load(chosen)
    command_words(str(values.get("serve.exec", "")))
    if values.get("ledger"):
        # Only its form: nothing is opened yet.
        open_ledger(str(values["ledger"]))
    named = values.get("waive", ())
    for name in named if isinstance(named, tuple) else ():
        read_waivers(Path(name))
    keys = ", ".join(values)
    click.echo(f"{chosen} can be used; it sets {keys}" if keys else f"{chosen} sets nothing")
    return VERIFIED


COMMANDS = (check_config_command,)
