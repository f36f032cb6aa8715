"""Options that several commands share."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from host_agent.commands.shared import default_uri
from host_agent.commands.shared.configured import Configured
from host_agent.commands.shared.hosts import inventory_option
from host_agent.commands.shared.loudness import debug_option, quiet_option

EXITS = """\b
Exit codes:
  0  all verified
  1  a mismatch
  2  usage or configuration
  3  no mismatch, but something could not be verified
  4  libvirt can't be reached"""


_Command = Callable[..., int]
_FORMS = "text", "json"


def formats(command: _Command, forms: Sequence[str] = _FORMS) -> _Command:
    """Give a command the options for what it prints and where."""
    for option in (
        click.option(
            "--format",
            "form",
            type=click.Choice(forms),
            default="text",
            show_default=True,
            help="what to print",
        ),
        click.option(
            "--output",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="write there instead of to standard output",
        ),
    ):
        command = option(command)
    return command


def connections_and(*forms: str) -> Callable[[_Command], _Command]:
    """Give a command the options of ``connections``, and more forms to print."""
    return lambda command: connections(command, (*_FORMS, *forms))


def connections(command: _Command, forms: Sequence[str] = _FORMS) -> _Command:
    """Give a command the options that all that ask libvirt share, and those of ``formats``."""
    return formats(asking(command), forms)


def asking(command: _Command) -> _Command:
    """Give a command the options for who is asked, and how."""
    for option in (
        click.option(
            "-c",
            "--connect",
            "uris",
            cls=Configured,
            key="connect",
            multiple=True,
            metavar="URI",
            envvar=default_uri.VARIABLES,
            help="libvirt connection; repeatable  [default: as virsh has it, then qemu:///system]",
        ),
        click.option(
            "--probe/--no-probe",
            cls=Configured,
            key="probe",
            help="whether to ask QEMU itself what it builds for each domain",
        ),
        click.option(
            "--timeout",
            cls=Configured,
            key="timeout",
            metavar="SECONDS",
            help="what one guest may take to answer",
        ),
    ):
        command = option(command)
    command = inventory_option(command)
    command = quiet_option(command, "no progress, and no text where all is well")
    return debug_option(command)


def ledger_option(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the option for where history is."""
    return click.option(
        "--ledger",
        cls=Configured,
        key="ledger",
        metavar="URL",
        envvar="SAMEMACHINE_LEDGER",
        help="a file, sqlite:////path or postgresql://user@host/database; the password belongs "
        "into ~/.pgpass  [default: $SAMEMACHINE_LEDGER, then this user's own file]",
    )(command)


def privacy_option(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command that keeps something the option for how it keeps identifiers."""
    return click.option(
        "--clear-identifiers",
        cls=Configured,
        key="clear-identifiers",
        is_flag=True,
        envvar="SAMEMACHINE_CLEAR_IDENTIFIERS",
        help="keep MAC addresses and serial numbers as they are, in baseline and history  "
        "[default: salted hashes; or $SAMEMACHINE_CLEAR_IDENTIFIERS=1]",
    )(command)


read_esp_option = click.option(
    "--read-esp",
    is_flag=True,
    help="read the disks' partition tables, where a boot entry names a partition alone; where a "
    "TPM is rehearsed, run the loader as well, from a copy of the EFI system partition",
)


def rehearse_option(what: str) -> Callable[[_Command], _Command]:
    """Return the option to have the firmware run; ``what`` is said of it."""
    return click.option("--rehearse", is_flag=True, help=what)


def root_option(what: str, *, several: bool = False) -> Callable[[_Command], _Command]:
    """Return the option for the root folder of another system; ``what`` is done with it."""
    return click.option(
        "--root",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
        multiple=several,
        help=f"root folder of another system, {what}; needs root's rights"
        f"{'; repeatable likewise' if several else ''}",
    )
