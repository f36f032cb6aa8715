"""Programs that run on a host of the lab while a test goes on, seen from outside."""

import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from tests.lab import pace


def inner(process: Popen[str]) -> int:
    """Return the program itself, behind the nsenter that waits beside it, once it is there."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: bool(children.read_text(encoding="ascii").split()))
    (pid,) = children.read_text(encoding="ascii").split()
    return int(pid)


def connected(pid: int) -> bool:
    """Whether a program has a connection, as to libvirt: it has begun what it is for.

    What it was given as its input and output is none.
    """
    found = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        if int(file.name) <= 2:
            continue
        try:
            found.append(str(file.readlink()))
        except FileNotFoundError:
            continue
    return any(name.startswith("socket:") for name in found)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + pace.stretched(seconds)
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
