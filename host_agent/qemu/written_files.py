"""A folder for what QEMU tells by writing a file only, and what it wrote there."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu.session import probe_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder, as we see it and as QEMU does."""

    ours: Path
    theirs: Path


@contextmanager
def folder(root: Path | None) -> Iterator[Folder]:
    """Make a folder that a QEMU without rights can write to; raises ``EvidenceError``.

    ``root``: the root folder of the system that QEMU is of; None: ours. It is gone afterwards.
    """
    # Inside another root QEMU sees that root's own /tmp.
    place = root / "tmp" if root else Path(tempfile.gettempdir())
    try:
        if root and place.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        made = Path(tempfile.mkdtemp(prefix="samemachine-probe-", dir=place))
    except OSError as error:
        raise EvidenceError(
            Reason.FAILED, f"{place} can't hold what QEMU writes: {error.strerror}"
        ) from error
    try:
        if os.geteuid() == 0:
            user = probe_user()
            os.chown(made, user, user)
        yield Folder(ours=made, theirs=Path("/", "tmp", made.name) if root else made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def written(file: Path, most: int) -> bytes:
    """Return what QEMU wrote, if it wrote a file and not a link to one of ours, or a pipe.

    Raises ``OSError`` where it can't be read, ``EvidenceError`` where it is no file, or has more
    than ``most`` bytes.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError(Reason.FAILED, f"QEMU wrote {file.name} to no file")
        return content(descriptor, file.name, most)
    finally:
        os.close(descriptor)


def content(descriptor: int, name: str, most: int) -> bytes:
    """Return what an open file holds; raises as ``written`` does."""
    with os.fdopen(os.dup(descriptor), "rb") as opened:
        opened.seek(0)
        found = opened.read(most + 1)
    if len(found) > most:
        raise EvidenceError(Reason.FAILED, f"QEMU wrote {name} of more than {most} bytes")
    return found
