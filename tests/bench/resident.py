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


@contextlib.contextmanager
def resident(socket: Path, env: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run it on a socket."""
    command = [program("samemachine-guest"), "serve", "--socket", str(socket)]
    with running(command, env, socket.exists) as process:
        yield process
