"""The command ``why``."""

from dataclasses import replace
from pathlib import Path

import click

from host_agent.case.results import HostAudit
from host_agent.commands.shared import completion
from host_agent.commands.shared.console import complain, destination, new_file
from host_agent.commands.shared.hosts import whereabouts
from host_agent.commands.shared.ledgers import ready_ledger
from host_agent.commands.shared.loudness import quiet
from host_agent.commands.shared.options import EXITS, connections, ledger_option
from host_agent.errors import LibvirtError, UsageError
from host_agent.output import why as why_output
from host_agent.output.shared.exit_codes import VERIFIED
from host_agent.verify import why
from host_agent.verify.audit import Options as AuditOptions
from host_agent.verify.audit import audit
from host_agent.verify.verifier import kept_in


@click.command(
    "why",
    epilog="\b\nExamples:\n"
    "  samemachine why vm1\n"
    "  samemachine why vm1 --bundle vm1.json     all of it, for a bug report\n"
    f"\n{EXITS}",
)
@click.argument("domain", shell_complete=completion.domains)
@click.option(
    "--bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write all of it there as JSON",
)
@ledger_option
@connections
def why_command(
    domain: str,
    uris: tuple[str, ...],
    timeout: float,
    ledger: str | None,
    form: str,
    output: Path | None,
    bundle: Path | None,
    *,
    probe: bool,
) -> int:
    """Tell what happened to a domain: timeline, before and now, one sentence for the ticket.

    Works with a guest that is dead: then from the host's evidence alone. Nothing is changed.
    """
    history = ready_ledger(ledger)
    options = AuditOptions(names=(domain,), seconds=timeout, probe=probe, kept=kept_in(history))
    found, absent = _found(uris, options)
    story = why.tell(found, domain, history)
    if story is None:
        raise absent
    unreachable = found is None and isinstance(absent, LibvirtError)
    code = why_output.exit_code(story, unreachable=unreachable)
    if unreachable:
        complain(str(absent), code)
    if bundle is not None:
        with new_file(bundle) as file:
            file.write(why_output.render(story, code).encode())
    with destination(output) as console:
        if form == "json":
            console.file.write(why_output.render(story, code))
        elif not (quiet() and code == VERIFIED):
            why_output.print_why(console, story)
    return code


COMMANDS = (why_command,)


def _found(
    uris: tuple[str, ...], options: AuditOptions
) -> tuple[HostAudit | None, LibvirtError | UsageError]:
    """The audit of the host that runs the domain, or has it, else why none has it."""
    absent: LibvirtError | UsageError = UsageError("no connection was named")
    try:
        where = whereabouts(uris, options.names)
        absent = next(iter(where.unreachable.values()), absent)
        if where.places:
            place = min(where.places, key=lambda place: not place.running)
            asked = replace(options, names=place.names, elsewhere=place.elsewhere)
            return audit(place.uri, asked), absent
    except (LibvirtError, UsageError) as error:
        absent = error
    return None, absent
