"""``samemachine watch`` on a real terminal and without one; a guest that falls silent."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from host_agent.verify.watch import HostWatch
from host_agent.verify.watching import Fleet, HostLook, Look
from tests.checkout import CHECKOUT
from tests.hostile.auditing import OneDomain, gatherer
from tests.hostile.guests import uuid
from tests.lab import pace

if TYPE_CHECKING:
    from host_agent.hypervisor import Hypervisor

WATCH = [sys.executable, "-m", "host_agent", "watch"]
ALTERNATE, BACK, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"
NOWHERE = "qemu+unix:///system?socket=/nowhere/libvirt-sock"


class Terminal:
    """A terminal, and watch on it."""

    def __init__(self, *arguments: str, below: Sequence[str] = ()) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.theirs = theirs
        self.before = termios.tcgetattr(theirs)
        self.said = b""
        # Ctrl-C comes from the terminal that it is controlled by: setsid(1).
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *below, *WATCH, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
        )

    def until(self, *words: bytes) -> None:
        """Read until all of these were shown."""
        end = time.monotonic() + pace.stretched(60)
        while not all(word in self.said for word in words):
            assert time.monotonic() < end, self.said
            self.read(1.0)

    def read(self, seconds: float) -> None:
        if select.select([self.ours], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                self.said += os.read(self.ours, 65536)

    def ended(self) -> int:
        end = time.monotonic() + pace.stretched(60)
        while self.process.poll() is None:
            assert time.monotonic() < end
            self.read(0.1)
        self.read(0.0)
        return self.process.wait()


@contextlib.contextmanager
def terminal(*arguments: str, below: Sequence[str] = ()) -> Iterator[Terminal]:
    one = Terminal(*arguments, below=below)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        os.close(one.ours)
        os.close(one.theirs)


@pytest.mark.parametrize(("key", "code"), [(b"q", 0), (b"\x03", 0), (None, 143)])
def test_the_terminal_is_afterwards_as_it_was(key: bytes | None, code: int) -> None:
    with terminal("-c", "test:///default") as one:
        one.until(ALTERNATE, b"UNVERIFIED", b"last changes", b"q ends")
        assert termios.tcgetattr(one.theirs)[3] & (termios.ECHO | termios.ICANON) == 0
        if key is None:
            one.process.send_signal(signal.SIGTERM)
        else:
            os.write(one.ours, key)
        assert one.ended() == code
        assert termios.tcgetattr(one.theirs) == one.before
        # The screen that was there is back, and so is the cursor.
        assert one.said.rindex(BACK) > one.said.rindex(ALTERNATE)
        assert CURSOR in one.said
        assert b"Traceback" not in one.said


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on() -> None:
    """A shell with job control is told of the stop, and continues it (fg)."""
    script = '"$@"; echo "stopped $?"; read line; fg >/dev/null; echo "ended $?"'
    with terminal("-c", "test:///default", below=("sh", "-m", "-c", script, "sh")) as one:
        one.until(b"UNVERIFIED", b"q ends")
        os.write(one.ours, b"\x1a")
        one.until(b"stopped ")
        assert termios.tcgetattr(one.theirs) == one.before
        assert one.said.rindex(BACK) > one.said.rindex(ALTERNATE)
        assert one.said.rindex(b"stopped ") > one.said.rindex(CURSOR)
        one.said = b""
        os.write(one.ours, b"\n")
        # What is drawn anew is the whole screen.
        one.until(ALTERNATE, b"UNVERIFIED", b"q ends")
        assert termios.tcgetattr(one.theirs)[3] & (termios.ECHO | termios.ICANON) == 0
        os.write(one.ours, b"q")
        one.until(b"ended 0")
        assert one.ended() == 0
        assert termios.tcgetattr(one.theirs) == one.before
        assert b"Traceback" not in one.said


def test_a_host_that_is_not_there_is_told_and_the_other_is_watched() -> None:
    with terminal("-c", "test:///default", "-c", NOWHERE) as one:
        one.until(b"not reachable", b"UNVERIFIED", b"2 hosts")
        os.write(one.ours, b"q")
        assert one.ended() == 0


@pytest.mark.parametrize("on_terminal", [False, True])
def test_lines(on_terminal: bool) -> None:
    if on_terminal:
        with terminal("-c", "test:///default", "--lines") as one:
            one.until(b": 1 unverified\r\n")
            os.write(one.ours, b"\x03")
            assert one.ended() == 0
            assert b"\x1b" not in one.said
        return
    process = subprocess.Popen(
        [*WATCH, "-c", "test:///default", "-c", NOWHERE], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        lines = sorted((process.stdout.readline() for _ in range(2)), key=len)
        process.send_signal(signal.SIGINT)
        assert process.wait(pace.stretched(60)) == 0
    assert lines[0].endswith(": 1 unverified\n")
    assert "watched -> not reachable  " in lines[1]


class Libvirt:
    """A libvirt that has these domains; nothing else is asked of it here."""

    def __init__(self, *domains: OneDomain) -> None:
        self.there = list(domains)

    def domains(self) -> list[OneDomain]:
        return self.there

    def domain(self, wanted: object) -> OneDomain | None:
        return next((one for one in self.there if one.uuid == wanted), None)


def test_a_real_guest_that_answers_falls_silent_and_is_gone(tmp_path: Path) -> None:
    given: dict[str, Any] = {"name": "vm0", "uuid": str(uuid(0)), "path": str(tmp_path / "0")}
    domain = OneDomain(given)
    libvirt = cast("Hypervisor", Libvirt(domain))
    fleet = Fleet()
    fleet.put(HostLook(uri="qemu:///system", name="node1", whole=True), 0)
    told = []

    def tell(one: Look | HostLook) -> None:
        told.append(fleet.put(one, 0))

    watched = HostWatch(
        uri="qemu:///system",
        name="node1",
        interval=60,
        tell=tell,
        stop=threading.Event(),
    )
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.guests", str(tmp_path), "1"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'proto'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as guests:
        assert guests.stdout is not None
        assert guests.stdout.readline() == b"ready\n"
        watched._look_at_all(libvirt, gatherer(pace.stretched(60)))
        guests.terminate()
    answered = fleet.worst_first()[0].look
    assert answered.depth == "guest"
    watched._look_at(libvirt, gatherer(1.0), domain.uuid)
    silent = fleet.worst_first()[0].look
    assert silent.depth != "guest"
    assert silent.why
    cast("Libvirt", libvirt).there.clear()
    watched._look_at_all(libvirt, gatherer(1.0))
    assert [(one.before, one.after) for one in told if one] == [
        ("new", answered.word),
        (answered.word, silent.word),
        (silent.word, "gone"),
    ]


def test_in_the_background_of_a_terminal_it_says_lines() -> None:
    """timeout(1) puts it there, where who reads keys is stopped for good."""
    limit = "timeout --preserve-status --signal=INT 4"
    one = Terminal("-c", "test:///default", below=("sh", "-c", f'{limit} "$@"; exit $?', "sh"))
    assert one.ended() == 0
    assert b"1 unverified" in one.said
    assert ALTERNATE not in one.said
