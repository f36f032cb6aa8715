"""The guest agent's resident process on a unix socket."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def resident(folder: Path) -> Iterator[str]:
    """Run it; yields the path of its socket."""
    path = folder / "guest"
    process = subprocess.Popen(
        [sys.executable, "-m", "guest_agent", "serve", "--socket", str(path)],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not path.exists():
            if process.poll() is not None:
                raise RuntimeError("the guest agent does not start")
            time.sleep(0.01)
        yield str(path)
    finally:
        process.terminate()
        process.wait()
