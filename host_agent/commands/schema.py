"""The command ``schema``."""

import click
from click.shell_completion import CompletionItem

from host_agent.commands.shared.console import standard_output
from host_agent.output import schemas
from host_agent.output.shared.exit_codes import VERIFIED


def _names(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in schemas.titles() if name.startswith(typed)]


@click.command(
    "schema",
    epilog="\b\nExamples:\n"
    "  samemachine schema                       the names, each with its commands\n"
    "  samemachine schema audit > audit.schema.json\n"
    "  samemachine schema urn:samemachine:schema:verify:1\n"
    "\n\b\nExit codes:\n  0  printed\n  2  usage, or there is no such schema",
)
@click.argument("name", required=False, shell_complete=_names)
def schema_command(name: str | None) -> int:
    """Print the JSON Schema of a command's JSON: which keys there are, and what they mean.

    NAME is a schema's, or what a document has as "$schema"; none: all names, a line each. Nothing
    is asked of any host.
    """
    console = standard_output()
    if name is not None:
        console.file.write(schemas.text(name))
        return VERIFIED
    for one, title in schemas.titles().items():
        console.file.write(f"{one:<12}  {title}\n")
    return VERIFIED


COMMANDS = (schema_command,)
