"""The guest agent's resident process on a unix socket."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.idle import State
from tests.bench.processes import BrokenError, program
from tests.checkout import CHECKOUT

SECONDS = 60
_LOOK = 0.2


@contextlib.contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], ready: Callable[[], bool]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the end of the block, which begins when it is ready."""
    process = subprocess.Popen(
        command,
        env=env,
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                raise BrokenError(f"{' '.join(command)} does not start")
            time.sleep(0.01)
        yield process
    finally:
        process.terminate()
        process.wait()


def listening(socket: Path) -> bool:
    """Tell whether a unix socket takes connections; its file is there a moment earlier."""
    words = (line.split() for line in Path("/proc/net/unix").read_text("utf-8").splitlines())
    # The fourth word are the flags, of which this is SO_ACCEPTCON (Linux net/unix/af_unix.c).
    return any(one[3] == "00010000" and one[7:] == [str(socket)] for one in words)


@contextlib.contextmanager
def resident(socket: Path, env: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run it on a socket; it has gone to sleep when the block begins."""
    command = [program("samemachine-guest"), "serve", "--socket", str(socket)]
    with running(command, env, lambda: listening(socket)) as process:
        # The socket is there before the process is what waits on it.
        end = time.monotonic() + SECONDS
        while not _sleeps(process.pid):
            if time.monotonic() > end:
                raise BrokenError(f"{' '.join(command)} does not go to sleep")
        yield process


def _sleeps(pid: int) -> bool:
    before = State.of(pid)
    time.sleep(_LOOK)
    now = State.of(pid)
    state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    return state == "S" and (before.wakes, before.cpu) == (now.wakes, now.cpu)
