"""The command ``watch``."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import click

from host_agent.commands.shared import completion
from host_agent.commands.shared.console import orderly_end, plain
from host_agent.commands.shared.hosts import targets
from host_agent.commands.shared.options import asking
from host_agent.output import watch as watch_output
from host_agent.output.shared.exit_codes import VERIFIED
from host_agent.verify.watch import HostWatch
from host_agent.verify.watching import Fleet, HostLook, Look

_REDRAW = 1.0
"""Seconds after which the screen is drawn anew, if nothing happens: it says how long ago."""
_END_KEYS = {b"q", b"Q", b"\x03", b"\x04"}


@click.command(
    "watch",
    epilog="\b\nExamples:\n"
    "  samemachine watch                               this host, until q is pressed\n"
    "  samemachine watch vm1 vm2 --interval 10\n"
    "  samemachine watch -c qemu+ssh://node2/system -c qemu+ssh://node3/system\n"
    "  samemachine watch --inventory hosts.toml > changes.log      a line a change\n"
    "\n\b\nExit codes:\n  0  ended by q or Ctrl-C\n"
    "  2  usage or configuration",
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=completion.domains)
@click.option(
    "--interval",
    type=click.FloatRange(1, 86400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="how often all domains are looked at, whatever libvirt tells",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=4,
    show_default=True,
    metavar="N",
    help="how many domains of a host to ask at the same time",
)
@click.option("--lines", is_flag=True, help="a line a change, on a terminal too")
@asking
def watch_command(
    domains: tuple[str, ...],
    uris: tuple[str, ...],
    timeout: float,
    interval: float,
    jobs: int,
    *,
    probe: bool,
    lines: bool,
) -> int:
    """Watch domains: how each stands, and what changed last, as soon as libvirt tells of it.

    On a terminal it is a screen; elsewhere a line a host to begin with, then a line a change.
    Nothing is changed and nothing is recorded: that is what 'samemachine serve' is for.
    """
    inbox: SimpleQueue[Look | HostLook] = SimpleQueue()
    stop = threading.Event()
    with ExitStack() as stack:
        read, write = _pipe(stack)

        def tell(one: Look | HostLook) -> None:
            inbox.put(one)
            _wake(write)

        for target in targets(uris):
            watched = HostWatch(
                uri=target.uri,
                name=target.name,
                names=domains,
                seconds=timeout,
                at_once=jobs,
                probe=probe,
                interval=interval,
                tell=tell,
                stop=stop,
            )
            threading.Thread(target=watched.run, daemon=True).start()
        stack.callback(stop.set)
        as_lines = lines or not plain().is_terminal or not _is_in_foreground()
        (_lines if as_lines else _screen)(Fleet(), inbox, read)
    return VERIFIED


COMMANDS = (watch_command,)


def _is_in_foreground() -> bool:
    """Tell whether the terminal's keys are ours.

    A program in the background, such as one below timeout(1), is stopped where it changes how they
    are read (tcsetattr(3), SIGTTOU).
    """
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        # It is no terminal, so that there are no keys.
        return True


def _pipe(stack: ExitStack) -> tuple[int, int]:
    """Return a pipe by which a thread wakes us."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    # A thread that is told to end may still want to write: the program ends with it.
    stack.callback(os.close, read)
    return read, write


def _wake(write: int) -> None:
    try:
        os.write(write, b".")
    except OSError:
        # It is full, so we are woken; or nobody reads any more.
        return


def _taken(inbox: "SimpleQueue[Look | HostLook]", read: int) -> Iterator[Look | HostLook]:
    """Yield what came in."""
    while True:
        try:
            os.read(read, 4096)
        except BlockingIOError:
            break
    while True:
        try:
            yield inbox.get_nowait()
        except Empty:
            return


def _lines(fleet: Fleet, inbox: "SimpleQueue[Look | HostLook]", read: int) -> None:
    """Print how each host stands when it is known, then each change."""
    told: set[str] = set()
    with orderly_end(), _until_interrupted():
        while True:
            select.select([read], [], [])
            for one in _taken(inbox, read):
                now = time.time()
                change = fleet.put(one, now)
                if isinstance(one, HostLook) and one.whole and one.uri not in told:
                    told.add(one.uri)
                    click.echo(watch_output.first_line(fleet, one, now), nl=False)
                if change is not None:
                    click.echo(watch_output.line(change), nl=False)
            sys.stdout.flush()


def _screen(fleet: Fleet, inbox: "SimpleQueue[Look | HostLook]", read: int) -> None:
    """Draw until q is pressed; the terminal is afterwards as it was before, and at Ctrl-Z, too."""
    with orderly_end(), _until_interrupted(), _stops() as asked:
        while _drawn(fleet, inbox, [read, asked.read]):
            asked.stop()


def _drawn(fleet: Fleet, inbox: "SimpleQueue[Look | HostLook]", woken_by: Sequence[int]) -> bool:
    """Draw until we are to end, or to stop for a while: then the answer is true."""
    from rich.live import Live

    console = plain()
    read, asked = woken_by
    with (
        _keys() as keys,
        Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as live,
    ):
        while True:
            live.update(watch_output.screen(fleet, time.time(), console.height), refresh=True)
            ready, _, _ = select.select([read, asked, *keys], [], [], _REDRAW)
            if any(_ends(key) for key in ready if key in keys):
                return False
            if asked in ready:
                return True
            for one in _taken(inbox, read):
                fleet.put(one, time.time())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stop:
    """Ctrl-Z (SIGTSTP), which is obeyed when the terminal is as it was."""

    read: int
    """Has something to read when it was asked for."""

    def stop(self) -> None:
        """Stop, as whoever does nothing about it; returns when we are continued (SIGCONT)."""
        os.read(self.read, 4096)
        ours = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, ours)


@contextmanager
def _stops() -> Iterator[_Stop]:
    """Have Ctrl-Z wait; where nobody could continue us it is left alone, which is to ignore it."""
    with ExitStack() as stack:
        read, write = _pipe(stack)
        before = signal.getsignal(signal.SIGTSTP)
        if before is not signal.SIG_IGN:
            signal.signal(signal.SIGTSTP, lambda *_: _wake(write))
            stack.callback(signal.signal, signal.SIGTSTP, before)
        yield _Stop(read=read)


def _ends(keyboard: int) -> bool:
    """Tell whether a key was pressed that ends it, or the terminal is gone."""
    try:
        pressed = os.read(keyboard, 64)
    except OSError:
        return True
    return not pressed or any(bytes([one]) in _END_KEYS for one in pressed)


@contextmanager
def _until_interrupted() -> Iterator[None]:
    """End where Ctrl-C is pressed: that is how it is meant to end."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _keys() -> Iterator[list[int]]:
    """The keyboard, a key at a time and unseen; empty: there is none."""
    import termios
    import tty

    keyboard = sys.stdin.fileno() if sys.stdin is not None else -1
    try:
        before = termios.tcgetattr(keyboard)
    except (termios.error, ValueError):
        yield []
        return
    try:
        tty.setcbreak(keyboard, termios.TCSADRAIN)
        yield [keyboard]
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
