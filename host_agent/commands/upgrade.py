"""The commands ``upgrade``, ``rollback`` and ``campaign``."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from rich.text import Text

from host_agent import given_file
from host_agent.case.results import Failed
from host_agent.commands.shared import completion
from host_agent.commands.shared.configured import Configured
from host_agent.commands.shared.console import complain, plain, standard_output
from host_agent.commands.shared.hosts import uris_or_default
from host_agent.commands.shared.ledgers import ready_ledger
from host_agent.commands.shared.loudness import loudness, quiet
from host_agent.commands.shared.options import (
    formats,
    ledger_option,
    privacy_option,
    read_esp_option,
    rehearse_option,
)
from host_agent.commands.shared.telling import Page, printed, tell
from host_agent.errors import UsageError
from host_agent.output import upgrade as upgrade_output
from host_agent.output.shared.exit_codes import VERIFIED
from host_agent.printable import printable
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Record, Step
from host_agent.upgrade import upgrade, window
from host_agent.upgrade.facts import Raised, Report
from host_agent.upgrade.look import Asked
from host_agent.upgrade.run import Patience
from host_agent.upgrade.upgrade import Operator, Options

if TYPE_CHECKING:
    from rich.console import Console

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _restarting(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that all that restart domains share."""
    for option in (
        click.option(
            "-c",
            "--connect",
            "uris",
            multiple=True,
            metavar="URI",
            help="where the domains are; each one more is a host that must offer the machine type "
            "too  [default: as virsh has it, then qemu:///system]",
        ),
        click.option("--dry-run", is_flag=True, help="look at everything, change nothing"),
        click.option("-y", "--yes", is_flag=True, help="do not ask"),
        click.option(
            "--shutdown-timeout",
            type=click.FloatRange(1, 86400),
            default=300.0,
            show_default=True,
            metavar="SECONDS",
            help="how long a guest may take to shut down",
        ),
        click.option(
            "--force-off",
            is_flag=True,
            help="power a guest off that does not shut down in time",
        ),
        click.option(
            "--wait",
            type=click.FloatRange(1, 86400),
            default=300.0,
            show_default=True,
            metavar="SECONDS",
            help="how long a guest may take to come up",
        ),
        click.option(
            "--probe/--no-probe",
            cls=Configured,
            key="probe",
            help="whether to ask QEMU itself",
        ),
        rehearse_option("run the firmware on its devices too: ACPI by device, PCI by function"),
        read_esp_option,
    ):
        command = option(command)
    return ledger_option(privacy_option(loudness(formats(command))))


