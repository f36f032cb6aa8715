"""What a run over many hosts has found so far, kept until it is whole: a run broken off goes on.

One file a host, written whole as soon as that host is done, in a folder of the run that only its
user may read. The folder is gone when the run is whole.
"""

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_agent import whole_file
from host_agent.hosts.parcel import ParcelError, packed, unpacked

MOST_AGE = 24 * 3600.0
"""Seconds after which what was found is no answer any more."""
_ENDING = ".host"
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a host was found to be, and when."""

    found: Any
    time: float
    """Seconds since 1970-01-01 UTC."""


def default_directory() -> Path:
    """Return where this user's runs are (file-hierarchy(7))."""
    if os.geteuid() == 0:
        return Path("/var/lib/samemachine/runs")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "samemachine/runs"


class RunJournal:
    """One run's; ``request`` is all that two runs must have in common to be the same one."""

    def __init__(self, request: str, directory: Path | None = None) -> None:
        name = hashlib.sha256(request.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self._folder = (directory or default_directory()) / name

    def begin(self) -> None:
        """Forget an earlier run of the same, and what is too old of others; raises ``OSError``."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for other in self._folder.parent.iterdir():
            with suppress(OSError):
                if time.time() - other.lstat().st_mtime > MOST_AGE:
                    shutil.rmtree(other)

    def keep(self, uri: str, found: object) -> None:
        """Keep what a host was found to be; raises ``OSError``."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._opened() as folder:
            raw = packed((uri, Kept(found=found, time=time.time())))
            whole_file.write(folder, _name(uri), raw)

    def kept(self, uri: str) -> Kept | None:
        """Return what a host was found to be; None: it was not, or too long ago."""
        try:
            with self._opened() as folder:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                with os.fdopen(os.open(_name(uri), flags, dir_fd=folder), "rb") as file:
                    if not _is_ours(os.fstat(file.fileno())):
                        return None
                    of, kept = unpacked(file.read(_MOST_BYTES))
        except (OSError, ParcelError, ValueError, TypeError):
            # Of another version of ours, or damaged: it is asked again.
            return None
        good = of == uri and isinstance(kept, Kept) and abs(time.time() - kept.time) < MOST_AGE
        return kept if good else None

    def end(self) -> None:
        """Forget it: the run is whole."""
        with suppress(OSError):
            shutil.rmtree(self._folder)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        folder = os.open(self._folder, flags)
        try:
            if not _is_ours(os.fstat(folder)):
                raise PermissionError(
                    f"{self._folder} is another user's, or others may write there"
                )
            yield folder
        finally:
            os.close(folder)


def _name(uri: str) -> str:
    digest = hashlib.sha256(uri.encode("utf-8", "surrogateescape"))
    return f"{digest.hexdigest()}{_ENDING}"


def _is_ours(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o022
