"""Files that are written whole or not at all, and are on the disk once they have their name.

Others see the old file or the new one, also after a power cut: the contents reach the disk before
the name does, and the name before we return (fsync(2), rename(2)).
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

UNFINISHED = ".unfinished"
"""How the name of a file ends that a killed program may leave behind."""


@contextmanager
def replacing(folder: int, name: str, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A new file, which takes its name in a folder (a descriptor) when the block ends well.

    ``mode`` as open(2) has it, less the umask. Raises ``OSError``.
    """
    unfinished = f".{secrets.token_hex(8)}{UNFINISHED}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(unfinished, flags, mode, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=folder)
        raise
    os.fsync(folder)


def write(folder: int, name: str, raw: bytes) -> None:
    """Write a file of our own, which nobody else may read; raises ``OSError``."""
    with replacing(folder, name) as file:
        file.write(raw)