@click.command(
    "upgrade",
    epilog="\b\nExamples:\n"
    "  samemachine upgrade vm1 --dry-run            what would change, and what stands in the way\n"
    "  samemachine upgrade vm1                      stop, raise, start, verify, else roll back\n"
    "  samemachine upgrade vm1 --pool pool.txt      no newer than every host in that file offers\n"
    "  samemachine upgrade --tag role=web --stage   at the next full stop of each\n"
    "  samemachine upgrade --from-file web.txt --canary 1 --window 22:00-05:00 --change CHG17 -y\n"
    "\n\b\nExit codes:\n  0  applied and verified, staged, or nothing to do\n"
    "  1  a domain was rolled back, or was wrong before\n"
    "  2  usage, or a domain can't be raised: it was not touched\n"
    "  3  applied but not verified, or not begun (canary, window)\n"
    "  4  libvirt can't be reached\n"
    "  130  interrupted and left half done: the same command, or rollback, goes on",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option("--to", metavar="TYPE", help="this machine type  [default: the newest on all hosts]")
@click.option(
    "--pool",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="hosts that must offer the machine type too: a URI a line, # for comments",
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="KEY[=VALUE]",
    help="domains whose metadata has an element or attribute like that; repeatable",
)
@click.option(
    "--from-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="domains, a name or UUID a line, # for comments",
)
@click.option(
    "--stage",
    is_flag=True,
    help="only change the definition: the next full stop and start apply it, a reboot in the "
    "guest does not; 'samemachine serve' verifies it then",
)
@click.option("--no-start", is_flag=True, help="leave it shut off; its next start is verified")
@click.option(
    "--canary",
    type=click.IntRange(1),
    metavar="N",
    help="the first N must be verified before the rest is begun",
)
@click.option(
    "--stop-after-failures", type=click.IntRange(1), metavar="N", help="begin no more after N"
)
@click.option("--window", "hours", metavar="HH:MM-HH:MM", help="begin none outside of it")
@click.option("--change", metavar="ID", help="your number for it, kept in journal and history")
@_restarting
def upgrade_command(
    domains: tuple[str, ...],
    to: str | None,
    pool: Path | None,
    tags: tuple[str, ...],
    from_file: Path | None,
    canary: int | None,
    stop_after_failures: int | None,
    hours: str | None,
    change: str | None,
    uris: tuple[str, ...],
    shutdown_timeout: float,
    wait: float,
    ledger: str | None,
    form: str,
    output: Path | None,
    *,
    stage: bool,
    no_start: bool,
    dry_run: bool,
    yes: bool,
    force_off: bool,
    probe: bool,
    rehearse: bool,
    read_esp: bool,
    clear_identifiers: bool,
) -> int:
    """Raise the machine type of domains, verify each with its own guest, roll back what fails.

    DOMAIN is libvirt's name, a title or a UUID. The definition is saved first; disks and firmware
    variables are never touched. Each step is written down before it is taken: a command that was
    killed goes on when it is given again. A type raised too far can never move back: name every
    host of the pool with -c or --pool.
    """
    if stage and no_start:
        raise UsageError("--stage stops nothing: --no-start means nothing with it")
    names = (*domains, *(_lines(from_file) if from_file else ()))
    if not names and not tags:
        raise UsageError("name the domains, or give --tag or --from-file")
    own, *others = uris_or_default(uris)
    options = Options(
        uri=own,
        names=names,
        tags=tags,
        others=(*others, *(uri for uri in (_lines(pool) if pool else ()) if uri != own)),
        asked=Asked(to=to, stage=stage, start=not no_start),
        dry_run=dry_run,
        patience=Patience(shutdown=shutdown_timeout, wait=wait, force_off=force_off),
        probe=probe,
        rehearse=rehearse,
        read_esp=read_esp,
        change=change,
        canary=canary or 0,
        stop_after=stop_after_failures or 0,
        window=window.parse(hours) if hours else None,
        clear_identifiers=clear_identifiers,
    )
    return _run(options, ledger, form, output, yes=yes)


@click.command(
    "rollback",
    epilog="\b\nExamples:\n"
    "  samemachine rollback vm1              its old machine type again, verified\n"
    "  samemachine rollback vm1 --forget     keep it as it is; the saved definition is removed\n"
    "\n\b\nExit codes:\n  0  rolled back and verified, or nothing to do\n"
    "  1  it did not go well\n  2  usage, or there is nothing to roll back\n"
    "  3  rolled back but not verified\n  4  libvirt can't be reached\n"
    "  130  interrupted and left half done",
)
@click.argument(
    "domains", nargs=-1, metavar="DOMAIN...", required=True, shell_complete=completion.domains
)
@click.option("--forget", is_flag=True, help="remove what is saved of the upgrade, and do no more")
@_restarting
def rollback_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    shutdown_timeout: float,
    wait: float,
    ledger: str | None,
    form: str,
    output: Path | None,
    *,
    forget: bool,
    dry_run: bool,
    yes: bool,
    force_off: bool,
    probe: bool,
    rehearse: bool,
    read_esp: bool,
    clear_identifiers: bool,
) -> int:
    """Give domains the machine type back that they had before 'samemachine upgrade'.

    Whatever its step: staged, half done, or applied long ago. What else was changed in the
    definition since stays as it is.
    """
    uri, *more = uris_or_default(uris)
    if more:
        raise UsageError("a domain is rolled back where it is: name one connection")
    if forget:
        for name in upgrade.forget(uri, domains):
            click.echo(f"{printable(name)}: forgotten; it stays as it is")
        return VERIFIED
    options = Options(
        uri=uri,
        names=domains,
        asked=Asked(back=True),
        dry_run=dry_run,
        probe=probe,
        rehearse=rehearse,
        read_esp=read_esp,
        patience=Patience(shutdown=shutdown_timeout, wait=wait, force_off=force_off),
        clear_identifiers=clear_identifiers,
    )
    return _run(options, ledger, form, output, yes=yes)


@click.command(
    "campaign",
    epilog="\b\nExamples:\n"
    "  samemachine campaign                     what is not applied, of all that was begun here\n"
    "  samemachine campaign --change CHG17 --format json | jq .counts\n"
    "\n\b\nExit codes:\n  0  all are applied or staged\n  1  some were rolled back, or failed\n"
    "  2  usage\n  3  some are half done, or can't be read",
)
@click.option("--change", metavar="ID", help="only upgrades of this number")
@click.option("-v", "--verbose", is_flag=True, help="those that are applied, too")
@formats
def campaign_command(change: str | None, form: str, output: Path | None, *, verbose: bool) -> int:
    """Show how many upgrades are staged, applied, rolled back and failed."""
    records, troubles = UpgradeJournal().all()
    records = [one for one in records if change is None or one.change == change]
    code = upgrade_output.campaign_exit_code(records, troubles)
    return _print_campaign(records, troubles, form, output, code, verbose=verbose)


