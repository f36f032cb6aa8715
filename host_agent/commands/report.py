"""The command ``report``."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from host_agent import given_file
from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.commands.shared.audit_run import run
from host_agent.commands.shared.console import complain
from host_agent.commands.shared.hosts import listed
from host_agent.commands.shared.ledgers import open_ledger
from host_agent.commands.shared.options import asking, ledger_option
from host_agent.commands.shared.side_by_side_hosts import side_by_side_options
from host_agent.commands.shared.telling import Page, tell
from host_agent.errors import LedgerError, LedgerMissingError, UsageError
from host_agent.machine_types import release_dates
from host_agent.missing import Missing
from host_agent.output import report_page
from host_agent.output.shared import recorded
from host_agent.output.shared.exit_codes import INTERRUPTED, UNREACHABLE, VERIFIED
from host_agent.records import audit_file
from host_agent.records.audited import AuditedDomain, AuditedHost, told_apart
from host_agent.records.entry import Entry
from host_agent.times import FORMS, parse_past
from host_agent.verify import fleet_support, two_hosts
from host_agent.verify.audit import Options

if TYPE_CHECKING:
    from rich.console import Console

_MOST_ENTRIES = 10_000


@click.command(
    "report",
    epilog="\b\nExamples:\n"
    "  samemachine report --output today.html         this host, audited now\n"
    "  samemachine audit -c qemu+ssh://node2/system --format json --output node2-audit.json\n"
    "  samemachine report node1-audit.json node2-audit.json --output fleet.html\n"
    "  samemachine report node1-audit.json node2-audit.json --atlas node2.json.xz > two.html\n"
    "  samemachine report -c qemu:///system -c qemu+ssh://node2/system --output both.html\n"
    "  samemachine report --inventory hosts.toml --group kvm --output fleet.html\n"
    "\n\b\nExit codes:\n  0  written, whatever the verdicts are\n"
    "  2  usage or configuration, or a file that is no audit\n"
    "  4  libvirt can't be reached, or the ledger can't be read; the page says so",
)
@click.argument(
    "files",
    nargs=-1,
    metavar="[FILE]...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--between",
    nargs=2,
    metavar="HOST HOST",
    help="which two hosts to compare  [default: those with the oldest and the newest QEMU]",
)
@click.option(
    "--atlas",
    "atlases",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="what a host's QEMU shows a guest, as 'samemachine probe' wrote it there; repeatable  "
    "[default: the shipped atlas of the same QEMU]",
)
@click.option(
    "--since",
    metavar="TIME",
    default="30d",
    show_default=True,
    help=f"no timeline older than that: {FORMS}",
)
@ledger_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="write there instead of to standard output",
)
@side_by_side_options
@asking
def report_command(
    files: tuple[Path, ...],
    uris: tuple[str, ...],
    timeout: float,
    between: tuple[str, str] | None,
    atlases: tuple[Path, ...],
    since: str,
    ledger: str | None,
    output: Path | None,
    *,
    probe: bool,
) -> int:
    """Report on hosts as one page: verdicts, timelines, support, two hosts compared.

    FILE is what 'samemachine audit --format json' wrote, also on another host; with none, and for
    each --connect or --inventory that is given, hosts are audited now. The page is HTML, and needs
    no other.
    """
    found = _gathered(files, uris, Options(seconds=timeout, probe=probe))
    start = parse_past(since, datetime.now().astimezone())
    history, notes, code = _history(ledger, start)
    pair = _pair(found.hosts, between)
    own = [atlas_files.read(file) for file in atlases]
    dates = release_dates.known()
    report = report_page.Report(
        made=time.time(),
        hosts=found.hosts,
        unreachable=found.unreachable,
        history=history,
        support=None
        if isinstance(dates, Missing)
        else fleet_support.of(found.hosts, dates, date.today()),
        diff=None
        if pair is None
        else two_hosts.compare(*pair, (_atlas(pair[0], own), _atlas(pair[1], own))),
        notes=(*found.notes, *notes, *((dates.sentence,) if isinstance(dates, Missing) else ())),
    )

    def told(_: "Console", shown: Sequence[_Found]) -> Page:
        hosts = tuple(
            replace(host, domains=tuple(one for of, one in shown if of is host))
            for host in found.hosts
        )
        return report_page.render(replace(report, hosts=hosts)), code

    every = [(host, domain) for host in found.hosts for domain in host.domains]
    tell(output, every, told, _untold)
    if found.interrupted:
        return INTERRUPTED
    return UNREACHABLE if found.unreachable else code


COMMANDS = (report_command,)

_Found = tuple[AuditedHost, AuditedDomain]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    hosts: tuple[AuditedHost, ...]
    unreachable: tuple[str, ...]
    notes: tuple[str, ...]
    interrupted: bool


def _gathered(files: Sequence[Path], uris: tuple[str, ...], options: Options) -> _Gathered:
    """Read files and audit hosts; of a host that was audited more than once the newest counts."""
    hosts: list[AuditedHost] = []
    unreachable: list[str] = []
    for file in files:
        read = audit_file.parse(_text(file), str(file))
        hosts += read.hosts
        unreachable += read.unreachable
    interrupted = False
    given = _is_given("uris")
    if not files or given or listed():
        came = run(uris if given or not files else (), options)
        hosts += map(recorded.of, came.audits)
        unreachable += came.unreachable
        interrupted = came.interrupted
    newest: dict[tuple[str, str], AuditedHost] = {}
    for host in sorted(hosts, key=lambda one: one.started):
        newest[host.uri, host.name] = host
    notes = []
    if len(hosts) > len(newest):
        older = len(hosts) - len(newest)
        notes.append(f"{older} audits of hosts that were audited again later are left out.")
    if interrupted:
        notes.append("The audit was broken off: hosts and domains are missing.")
    return _Gathered(
        hosts=told_apart([one for one in hosts if newest[one.uri, one.name] is one]),
        unreachable=tuple(dict.fromkeys(unreachable)),
        notes=tuple(notes),
        interrupted=interrupted,
    )


def _is_given(name: str) -> bool:
    """Tell whether an option was given here, not by the environment or the configuration."""
    source = click.get_current_context().get_parameter_source(name)
    return source is ParameterSource.COMMANDLINE


def _text(file: Path) -> str:
    try:
        return given_file.read(file, audit_file.MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no audit: it is no text") from error


def _history(ledger: str | None, since: float) -> tuple[tuple[Entry, ...], list[str], int]:
    """Return entries, what to say of them, and the exit code."""
    try:
        entries = open_ledger(ledger).history(None, since, _MOST_ENTRIES)
    except LedgerMissingError as error:
        return (), [f"No timelines: {error}."], VERIFIED
    except LedgerError as error:
        return (), [f"No timelines: {error}."], complain(str(error), UNREACHABLE)
    if len(entries) == _MOST_ENTRIES:
        return entries, [f"Timelines hold the newest {_MOST_ENTRIES} entries only."], VERIFIED
    return entries, [], VERIFIED


def _pair(
    hosts: Sequence[AuditedHost], between: tuple[str, str] | None
) -> tuple[AuditedHost, AuditedHost] | None:
    if not between:
        return two_hosts.most_apart(hosts)
    one, other = (_named(hosts, name) for name in between)
    return one, other


def _named(hosts: Sequence[AuditedHost], name: str) -> AuditedHost:
    found = [host for host in hosts if name in {host.name, host.uri}]
    if len(found) == 1:
        return found[0]
    names = ", ".join(host.uri if found else host.name for host in found or hosts)
    what = "several hosts" if found else "no host of this report"
    raise UsageError(f"{name!r} is {what}; there are: {names or 'none'}")


def _atlas(host: AuditedHost, own: Sequence[Atlas]) -> Atlas | None:
    """Return the host's own atlas, else the shipped one of the same QEMU."""
    for atlas in own:
        if atlas.made.host == host.name:
            return atlas
    architecture = two_hosts.architecture(host)
    if architecture is None or host.driver != "QEMU":
        return None
    return atlas_files.nearest(architecture, host.hypervisor)


def _untold(found: _Found, why: str) -> _Found:
    host, domain = found
    told = AuditedDomain(
        name=domain.name,
        uuid=domain.uuid,
        word="failed",
        error=f"what was found can't be told: {why}",
    )
    return host, told
