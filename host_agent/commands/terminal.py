"""Where commands print: progress, standard output, files that are whole or not there."""

import io
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from host_agent.errors import UsageError

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
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(uri, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def standard_output() -> Console:
    """Return standard output, of a fixed width where it is no terminal."""
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


@contextmanager
def destination(output: Path | None) -> Iterator[Console]:
    """Standard output, or a file that is whole or not there."""
    if output is None:
        yield standard_output()
        return
    with whole_file(output) as file, io.TextIOWrapper(file, encoding="utf-8") as text_file:
        yield Console(file=text_file, highlight=False, width=WIDTH)


@contextmanager
def whole_file(output: Path) -> Iterator[IO[bytes]]:
    """A file that is whole or not there; what is no file (/dev/null, a pipe) is written to."""
    try:
        if output.exists() and not stat.S_ISREG(output.stat().st_mode):
            with output.open("wb") as file:
                yield file
            return
        with (
            orderly_end(),
            tempfile.NamedTemporaryFile(
                dir=output.parent, prefix=f".{output.name}.", delete=False
            ) as file,
        ):
            try:
                yield file.file
                file.close()
                Path(file.name).chmod(0o644)
                Path(file.name).replace(output)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UsageError(f"{output} can't be written: {error.strerror}") from error
