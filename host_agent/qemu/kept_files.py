"""Answers of QEMU that are kept on disk, each a compressed file by the digest of what was asked.

What can't be read or written is made again, so nothing here is an error. The folder must be the
user's own, and nobody else may write there: an answer that another one put there would be believed.
"""

import gzip
import hashlib
import json
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from host_agent import whole_file
from host_agent.untrusted_text import json_of
from host_agent.whole_file import UNFINISHED

_MAX_BYTES = 4 * 1024 * 1024
_SUFFIX = ".json.gz"
UNREADABLE = (
    OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, OverflowError,
    RecursionError,
)  # fmt: skip
"""What reading a file that is damaged, or none of ours, may raise."""


def default_folder(name: str) -> Path:
    """Return where this user's answers of a kind are kept (file-hierarchy(7))."""
    if os.geteuid() == 0:
        return Path("/var/cache/samemachine") / name
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "samemachine" / name


class KeptFiles:
    """A folder of answers, of which the oldest are removed where there are more than ``most``."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def get(self, asked: object) -> Any:
        """Return what was kept for a question; raises one of ``UNREADABLE``."""
        name = _name(asked)
        with self._opened() as folder:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file, gzip.open(file) as stream:
                raw = stream.read(_MAX_BYTES + 1)
            with suppress(OSError):
                # Whoever is used stays: the oldest are removed.
                os.utime(name, dir_fd=folder)
        return json_of(raw.decode())

    def put(self, asked: object, form: object) -> None:
        """Keep an answer; a full disk or a folder that is not ours costs nothing but time later."""
        raw = gzip.compress(json.dumps(form).encode(), compresslevel=3)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._opened() as folder:
                self._prune(folder)
                whole_file.write(folder, _name(asked), raw)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The folder, whatever its path leads to later; raises ``OSError`` where it isn't ours."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            status = os.fstat(folder)
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(f"{self._folder} belongs to somebody else as well")
            yield folder
        finally:
            os.close(folder)

    def _prune(self, folder: int) -> None:
        used = {}
        for name in os.listdir(folder):
            if name.endswith((_SUFFIX, UNFINISHED)):
                # Another process may be removing them just now.
                with suppress(FileNotFoundError):
                    used[name] = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
        if len(used) >= self._most:
            for name in sorted(used, key=used.__getitem__)[: max(1, self._most // 10)]:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)


def _name(asked: object) -> str:
    return f"{hashlib.sha256(json.dumps(asked).encode()).hexdigest()}{_SUFFIX}"
