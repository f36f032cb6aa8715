"""A cache of built images, keyed by what they are built from."""

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_KEY = 16
"""Hexadecimal digits."""


def directory() -> Path:
    """Return the cache's folder; SAMEMACHINE_LAB_CACHE moves it."""
    chosen = os.environ.get("SAMEMACHINE_LAB_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(chosen) if chosen else base / "samemachine-lab"


def key(*parts: str | bytes) -> str:
    """Return a name for content that is built from these parts."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()[:_KEY]


def tell(line: str) -> None:
    """Say on standard error how far we are, past whatever captures it."""
    # In one piece, since two may tell something at once.
    print(f"lab: {line}\n", end="", file=sys.__stderr__, flush=True)


def build(name: str, made_of: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name-KEY``, made by ``make`` where it is not there yet.

    A folder that is there is whole: it is made under another name and renamed. Older folders of the
    same name, and what an interrupted build left, are removed, unless a lab may be using them.
    """
    wanted = directory() / f"{name}-{made_of}"
    if wanted.exists():
        return wanted
    with _locked(name):
        if wanted.exists():
            return wanted
        _prune(name)
        started = time.monotonic()
        tell(f"building {name} (kept in {directory()})")
        unfinished = wanted.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            make(unfinished)
            unfinished.rename(wanted)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        tell(f"built {name} in {time.monotonic() - started:.0f} s")
    return wanted


def lab_lock() -> Path:
    """Return the file that a running lab holds a lock on."""
    return directory() / "lab.lock"


def _prune(name: str) -> None:
    with lab_lock().open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Its hosts' roots are overlays over these folders.
            return
        # Not a name that begins with this one.
        for old in directory().glob(f"{name}-{'[0-9a-f]' * _KEY}*"):
            shutil.rmtree(old)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    directory().mkdir(parents=True, exist_ok=True)
    with (directory() / f"{name}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
