"""Where commands print: progress, standard output, files that are whole or not there."""

import io
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING, NoReturn

import click

from host_agent.commands.shared.loudness import quiet
from host_agent.errors import UsageError
from host_agent.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TextColumn


WIDTH = 100


def complain(sentence: str, code: int) -> int:
    """Say on standard error what is wrong, and return the exit code."""
    click.echo(f"samemachine: {sentence}", err=True)
    return code


@contextmanager
def orderly_end() -> Iterator[None]:
    """Let a signal that ends us end what we started first, and leave no half file."""
    before = {
        number: signal.signal(number, _exit)
        for number in (signal.SIGTERM, signal.SIGHUP)
        # Whoever started us may have asked for it to be ignored (nohup).
        if signal.getsignal(number) == signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


@contextmanager
def progress(uri: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error where somebody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress

    console = plain(stderr=True)
    if quiet() or not console.is_terminal:
        yield lambda *_: None
        return
    columns = (shown("description"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(printable(uri), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def plain(
    *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None
) -> "Console":
    """Return a console to which text is text: names hold what rich would take for markup."""
    from rich.console import Console

    return Console(
        stderr=stderr, file=file, width=width, highlight=False, markup=False, emoji=False
    )


def shown(field: str) -> "TextColumn":
    """Return a column of a progress bar that shows a task's ``field`` as it is."""
    from rich.progress import TextColumn

    return TextColumn(f"{{task.{field}}}", markup=False)


def standard_output() -> "Console":
    """Return standard output, of a fixed width where it is no terminal."""
    console = plain()
    return console if console.is_terminal else plain(width=WIDTH)


@contextmanager
def destination(output: Path | None, *, shared: bool = False) -> "Iterator[Console]":
    """Standard output, or a file that is whole or not there; ``shared`` as ``new_file`` has it."""
    if output is None:
        yield standard_output()
        return
    with new_file(output, shared=shared) as file:
        text_file = io.TextIOWrapper(file, encoding="utf-8")
        yield plain(file=text_file, width=WIDTH)
        text_file.detach()


@contextmanager
def new_file(output: Path, *, shared: bool = False) -> Iterator[IO[bytes]]:
    """A file that is whole or not there; what is no file (/dev/null, a pipe) is written to.

    Where there is one already, its mode and owner stay. A new one has the umask's mode where it is
    ``shared``, for it says nothing of a domain; else nobody but its owner may read it.
    """
    # Few commands write one, and it brings cryptography along.
    from host_agent import whole_file

    try:
        if _is_no_file(output):
            with output.open("wb") as file:
                yield file
            return
        folder = os.open(output.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with (
                orderly_end(),
                whole_file.replacing(folder, output.name, 0o666 if shared else 0o600) as file,
            ):
                _keep_access(output, file.fileno())
                yield file
        finally:
            os.close(folder)
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}") from error


def _is_no_file(output: Path) -> bool:
    """Tell whether a name is not for replacing: a device, a pipe, our own descriptor as a link."""
    try:
        if not stat.S_ISREG(output.stat().st_mode):
            return True
    except FileNotFoundError:
        return False
    place = output.parent.resolve()
    return output.is_symlink() and place.parts[1:2] in {("dev",), ("proc",)}


def _keep_access(output: Path, descriptor: int) -> None:
    """Give a new file the owner and mode of the one that it replaces, as far as we may."""
    try:
        before = output.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISREG(before.st_mode):
        with suppress(PermissionError):
            os.fchown(descriptor, before.st_uid, before.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode) & 0o777)
