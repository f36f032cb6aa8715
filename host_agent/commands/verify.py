"""The commands ``baseline`` and ``verify``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_agent.case.results import Confirmed, Failed
from host_agent.commands.shared import completion
from host_agent.commands.shared.console import complain, progress
from host_agent.commands.shared.hosts import targets, uris_or_default, whereabouts
from host_agent.commands.shared.ledgers import ready_ledger
from host_agent.commands.shared.options import (
    EXITS,
    connections,
    connections_and,
    ledger_option,
    privacy_option,
)
from host_agent.commands.shared.side_by_side_hosts import side_by_side_options
from host_agent.commands.shared.telling import Page, printed, tell, untold
from host_agent.errors import LibvirtError, NoDomainError, UsageError
from host_agent.output import for_machines
from host_agent.output import verify as verify_output
from host_agent.output.shared.exit_codes import INTERRUPTED, UNREACHABLE, VERIFIED
from host_agent.output.shared.of_hosts import of_confirmed
from host_agent.times import FORMS, parse_past
from host_agent.verify import why
from host_agent.verify.verify import Options, verify

if TYPE_CHECKING:
    from rich.console import Console

    from host_agent.records.ledger import Ledger


@click.command(
    "baseline",
    epilog="\b\nExamples:\n"
    "  samemachine baseline vm1                before a migration or an upgrade\n"
    "  samemachine baseline --all              every running domain\n"
    "\n\b\nExit codes:\n  0  taken\n  2  usage or configuration\n"
    "  3  a domain could not give the evidence\n  4  libvirt can't be reached",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option("--all", "everything", is_flag=True, help="all running domains")
@ledger_option
@privacy_option
@side_by_side_options
@connections
def baseline_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    timeout: float,
    ledger: str | None,
    form: str,
    output: Path | None,
    *,
    probe: bool,
    everything: bool,
    clear_identifiers: bool,
) -> int:
    """Record what domains are now, as what they must still be later.

    The baseline is kept in the domain's metadata, which libvirt carries along in a migration; a
    copy is kept in the ledger. It is replaced whenever a verification passes; use this command to
    accept a change that was wanted.
    """
    _some(domains, everything=everything)
    options = Options(
        names=domains,
        seconds=timeout,
        probe=probe,
        accept=True,
        clear_identifiers=clear_identifiers,
    )
    came = _run(uris, options, ready_ledger(ledger), ledger)

    def told(console: "Console", results: Sequence[Confirmed | Failed]) -> Page:
        code = came.code(verify_output.kept_exit_code(results, len(came.unreachable)))
        if form == "json":
            return verify_output.render(results, code), code
        each = bool(domains)
        return printed(console, lambda: verify_output.print_kept(console, results, each=each)), code

    return tell(output, came.results, told, untold, for_people=form == "text")


@click.command(
    "verify",
    epilog="\b\nExamples:\n"
    "  samemachine verify vm1 --wait 60         after a migration or a restart\n"
    "  samemachine verify --all\n"
    "  samemachine verify --arrived-since 2h    everything that came to this host since\n"
    "  samemachine verify --all --inventory hosts.toml --group rack1\n"
    "  samemachine verify --arrived-since 02:00 --max-mismatch 0 && echo go on\n"
    f"\n{EXITS}",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option("--all", "everything", is_flag=True, help="all running domains")
@click.option(
    "--wait",
    type=click.FloatRange(0, 86400),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="how long to wait for a guest that does not answer yet",
)
@click.option(
    "--arrived-since",
    metavar="TIME",
    help=f"only domains that came to this host by migration since then: {FORMS}",
)
@click.option(
    "--max-mismatch",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="exit 0 with up to N mismatches",
)
@click.option("-v", "--verbose", is_flag=True, help="each domain by itself, also of many alike")
@ledger_option
@privacy_option
@side_by_side_options
@connections_and(*for_machines.FORMS)
def verify_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    timeout: float,
    ledger: str | None,
    form: str,
    output: Path | None,
    wait: float,
    arrived_since: str | None,
    max_mismatch: int,
    *,
    probe: bool,
    everything: bool,
    verbose: bool,
    clear_identifiers: bool,
) -> int:
    """Hold domains against their baselines: did this move or this restart go well?

    What happened (arrival, restart, nothing) is seen from the evidence. A verification that passes
    renews the baseline.
    """
    since = None
    if arrived_since is not None:
        since = parse_past(arrived_since, datetime.now().astimezone())
    else:
        _some(domains, everything=everything)
    options = Options(
        names=domains,
        seconds=timeout,
        probe=probe,
        wait=wait,
        since=since,
        clear_identifiers=clear_identifiers,
    )
    came = _run(uris, options, ready_ledger(ledger), ledger)

    def told(console: "Console", results: Sequence[Confirmed | Failed]) -> Page:
        code = came.code(verify_output.exit_code(results, len(came.unreachable), max_mismatch))
        if form == "json":
            return verify_output.render(results, code), code
        if form != "text":
            return for_machines.page(form, of_confirmed(results), came.unreachable, code)
        return printed(console, lambda: print_(console, results, code)), code

    def print_(console: "Console", results: Sequence[Confirmed | Failed], code: int) -> None:
        verify_output.print_verified(console, results, each=verbose or bool(domains))
        if not results and code == VERIFIED:
            console.print("nothing to verify")

    return tell(output, came.results, told, untold, for_people=form == "text")


COMMANDS = (baseline_command, verify_command)


def _some(domains: Sequence[str], *, everything: bool) -> None:
    if bool(domains) == everything:
        raise UsageError("name the domains, or say --all")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """What came of verifying domains."""

    results: list[Confirmed | Failed]
    unreachable: list[str]
    interrupted: bool

    def code(self, code: int) -> int:
        """Return the exit code of a command that would have ended with this one."""
        return INTERRUPTED if self.interrupted else code


def _run(
    uris: tuple[str, ...], options: Options, ledger: "Ledger | None", url: str | None
) -> _Came:
    results: list[Confirmed | Failed] = []
    try:
        where = whereabouts(uris, options.names)
        unreachable = list(where.unreachable)
        # A definition that stayed behind where its domain left is nothing to verify.
        asked = {
            place.uri: replace(options, names=place.running, elsewhere=place.elsewhere)
            for place in where.places
            if place.running or not options.names
        }
        if len(targets(uris)) > 1:
            from host_agent.commands.shared.verified_hosts import verify_hosts

            results, came = verify_hosts(
                [one for one in targets(uris) if one.uri in asked],
                asked,
                url if ledger is not None else None,
                history=ledger is not None,
            )
            return _Came(
                results=results,
                unreachable=[*unreachable, *came.unreachable],
                interrupted=came.interrupted,
            )
        for uri, chosen in asked.items():
            try:
                with progress(uri) as told:
                    results += verify(uri, chosen, ledger, told)
            except LibvirtError as error:
                complain(str(error), UNREACHABLE)
                unreachable.append(uri)
    except KeyboardInterrupt:
        # Each domain is written to at once or not at all.
        raise SystemExit(
            complain("interrupted; the domains that were done by then are recorded", INTERRUPTED)
        ) from None
    except NoDomainError as error:
        raise _moved(ledger, uris_or_default(uris), error) from None
    return _Came(results=results, unreachable=unreachable, interrupted=False)


def _moved(ledger: "Ledger | None", uris: Sequence[str], error: NoDomainError) -> UsageError:
    """Say where a domain went, if the history of one of the hosts knows."""
    for uri in uris if ledger is not None else ():
        moved = None if ledger is None else why.moved(ledger, uri, error.name)
        if moved is not None:
            return UsageError(moved)
    return error