COMMANDS = (upgrade_command, rollback_command, campaign_command)


def _print_campaign(
    records: Sequence[Record],
    troubles: Sequence[str],
    form: str,
    file: Path | None,
    code: int,
    *,
    verbose: bool,
) -> int:
    def told(console: "Console", found: Sequence[Record | str]) -> Page:
        records = [one for one in found if isinstance(one, Record)]
        troubles = [one for one in found if isinstance(one, str)]
        if form == "json":
            return upgrade_output.render_campaign(records, troubles, code), code
        return printed(
            console,
            lambda: upgrade_output.print_campaign(console, records, troubles, verbose=verbose),
        ), code

    def untold(found: Record | str, why: str) -> Record | str:
        which = found.uuid if isinstance(found, Record) else "an upgrade"
        return f"{which}: what was written down can't be told: {why}"

    found: list[Record | str] = [*records, *troubles]
    return tell(file, found, told, untold)


def _run(options: Options, ledger: str | None, form: str, file: Path | None, *, yes: bool) -> int:
    if options.read_esp and not options.rehearse:
        raise UsageError("--read-esp says what of a guest is rehearsed: it needs --rehearse")
    asks = not yes and not options.dry_run
    if asks and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody can be asked here: look with --dry-run, then give --yes")
    limit = options.patience.shutdown
    history = None if options.dry_run else ready_ledger(ledger)
    # Nobody is asked where there is nothing to do.
    planned = False
    with _interruptions() as interruptions:

        def agree(plans: Sequence[Raised]) -> bool:
            nonlocal planned
            planned = asks
            if asks:
                first = Report(raised=tuple(plans))
                upgrade_output.print_recovery(standard_output(), first)
                for plan in plans:
                    upgrade_output.print_plan(standard_output(), plan, limit)
                if not click.confirm("Do it?", err=True):
                    return False
            interruptions.armed = True
            return True

        report = upgrade.upgrade(
            options,
            history,
            Operator(agree=agree, told=_telling(), interrupted=lambda: interruptions.count > 0),
        )

    def told(console: "Console", raised: Sequence[Raised]) -> Page:
        shown = replace(report, raised=tuple(raised))
        code = upgrade_output.exit_code(shown)
        if form == "json":
            return upgrade_output.render(shown, code), code
        return printed(
            console,
            lambda: upgrade_output.print_report(console, shown, limit, planned=planned),
        ), code

    return tell(file, report.raised, told, _untold)


def _untold(raised: Raised, why: str) -> Raised:
    """What was done stays as it is; what was seen of it is left out."""
    name, uuid = raised.raising.name, str(raised.raising.uuid)
    after = Failed(name=name, uuid=uuid, error=f"what was found can't be told: {why}")
    return replace(raised, findings=(), notes=(), before=None, after=after)


class _Interruptions:
    """Ctrl-C: nothing is touched before it is armed; then the first asks, the second leaves."""

    def __init__(self) -> None:
        self.armed = False
        self.count = 0

    def hear(self, _: int, __: FrameType | None) -> None:
        self.count += 1
        if not self.armed or self.count > 1:
            raise KeyboardInterrupt
        complain("ending: what is half done is rolled back first; once more leaves it half done", 0)


@contextmanager
def _interruptions() -> Iterator[_Interruptions]:
    found = _Interruptions()
    before = {
        number: signal.signal(number, found.hear)
        for number in _ENDING
        # Whoever started us may have asked for it to be ignored (nohup).
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_DOING = {
    Step.STOPPING: "shutting down", Step.DEFINING: "defining", Step.STARTING: "starting",
    Step.VERIFYING: "waiting for its guest",
}  # fmt: skip


def _telling() -> Callable[[Record], None]:
    """A line for each step, where somebody watches."""
    console = plain(stderr=True)
    if quiet() or not console.is_terminal:
        return lambda _: None

    def told(record: Record) -> None:
        doing = _DOING.get(record.step)
        if doing is not None:
            console.print(
                Text(f"{printable(record.name)}: {doing} ({record.goal})", "dim"), soft_wrap=True
            )

    return told


def _lines(file: Path) -> list[str]:
    try:
        text = given_file.text(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} can't be read: {error}") from error
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
