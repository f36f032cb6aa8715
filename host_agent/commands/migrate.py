"""The command ``migrate``."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from uuid import UUID

import click
from rich.progress import BarColumn, Progress

from host_agent import given_file
from host_agent.atlas import files as atlas_files
from host_agent.case.results import Confirmed, Failed
from host_agent.commands.shared import completion
from host_agent.commands.shared.configured import Configured
from host_agent.commands.shared.console import plain, shown
from host_agent.commands.shared.hosts import uris_or_default
from host_agent.commands.shared.ledgers import ready_ledger
from host_agent.commands.shared.loudness import loudness, quiet
from host_agent.commands.shared.options import (
    formats,
    ledger_option,
    privacy_option,
    rehearse_option,
)
from host_agent.commands.shared.rehearsed_qemu import rehearsed_qemu, under
from host_agent.commands.shared.telling import Page, printed, tell
from host_agent.domain.live_migration import CopyStorage, MigrationEnd, MigrationProgress
from host_agent.errors import UsageError
from host_agent.hypervisor.migration import Told
from host_agent.migrate.facts import MoveReport
from host_agent.migrate.migrate import Confirm, Judges, Options, migrate
from host_agent.output import migrate as migrate_output
from host_agent.qemu.atlas_probe import survey
from host_agent.verify.verify import Options as VerifyOptions
from host_agent.verify.verify import verify

if TYPE_CHECKING:
    from rich.console import Console

    from host_agent.records.ledger import Ledger

_CANCELLING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command(
    "migrate",
    epilog="\b\nExamples:\n"
    "  samemachine migrate vm1 qemu+ssh://node2/system --dry-run\n"
    "  samemachine migrate vm1 qemu+ssh://node2/system\n"
    "  samemachine migrate vm1 qemu+tls://node2/system --copy-storage all --bandwidth 100\n"
    "  samemachine migrate vm1 qemu+tls://node2/system --atlas node2.json.xz\n"
    "\n\b\nExit codes:\n  0  moved and verified\n  1  a mismatch, before or after the move\n"
    "  2  usage, or the destination can't take it: nothing was moved\n"
    "  3  moved, but something could not be verified\n"
    "  4  libvirt can't be reached, or gave the move up: the guest stays where it was\n"
    "  130  cancelled by Ctrl-C: the guest stays where it was",
)
@click.argument("domain", shell_complete=completion.domains)
@click.argument("destination_uri", metavar="DEST-URI")
@click.option("-c", "--connect", "uri", metavar="URI", help="the source  [default: this host]")
@click.option("--dry-run", is_flag=True, help="look at everything, move nothing")
@click.option(
    "--copy-storage",
    type=click.Choice([one.value for one in CopyStorage]),
    help="copy the disks as well: all of them, or what differs from a base image that is there",
)
@click.option(
    "--unsafe",
    is_flag=True,
    help="the destination sees the very same disks, though libvirt can't know that",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 864000),
    metavar="SECONDS",
    help="cancel the move after so long  [default: never]",
)
@click.option(
    "--bandwidth", type=click.IntRange(1), metavar="MIB", help="at most so many MiB a second"
)
@click.option(
    "--xml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="the domain XML to use there: other paths, other names of networks",
)
@click.option(
    "--atlas",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="the destination's atlas, made there by 'samemachine probe --output FILE'",
)
@click.option(
    "--wait",
    type=click.FloatRange(0, 86400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="how long the guest may take to answer, once it is there",
)
@click.option("--probe/--no-probe", cls=Configured, key="probe", help="whether to ask QEMU itself")
@rehearse_option("run the firmware on its devices, here and under QEMU there")
@rehearsed_qemu("the destination, where this host can run it")
@click.option("-v", "--verbose", is_flag=True, help="every finding of the preflight")
@ledger_option
@privacy_option
@loudness
@formats
def migrate_command(
    domain: str,
    destination_uri: str,
    uri: str | None,
    copy_storage: str | None,
    timeout: float | None,
    bandwidth: int | None,
    xml: Path | None,
    atlas: Path | None,
    wait: float,
    qemu: str | None,
    root: Path | None,
    rehearsal_timeout: float,
    ledger: str | None,
    form: str,
    output: Path | None,
    *,
    dry_run: bool,
    unsafe: bool,
    probe: bool,
    rehearse: bool,
    read_esp: bool,
    verbose: bool,
    clear_identifiers: bool,
) -> int:
    """Move a running domain to another host, and prove that its guest still has the same machine.

    Before: can the destination take it, and what is the guest's machine now? Then the live
    migration, which Ctrl-C cancels. After: the guest is asked again, on the destination. If the
    move fails, the guest stays where it was. The source keeps its definition.
    """
    (source,) = uris_or_default((uri,) if uri else ())
    options = Options(
        name=domain,
        uri=source,
        destination=destination_uri,
        dry_run=dry_run,
        copy_storage=CopyStorage(copy_storage) if copy_storage else None,
        unsafe=unsafe,
        bandwidth=bandwidth,
        seconds=timeout,
        xml=None if xml is None else _text(xml),
        atlas=None if atlas is None else atlas_files.read(atlas),
        under=under(qemu, root, rehearsal_timeout, rehearse=rehearse, read_esp=read_esp),
        probe=probe,
    )
    history = None if dry_run else ready_ledger(ledger)
    asking = VerifyOptions(probe=probe, clear_identifiers=clear_identifiers)

    def judge(asking: VerifyOptions) -> Confirm:
        return lambda uri, uuid: _confirm(uri, uuid, asking, history)

    judges = Judges(
        before=judge(asking),
        accept=judge(replace(asking, accept=True)),
        after=judge(replace(asking, wait=wait)),
    )
    report = migrate(options, judges, survey, lambda: _watching(domain))

    def told(console: "Console", reports: Sequence[MoveReport]) -> Page:
        (shown,) = reports
        code = migrate_output.exit_code(shown)
        if form == "json":
            return migrate_output.render(shown, code), code
        return printed(
            console, lambda: migrate_output.print_report(console, shown, verbose=verbose)
        ), code

    return tell(output, (report,), told, _untold)


def _untold(report: MoveReport, why: str) -> MoveReport:
    """That it was moved is told, whatever was seen of it."""
    error = f"what was found can't be told: {why}"
    failed = Failed(name=report.name, uuid=str(report.uuid), error=error)
    moved = report.result is not None and report.result.end is MigrationEnd.MOVED
    return replace(report, before=failed, after=failed if moved else None)


COMMANDS = (migrate_command,)


def _text(file: Path) -> str:
    try:
        return given_file.text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error


def _confirm(
    uri: str, uuid: UUID, options: VerifyOptions, ledger: "Ledger | None"
) -> Confirmed | Failed:
    (result,) = verify(uri, replace(options, names=(str(uuid),)), ledger)
    return result


@contextmanager
def _watching(name: str) -> Iterator[tuple[Told, threading.Event]]:
    """A bar where somebody watches; Ctrl-C cancels the move instead of ending us."""
    cancel = threading.Event()

    def asked(_: int, __: FrameType | None) -> None:
        cancel.set()

    before = {
        number: signal.signal(number, asked)
        for number in _CANCELLING
        # Whoever started us may have asked for it to be ignored (nohup).
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        with _bar(name, cancel) as told:
            yield told, cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(name: str, cancel: threading.Event) -> Iterator[Told]:
    console = plain(stderr=True)
    if quiet() or not console.is_terminal:
        yield lambda _: None
        return
    columns = (shown("description"), BarColumn(), shown("fields[line]"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"moving {name}", total=None, line="")

        def told(progress: MigrationProgress) -> None:
            bar.update(
                task,
                description=f"cancelling {name}" if cancel.is_set() else f"moving {name}",
                total=progress.total or None,
                completed=progress.total - progress.remaining,
                line=migrate_output.progress_line(progress),
            )

        yield told
