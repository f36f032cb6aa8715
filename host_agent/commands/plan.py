"""The command ``plan``."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.case.results import Failed
from host_agent.commands.shared import completion, default_uri
from host_agent.commands.shared.configured import Configured
from host_agent.commands.shared.console import complain, orderly_end, progress
from host_agent.commands.shared.hosts import uris_or_default
from host_agent.commands.shared.loudness import loudness
from host_agent.commands.shared.options import rehearse_option
from host_agent.commands.shared.rehearsed_qemu import rehearsed_qemu, under_each
from host_agent.commands.shared.telling import Page, printed, tell
from host_agent.domain.live_migration import CopyStorage
from host_agent.errors import UsageError
from host_agent.output import plan as plan_output
from host_agent.output import plan_document, plan_words
from host_agent.output.shared.exit_codes import UNREACHABLE
from host_agent.plan.facts import Hop, Options, Planned
from host_agent.plan.plan import plan
from host_agent.qemu.atlas_probe import survey

if TYPE_CHECKING:
    from rich.console import Console


@click.command(
    "plan",
    epilog="\b\nExamples:\n"
    "  samemachine plan --to debian:trixie                 before this host is upgraded\n"
    "  samemachine plan --to qemu+ssh://node2/system       before its domains move there\n"
    "  samemachine plan vm1 vm2 --to node2.json.xz         an atlas: samemachine probe --output\n"
    "  samemachine plan --to trixie,forky                  one after the other\n"
    "  samemachine plan -c qemu+ssh://n1/system -c qemu+ssh://n2/system --to ubuntu:noble\n"
    "  samemachine plan --to debian:trixie --format html --output plan.html\n"
    "  samemachine plan --to debian:trixie --rehearse --root /srv/trixie\n"
    "  samemachine plan --to trixie,forky --rehearse --root /srv/trixie --root /srv/forky\n"
    "\n\b\nExit codes:\n  0  all move live, or start there\n"
    "  1  something can't go, must be raised or restarted first, or the path is not supported\n"
    "  2  usage, or a target that is not known\n"
    "  3  of some it can't be told\n"
    "  4  a libvirt can't be reached",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option(
    "--to",
    "goals",
    required=True,
    metavar="TARGET",
    help="a libvirt URI, the file of an atlas, or a release (trixie, ubuntu:noble); several, "
    "one after the other, with commas",
)
@click.option(
    "-c",
    "--connect",
    "uris",
    cls=Configured,
    key="connect",
    multiple=True,
    metavar="URI",
    envvar=default_uri.VARIABLES,
    help="where the domains are; repeatable  [default: this host]",
)
@click.option(
    "--copy-storage",
    type=click.Choice([one.value for one in CopyStorage]),
    help="local disks are copied in the moves",
)
@click.option("--unsafe", is_flag=True, help="the target sees the very same disks")
@click.option(
    "--atlas",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="the target host's atlas, made there by 'samemachine probe --output FILE'",
)
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="the day of the move, for what is supported then  [default: today]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    metavar="N",
    help="how many domains to look at at the same time",
)
@click.option(
    "--probe/--no-probe",
    cls=Configured,
    key="probe",
    help="whether to ask this host's QEMU what it shows guests",
)
@rehearse_option("run the firmware on each domain's devices, here and under QEMU there")
@rehearsed_qemu("the target, where this host can run it", several=True)
@click.option("-v", "--verbose", is_flag=True, help="every finding of every domain")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="what to print",
)
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write there instead of to standard output",
)
@loudness
def plan_command(
    domains: tuple[str, ...],
    goals: str,
    uris: tuple[str, ...],
    copy_storage: str | None,
    atlas: Path | None,
    on: datetime | None,
    jobs: int,
    qemu: tuple[str, ...],
    root: tuple[Path, ...],
    rehearsal_timeout: float,
    form: str,
    file: Path | None,
    *,
    unsafe: bool,
    probe: bool,
    rehearse: bool,
    read_esp: bool,
    verbose: bool,
) -> int:
    """Say which domains can move or start there, which can't, and what to do first.

    For each domain, running or not: does it move live, must it be restarted, must its machine type
    be raised first (to which), or can't it go (why)? What will each guest see differently there, in
    which order is it done, and what was not looked at. Nothing is changed.
    """
    wanted = [goal.strip() for goal in goals.split(",")]
    if not all(wanted):
        raise UsageError(f"--to {goals!r} names a target that is empty")
    if atlas is not None and "://" not in wanted[0]:
        raise UsageError("--atlas is of a host that is a target: --to URI")
    options = Options(
        uris=uris_or_default(uris),
        goals=wanted,
        names=domains,
        at_once=jobs,
        copy_storage=CopyStorage(copy_storage) if copy_storage else None,
        unsafe=unsafe,
        on=(on or datetime.now(UTC).astimezone()).date(),
        atlas=None if atlas is None else atlas_files.read(atlas),
        under=under_each(
            qemu, root, rehearsal_timeout, len(wanted), rehearse=rehearse, read_esp=read_esp
        ),
    )
    with orderly_end(), progress("looking at domains") as told:
        found = plan(options, _asked if probe else None, told)
    for sentence in found.unreachable:
        complain(sentence, UNREACHABLE)

    def page(console: "Console", planned: Sequence[_OfHop]) -> Page:
        hops = (
            replace(hop, planned=tuple(one for of, one in planned if of is hop))
            for hop in found.hops
        )
        shown = replace(found, hops=tuple(hops))
        code = plan_words.exit_code(shown)
        if form == "json":
            return plan_document.render(shown, code), code
        if form == "html":
            return plan_document.page(shown), code
        return printed(
            console, lambda: plan_output.print_plan(console, shown, code, verbose=verbose)
        ), code

    return tell(file, [(hop, one) for hop in found.hops for one in hop.planned], page, _untold)


COMMANDS = (plan_command,)


_OfHop = tuple[Hop, Planned | Failed]


def _untold(planned: _OfHop, why: str) -> _OfHop:
    hop, one = planned
    error = f"what was found can't be told: {why}"
    if isinstance(one, Failed):
        return hop, replace(one, error=error)
    return hop, Failed(name=one.name, uuid=str(one.definition.uuid), error=error)


def _asked(emulator: str, types: tuple[str, ...]) -> Atlas:
    with progress(f"probing {emulator}") as told:
        return survey(emulator, types, told)
