"""The guest agent's resident process on a unix socket."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench.processes import BrokenError, program
from tests.checkout import CHECKOUT

SECONDS = 60


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
    """Run it on a socket."""
    command = [program("samemachine-guest"), "serve", "--socket", str(socket)]
    with running(command, env, lambda: listening(socket)) as process:
        yield process
