"""The command ``probe``."""

import time
from pathlib import Path

import click

from host_agent.atlas import atlas
from host_agent.atlas import files as atlas_files
from host_agent.commands.shared.atlases import surveyed
from host_agent.commands.shared.console import new_file, standard_output
from host_agent.commands.shared.loudness import loudness
from host_agent.commands.shared.options import root_option
from host_agent.output import atlas as atlas_output
from host_agent.qemu.session import SECONDS


@click.command(
    "probe",
    epilog="\b\nExamples:\n"
    "  samemachine probe                            this host's QEMU, every machine type\n"
    "  samemachine probe q35 pc-i440fx-6.2          two of them\n"
    "  samemachine probe --output node17.json.xz    the atlas as a file, for samemachine diff\n"
    "  samemachine probe --qemu /opt/qemu/bin/qemu-system-x86_64 --format json\n"
    "  samemachine probe --root /srv/noble --output noble.json.xz\n"
    "\n\b\nExit codes:\n  0  every type was probed\n  2  usage, or this QEMU can't be asked\n"
    "  3  some types could not be probed",
)
@click.argument("types", nargs=-1, metavar="[TYPE]...")
@click.option("--qemu", metavar="BINARY", help="the QEMU to ask  [default: this host's]")
@root_option("whose QEMU is asked (an unpacked container image, a debootstrap)")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="what one machine type may take",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="what to print; json is the atlas",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write the atlas there as JSON; compressed where the name ends with .xz or .gz",
)
@loudness
def probe_command(
    types: tuple[str, ...],
    qemu: str | None,
    root: Path | None,
    timeout: float,
    form: str,
    output: Path | None,
) -> int:
    """Ask QEMU what each machine type shows a guest: SMBIOS, ACPI, memory map, ROM sizes.

    QEMU is started paused, with no disk, network or guest, without rights and in its sandbox.
    TYPE is a machine type or an alias; none: all of them. Nothing is changed, and no KVM is needed.
    """
    clock = time.monotonic()
    made = surveyed(qemu, types, root, timeout)
    if output is not None:
        with new_file(output, shared=True) as file:
            file.write(atlas_files.compressed(atlas.to_text(made), output))
    console = standard_output()
    if form == "json":
        if output is None:
            console.file.write(atlas.to_text(made))
    else:
        atlas_output.print_atlas(console, made, time.monotonic() - clock)
    return atlas_output.atlas_exit_code(made)


COMMANDS = (probe_command,)
