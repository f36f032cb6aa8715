"""The command ``enroll``."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.console import complain, plain
from host_agent.commands.shared.hosts import whereabouts
from host_agent.commands.shared.loudness import loudness
from host_agent.commands.shared.options import formats
from host_agent.commands.shared.telling import Page, printed, tell
from host_agent.errors import LibvirtError, UsageError
from host_agent.guest.enroll import Options, enroll
from host_agent.guest.enroll_plan import Enrolled, Enrollment, Plan, Planned, Wish
from host_agent.output import enroll as enroll_output
from host_agent.output.shared.exit_codes import UNREACHABLE

if TYPE_CHECKING:
    from rich.console import Console


@click.command(
    "enroll",
    epilog="\b\nExamples:\n"
    "  samemachine enroll vm1 --dry-run       what would change\n"
    "  samemachine enroll --all --yes         every domain that libvirt alone manages\n"
    "  samemachine enroll vm1 --live          at once, where it changes no hardware\n"
    "  samemachine enroll vm1 --remove\n"
    "\n\b\nExit codes:\n  0  enrolled, or there was nothing to do\n"
    "  2  usage, or a domain was refused: it was not touched\n"
    "  4  libvirt can't be reached, or refused it\n"
    "  130  interrupted: the domains that were done by then are told",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option("--all", "everything", is_flag=True, help="all domains, running or not")
@click.option(
    "--live",
    is_flag=True,
    help="also the running guest, where a virtio-serial controller with a free port is there "
    "already",
)
@click.option("--remove", is_flag=True, help="take the channel away again")
@click.option("--dry-run", is_flag=True, help="look at everything, change nothing")
@click.option("-y", "--yes", is_flag=True, help="do not ask")
@click.option(
    "-c",
    "--connect",
    "uris",
    multiple=True,
    metavar="URI",
    help="libvirt connection; repeatable  [default: as virsh has it, then qemu:///system]",
)
@loudness
@formats
def enroll_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    form: str,
    output: Path | None,
    *,
    everything: bool,
    live: bool,
    remove: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Give domains the channel over which their guests are asked: org.samemachine.guest.0.

    The definition changes, so it applies at the next full stop and start; nothing else of it is
    touched. A domain that Nova, oVirt, KubeVirt, OpenNebula, CloudStack, TrueNAS, ZStack or Unraid
    manages is left, and that one's own way is named. A domain that is enrolled already stays as
    it is.
    """
    if bool(domains) == everything:
        raise UsageError("name the domains, or say --all")
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError("nobody can be asked here: say --yes, or --dry-run to look only")
    wish = Wish(remove=remove, live=live)
    options = Options(names=domains, wish=wish, dry_run=dry_run)

    def agree(host: str, planned: Sequence[Planned]) -> bool:
        if yes:
            return True
        # Standard output is for what was done.
        enroll_output.print_plans(plain(stderr=True), host, planned, remove=remove)
        return click.confirm("Go on?", err=True)

    where = whereabouts(uris, domains)
    reports: list[Enrollment] = []
    unreachable = len(where.unreachable)
    for place in where.places:
        # A definition that stayed behind where its domain left is left alone.
        names = place.running if domains else ()
        if domains and not names:
            continue
        try:
            reports.append(enroll(place.uri, replace(options, names=names), agree))
        except LibvirtError as error:
            complain(str(error), UNREACHABLE)
            unreachable += 1
        if reports and reports[-1].interrupted:
            break

    def told(console: "Console", found: Sequence[_OfHost]) -> Page:
        shown = [
            replace(report, results=tuple(one for of, one in found if of is report))
            for report in reports
        ]
        code = enroll_output.exit_code(shown, unreachable, everything=everything)
        if form == "json":
            return enroll_output.render(shown, code), code
        pages = (
            printed(console, partial(enroll_output.print_report, console, one)) for one in shown
        )
        return "".join(pages), code

    found = [(report, one) for report in reports for one in report.results]
    return tell(output, found, told, _untold)


COMMANDS = (enroll_command,)

_OfHost = tuple[Enrollment, Enrolled]


def _untold(found: _OfHost, why: str) -> _OfHost:
    report, one = found
    planned = Planned(name=one.planned.name, uuid=one.planned.uuid, definition=None, plan=Plan())
    return report, Enrolled(
        planned=planned, done=one.done, error=f"what was done can't be told: {why}"
    )
