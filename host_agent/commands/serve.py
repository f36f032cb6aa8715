"""The command ``serve``."""

import signal
from typing import TYPE_CHECKING

import click

from host_agent.commands.shared import default_uri
from host_agent.commands.shared.configured import Configured, command_words
from host_agent.commands.shared.console import complain
from host_agent.commands.shared.fleets import fleet_option, open_memory
from host_agent.commands.shared.hosts import uris_or_default
from host_agent.commands.shared.loudness import debug_option
from host_agent.commands.shared.options import ledger_option, privacy_option
from host_agent.output.shared.exit_codes import VERIFIED
from host_agent.verify.reactions import Patience

if TYPE_CHECKING:
    from host_agent.fleet.teller import Teller
    from host_agent.records.patient_ledger import PatientLedger


_WRITE_SECONDS = 10.0
"""How long the fleet's database may take for a batch."""


@click.command(
    "serve",
    epilog="\b\nExamples:\n"
    "  samemachine serve                                   as the service does\n"
    "  samemachine serve --metrics 9918                    Prometheus asks 127.0.0.1:9918\n"
    "  samemachine serve --fleet postgresql://samemachine@db1/samemachine\n"
    "  samemachine serve --exec '/usr/local/bin/page-me'   is run for each verdict:\n"
    "      /usr/local/bin/page-me VERDICT DOMAIN UUID, with SAMEMACHINE_VERDICT, _OCCASION,\n"
    "      _DOMAIN, _UUID, _HOST, _DEPTH, _PROBLEM in its environment; no shell\n"
    "\n\b\nExit codes:\n  0  ended by SIGTERM or SIGINT\n  2  usage or configuration",
)
@click.option(
    "-c",
    "--connect",
    "uri",
    cls=Configured,
    key="serve.connect",
    metavar="URI",
    envvar=default_uri.VARIABLES,
    help="libvirt connection  [default: this host's]",
)
@click.option(
    "--exec",
    "command",
    cls=Configured,
    key="serve.exec",
    metavar="COMMAND",
    help="run for each verdict",
)
@click.option(
    "--jobs",
    cls=Configured,
    key="serve.jobs",
    metavar="N",
    help="how many domains to verify at the same time",
)
@click.option(
    "--boot-wait",
    cls=Configured,
    key="serve.boot-wait",
    metavar="SECONDS",
    help="how long a guest may take to boot until it answers",
)
@click.option(
    "--arrival-wait",
    cls=Configured,
    key="serve.arrival-wait",
    metavar="SECONDS",
    help="how long a guest that arrived may take to answer",
)
@click.option(
    "--keep", cls=Configured, key="serve.keep", metavar="DAYS", help="how long history is kept"
)
@click.option(
    "--metrics",
    cls=Configured,
    key="serve.metrics",
    metavar="ADDRESS",
    help="answer Prometheus there: PORT on 127.0.0.1, or ADDRESS:PORT  [default: nowhere]",
)
@click.option("--probe/--no-probe", cls=Configured, key="probe", help="whether to ask QEMU")
@debug_option
@fleet_option("tell a fleet's memory of each verdict")
@ledger_option
@privacy_option
def serve_command(
    uri: str | None,
    command: str | None,
    jobs: int,
    boot_wait: float,
    arrival_wait: float,
    keep: int,
    metrics: str | None,
    ledger: str | None,
    fleet: str | None,
    *,
    probe: bool,
    clear_identifiers: bool,
) -> int:
    """Verify each arrival and each restart as soon as the guest answers, until stopped.

    Verdicts go to the journal, the ledger and the command. Nothing is polled while nothing
    happens, no guest is changed, and no metadata is written while a migration runs.
    """
    from host_agent.verify.board import Board
    from host_agent.verify.serve import Daemon
    from host_agent.verify.serve import Options as DaemonOptions

    board = Board()
    if metrics:
        from host_agent.commands.shared.metrics import listen
        from host_agent.output.prometheus import Looked

        listen(metrics, lambda: Looked(standings=board.standings, reachable=board.reachable))
    daemon = Daemon(
        DaemonOptions(
            uri=uris_or_default((uri,) if uri else ())[0],
            at_once=jobs,
            patience=Patience(arrival=arrival_wait, boot=boot_wait),
            command=command_words(command or ""),
            keep_days=keep,
            probe=probe,
            clear_identifiers=clear_identifiers,
        ),
        _opened(ledger),
        board=board,
        fleet=_teller(fleet, keep),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    daemon.run()
    return VERIFIED


COMMANDS = (serve_command,)


def _teller(url: str | None, keep: float) -> "Teller | None":
    """Who tells the fleet's memory; None: there is none."""
    if not url:
        return None
    memory = open_memory(url, _WRITE_SECONDS)
    from host_agent.fleet.teller import Teller

    return Teller(memory, keep_days=keep)


def _opened(url: str | None) -> "PatientLedger | None":
    """The ledger, whatever its state: the daemon outlives a full disk."""
    try:
        from host_agent.records.patient_ledger import PatientLedger
    except ImportError as error:
        complain(f"no history: it needs SQLAlchemy 1.4 or newer ({error})", VERIFIED)
        return None
    return PatientLedger(url)
