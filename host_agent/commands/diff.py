"""The command ``diff``."""

import difflib
from collections.abc import Collection
from pathlib import Path

import click

from host_agent.atlas import diff as atlas_diff
from host_agent.atlas.code import differing_code
from host_agent.commands.shared import completion
from host_agent.commands.shared.atlases import named
from host_agent.commands.shared.console import destination
from host_agent.commands.shared.loudness import loudness
from host_agent.commands.shared.options import formats
from host_agent.errors import UsageError
from host_agent.output import atlas as atlas_output


@click.command(
    "diff",
    epilog="\b\nExamples:\n"
    "  samemachine diff debian:bookworm debian:trixie\n"
    "  samemachine diff node17.json.xz live          from that host to this one\n"
    "  samemachine diff live debian:trixie --type pc-q35-7.2 --verbose\n"
    "  samemachine diff debian:bookworm debian:trixie --type pc-q35-7.2 --acpi | less\n"
    "  samemachine diff a.json b.json --format json | jq '.differences[].effect'\n"
    "\n\b\nExit codes:\n  0  a guest sees no difference\n"
    "  1  a guest sees one, or its machine type is gone\n"
    "  2  usage, or an atlas that can't be read",
)
@click.argument("old", metavar="A", shell_complete=completion.atlas)
@click.argument("new", metavar="B", shell_complete=completion.atlas)
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="only this machine type; repeatable"
)
@click.option("--qemu", metavar="BINARY", help="the QEMU that 'live' means  [default: this host's]")
@click.option("-v", "--verbose", is_flag=True, help="every type by name, and the sources")
@click.option(
    "--acpi",
    "code",
    is_flag=True,
    help="also what differs in the ACPI code of one --type, line by line (needs iasl)",
)
@loudness
@formats
def diff_command(
    old: str,
    new: str,
    types: tuple[str, ...],
    qemu: str | None,
    form: str,
    output: Path | None,
    *,
    verbose: bool,
    code: bool,
) -> int:
    """Show what a guest would find different under another QEMU, before anything moves.

    A and B are atlases: files of 'samemachine probe', 'live' for this host's QEMU, or shipped ones
    such as debian:trixie or debian:trixie:aarch64.
    """
    if code and (len(types) != 1 or form != "text"):
        raise UsageError("--acpi shows one machine type, as text: name it with --type")
    before, after = named(old, qemu), named(new, qemu)
    if before.made.architecture != after.made.architecture:
        raise UsageError(
            f"{old} is of {before.made.architecture}, {new} of {after.made.architecture}: "
            "no machine type of the one is one of the other"
        )
    both = {machine.name for machine in (*before.machines, *after.machines)}
    for name in types:
        if name not in both:
            raise UsageError(
                f"neither {old} nor {new} has a machine type {name!r}; near it: {_near(name, both)}"
            )
    diff = atlas_diff.compare(before, after, types)
    result = atlas_output.diff_exit_code(diff)
    with destination(output, shared=True) as console:
        if form == "json":
            console.file.write(atlas_output.render_diff(diff, result))
        else:
            atlas_output.print_diff(console, diff, verbose=verbose)
            for line in differing_code(before, after, types[0]) if code else ():
                console.file.write(f"{line}\n")
    return result


COMMANDS = (diff_command,)


def _near(name: str, names: Collection[str]) -> str:
    return ", ".join(difflib.get_close_matches(name, names)) or "none"
