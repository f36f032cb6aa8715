"""Files that somebody gives us by name: read within bounds of size and of time."""

import errno
import os
import select
import time
from pathlib import Path

from host_agent.errors import UsageError

SECONDS = 10.0
"""How long a pipe may say nothing; a file never waits."""
MOST_TEXT = 1 << 20
"""Bytes of a text that people write."""
_CHUNK = 1 << 20


def read(path: Path, most: int, seconds: float = SECONDS) -> bytes:
    """Return what a file or pipe holds.

    Raises ``UsageError`` where that is more than ``most`` bytes, and ``OSError``, of which
    ``TimeoutError`` where a pipe has said nothing for so many seconds.
    """
    # Opening a pipe that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        raw = bytearray()
        until = time.monotonic() + seconds
        while len(raw) <= most:
            if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
                raise TimeoutError(errno.ETIMEDOUT, f"nothing came from it within {seconds:g} s")
            part = file.read(min(_CHUNK, most + 1 - len(raw)))
            if part is None:
                continue
            if not part:
                return bytes(raw)
            raw += part
    size = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most} bytes"
    raise UsageError(f"{path} is larger than {size}, which no such file is")


def text(path: Path) -> str:
    """Return a text that people write; raises as ``read`` does, and ``UnicodeDecodeError``."""
    return read(path, MOST_TEXT).decode("utf-8")
