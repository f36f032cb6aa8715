"""The commands of samemachine, loaded."""

import click

from host_agent.cli import cli

_CONTEXT = click.Context(cli)
COMMANDS = {
    name: command
    for name in cli.list_commands(_CONTEXT)
    if (command := cli.get_command(_CONTEXT, name)) is not None
}
