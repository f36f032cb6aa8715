"""The command ``rehearse``."""

from pathlib import Path

import click

from host_agent.commands.shared import completion, default_uri
from host_agent.commands.shared.configured import Configured
from host_agent.commands.shared.console import destination
from host_agent.commands.shared.hosts import whereabouts
from host_agent.commands.shared.loudness import loudness
from host_agent.commands.shared.options import formats
from host_agent.commands.shared.rehearsed_qemu import rehearsed_qemu
from host_agent.domain.definition_edit import EditError, with_machine
from host_agent.errors import UsageError
from host_agent.output import rehearse as rehearse_output
from host_agent.verify.rehearse import Options, rehearse


@click.command(
    "rehearse",
    epilog="\b\nExamples:\n"
    "  samemachine rehearse vm1                         what it has, and what its next start will\n"
    "  samemachine rehearse vm1 --machine pc-q35-10.0   with another machine type\n"
    "  samemachine rehearse vm1 --root /srv/noble      with the QEMU of another system\n"
    "  samemachine rehearse vm1 --baseline             what its definition changed since then\n"
    "  samemachine rehearse vm1 --read-esp             with its loader, for what its TPM keeps\n"
    "\n\b\nExit codes:\n  0  the guest has what is made at a boot; the next start is told\n"
    "  1  the guest has another machine than would be made at a boot\n"
    "  2  usage or configuration\n  3  something could not be told\n"
    "  4  libvirt can't be reached",
)
@click.argument("domain", shell_complete=completion.domains)
@click.option("--machine", metavar="TYPE", help="the machine type of the next start")
@click.option(
    "--baseline", is_flag=True, help="hold the next start against the machine of its baseline"
)
@rehearsed_qemu("the next start")
@click.option(
    "-c",
    "--connect",
    "uris",
    cls=Configured,
    key="connect",
    multiple=True,
    metavar="URI",
    envvar=default_uri.VARIABLES,
    help="libvirt connection; repeatable  [default: as virsh has it, then qemu:///system]",
)
@click.option(
    "--timeout",
    cls=Configured,
    key="timeout",
    metavar="SECONDS",
    help="what one guest may take to answer",
)
@loudness
@formats
def rehearse_command(
    domain: str,
    machine: str | None,
    baseline: bool,
    qemu: str | None,
    root: Path | None,
    rehearsal_timeout: float,
    uris: tuple[str, ...],
    timeout: float,
    form: str,
    output: Path | None,
    *,
    read_esp: bool,
) -> int:
    """Rehearse a domain: run its firmware on its own devices, and say what its guest finds.

    A second QEMU has the domain's devices, and nothing of its disks and networks behind them.
    Nothing is changed.
    """

    def edit(xml: str) -> str:
        try:
            return xml if machine is None else with_machine(xml, machine)
        except EditError as error:
            raise UsageError(f"--machine: {error}") from error

    # A name that is none is said before anything is asked.
    edit("<domain><os><type machine='pc'/></os></domain>")
    where = whereabouts(uris, (domain,))
    if not where.places:
        raise next(iter(where.unreachable.values()), UsageError("no connection was named"))
    place = min(where.places, key=lambda place: not place.running)
    options = Options(
        seconds=timeout,
        rehearsal_seconds=rehearsal_timeout,
        qemu=qemu,
        root=root,
        edit=edit,
        baseline=baseline,
        read_esp=read_esp,
    )
    found = rehearse(place.uri, place.names[0] if place.names else domain, options)
    code = rehearse_output.exit_code(found)
    with destination(output) as console:
        if form == "json":
            console.file.write(rehearse_output.render(found, code))
        else:
            rehearse_output.print_rehearsal(console, found)
    return code


COMMANDS = (rehearse_command,)
