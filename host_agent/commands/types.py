"""The command ``types``."""

from datetime import date
from pathlib import Path

import click

from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.commands.shared import completion
from host_agent.commands.shared.console import complain, destination
from host_agent.commands.shared.hosts import uris_or_default
from host_agent.commands.shared.loudness import loudness
from host_agent.commands.shared.options import formats
from host_agent.domain import architectures
from host_agent.errors import UsageError
from host_agent.machine_types import release_dates
from host_agent.machine_types.host_types import host_types
from host_agent.machine_types.listing import TypeList, of_atlas
from host_agent.machine_types.of_release import release_types
from host_agent.missing import Missing
from host_agent.output import types as types_output
from host_agent.output.shared.exit_codes import VERIFIED


@click.command(
    "types",
    epilog="\b\nExamples:\n"
    "  samemachine types                          this host's, and who uses which\n"
    "  samemachine types --host qemu+ssh://node2/system\n"
    "  samemachine types --release noble          what is known of a release\n"
    "  samemachine types --release debian:trixie --arch aarch64\n"
    "  samemachine types --atlas node17.json.xz --format json | jq '.lists[].types[].name'\n"
    "\n\b\nExit codes:\n  0  listed\n  1  a domain has a type that is not offered\n"
    "  2  usage, or nothing is known of the release\n  4  libvirt can't be reached",
)
@click.option(
    "-c",
    "--connect",
    "--host",
    "uri",
    metavar="URI",
    help="libvirt connection of the host  [default: as virsh has it, then qemu:///system]",
)
@click.option(
    "--release",
    metavar="RELEASE",
    shell_complete=completion.releases,
    help="a distribution's release instead: noble, ubuntu:24.04, debian:trixie, rhel:9.3",
)
@click.option(
    "--atlas",
    metavar="FILE",
    shell_complete=completion.atlas,
    help="a file of 'samemachine probe' instead, or a shipped atlas",
)
@click.option("--arch", metavar="ARCH", help="architecture of the guests  [default: the host's]")
@loudness
@formats
def types_command(
    uri: str | None,
    release: str | None,
    atlas: str | None,
    arch: str | None,
    form: str,
    output: Path | None,
) -> int:
    """List the machine types of a host, a release or an atlas, and how long each lasts.

    BASE is the QEMU whose machine a type is. GOES is when QEMU or the distribution drops it, as far
    as that is decided; SUPPORT ENDS is until when a distribution vouches for one of its own types.
    """
    if sum(one is not None for one in (uri, release, atlas)) > 1:
        raise UsageError("--host, --release and --atlas are three lists: choose one")
    if arch is not None and architectures.libvirts(arch) is None:
        raise UsageError(
            f"{arch!r} is no architecture that libvirt or QEMU knows; for example aarch64 (arm64), "
            "ppc64le (ppc64el), s390x, x86_64 (amd64)"
        )
    dates = release_dates.known()
    known = () if isinstance(dates, Missing) else dates
    if isinstance(dates, Missing):
        complain(f"no dates of support: {dates.sentence}; {dates.remedy}", VERIFIED)
    if release is not None:
        found = [release_types(release, arch, known)]
    elif atlas is not None:
        shipped = atlas_files.is_shipped_name(atlas)
        found = [of_atlas(_read(atlas, arch, shipped=shipped), known)]
    else:
        found = host_types(uri or uris_or_default(())[0], arch, known)
    _print_types(found, form, output)
    return types_output.exit_code(found)


COMMANDS = (types_command,)


def _print_types(found: list[TypeList], form: str, place: Path | None) -> None:
    with destination(place, shared=True) as console:
        if form == "json":
            console.file.write(types_output.render_types(found))
            return
        for number, one in enumerate(found):
            if number:
                console.print()
            types_output.print_types(console, one, date.today())


def _read(name: str, arch: str | None, *, shipped: bool) -> Atlas:
    if not shipped:
        return atlas_files.read(Path(name))
    return atlas_files.read_shipped(f"{name}:{arch}" if arch and name.count(":") < 2 else name)
