"""Options for another QEMU to rehearse: which, of which system, and how long it may take."""

from collections.abc import Callable, Sequence
from itertools import islice, zip_longest
from pathlib import Path

import click

from host_agent.commands.shared.options import read_esp_option, root_option
from host_agent.errors import UsageError
from host_agent.migrate.facts import Under
from host_agent.qemu.rehearsal import SECONDS

_Command = Callable[..., int]


def rehearsed_qemu(whose: str, *, several: bool = False) -> Callable[[_Command], _Command]:
    """Return the options; ``whose`` QEMU it is; ``several``: each is of one of many targets."""
    repeatable = "; repeatable, one a target in their order" if several else ""

    def given(command: _Command) -> _Command:
        for option in (
            click.option(
                "--qemu",
                metavar="BINARY",
                multiple=several,
                help=f"the QEMU of {whose}{repeatable}",
            ),
            root_option("whose QEMU that is", several=several),
            click.option(
                "--rehearsal-timeout",
                type=click.FloatRange(1, 3600),
                default=SECONDS,
                show_default=True,
                metavar="SECONDS",
                help="what one rehearsal may take",
            ),
            read_esp_option,
        ):
            command = option(command)
        return command

    return given


def under_each(
    qemus: Sequence[str],
    roots: Sequence[Path],
    seconds: float,
    targets: int,
    *,
    rehearse: bool,
    read_esp: bool,
) -> tuple[Under, ...] | None:
    """Return what each target is rehearsed under; None: nothing is. Raises ``UsageError``."""
    for option, given in (("--qemu", qemus), ("--root", roots)):
        if len(given) > targets:
            raise UsageError(f"{option} is said of a target, and there are only {targets}: --to")
    found = [
        under(qemu, root, seconds, rehearse=rehearse, read_esp=read_esp)
        for qemu, root, _ in islice(zip_longest(qemus, roots, range(targets)), targets)
    ]
    return tuple(one for one in found if one is not None) or None


def under(
    qemu: str | None, root: Path | None, seconds: float, *, rehearse: bool, read_esp: bool
) -> Under | None:
    """Return what a target is rehearsed under; None: nothing is. Raises ``UsageError``."""
    if not rehearse and (qemu is not None or root is not None):
        raise UsageError("--qemu and --root say what is rehearsed: they need --rehearse")
    if not rehearse and read_esp:
        raise UsageError("--read-esp says what of a guest is rehearsed: it needs --rehearse")
    if not rehearse:
        return None
    return Under(seconds=seconds, qemu=qemu, root=root, read_esp=read_esp)
