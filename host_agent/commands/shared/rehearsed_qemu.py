"""Options for another QEMU to rehearse: which, of which system, and how long it may take."""

from collections.abc import Callable
from pathlib import Path

import click

from host_agent.commands.shared.options import root_option
from host_agent.errors import UsageError
from host_agent.migrate.facts import Under
from host_agent.qemu.rehearsal import SECONDS

_Command = Callable[..., int]


def rehearsed_qemu(whose: str) -> Callable[[_Command], _Command]:
    """Return the options; ``whose`` QEMU it is."""

    def given(command: _Command) -> _Command:
        for option in (
            click.option("--qemu", metavar="BINARY", help=f"the QEMU of {whose}"),
            root_option("whose QEMU that is"),
            click.option(
                "--rehearsal-timeout",
                type=click.FloatRange(1, 3600),
                default=SECONDS,
                show_default=True,
                metavar="SECONDS",
                help="what one rehearsal may take",
            ),
        ):
            command = option(command)
        return command

    return given


def under(qemu: str | None, root: Path | None, seconds: float, *, rehearse: bool) -> Under | None:
    """Return what a target is rehearsed under; None: nothing is. Raises ``UsageError``."""
    if not rehearse and (qemu is not None or root is not None):
        raise UsageError("--qemu and --root say what is rehearsed: they need --rehearse")
    return Under(seconds=seconds, qemu=qemu, root=root) if rehearse else None
