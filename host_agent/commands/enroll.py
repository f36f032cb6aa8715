"""The command ``enroll``."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.console import complain, destination, plain
from host_agent.commands.shared.options import formats, whereabouts
from host_agent.errors import LibvirtError, UsageError
from host_agent.guest.enroll import Options, enroll
from host_agent.guest.enroll_plan import Enrollment, Planned, Wish
from host_agent.output import enroll as enroll_output
from host_agent.output.shared.exit_codes import UNREACHABLE


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
    code = enroll_output.exit_code(reports, unreachable, everything=everything)
    with destination(output) as console:
        if form == "json":
            console.file.write(enroll_output.render(reports, code))
        else:
            for report in reports:
                enroll_output.print_report(console, report)
    return code


COMMANDS = (enroll_command,)
