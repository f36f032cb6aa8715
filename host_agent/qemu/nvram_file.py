"""The bytes of a variable store: read as they are, never locked, never written.

A guest may be writing while we read, so it is read until two readings agree.
"""

import errno
import io
import json
import os
import stat
import time
from pathlib import Path

from host_agent import bounded, inside_root
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import image_tool
from host_agent.qemu.nvram_place import QCOW2, Place

MOST = 4 * 1024 * 1024
"""Bytes that are looked at: OVMF's stores have 128 or 528 KiB, and of the 64 MiB of an arm64
machine's flash the first 768 KiB are the store (edk2 ``OvmfPkg``, ``ArmVirtPkg``)."""
_MOST_QCOW2 = 16 * 1024 * 1024
"""Bytes of a file in qcow2, whose clusters may be in any order."""
_READINGS = 5
_PAUSE = 0.1
_READ_SECONDS = 30.0
_BLOCK = 1 << 20
_PIECE = 1 << 16


def content(place: Place, root: Path) -> bytes:
    """Return what is in the store, of a QEMU whose root directory is given.

    Raises ``EvidenceError``.
    """
    most = _MOST_QCOW2 if place.form == QCOW2 else MOST
    try:
        # It may lie on another machine's disk, which may be gone.
        found = bounded.call(lambda: _settled(place.path, root, most), _READ_SECONDS)
        return _of_qcow2(found, place.path) if place.form == QCOW2 else found
    except bounded.CallTimeoutError as error:
        raise EvidenceError(Reason.HUNG, f"{place.path} can't be read: {error}") from error
    except FileNotFoundError as error:
        raise EvidenceError(
            Reason.ABSENT, f"there is no {place.path}; libvirt makes it at the next start"
        ) from error
    except PermissionError as error:
        raise EvidenceError(
            Reason.DENIED, f"{place.path} may not be read", "run as root"
        ) from error
    except OSError as error:
        raise EvidenceError(Reason.FAILED, f"{place.path}: {error.strerror}") from error


def _settled(path: str, root: Path, most: int) -> bytes:
    """Return a file's first bytes as two readings in a row have them; raises ``OSError``."""
    for _ in range(_READINGS - 1):
        found = _read(path, root, most)
        if _is_still(path, root, found, most):
            return found
        time.sleep(_PAUSE)
    raise EvidenceError(Reason.FAILED, f"{path} changes as fast as it is read", "try again")


def _is_still(path: str, root: Path, before: bytes, most: int) -> bool:
    """Tell whether a second reading gives the same; piece by piece, which spares its memory."""
    at = 0
    with _opened(path, root) as file:
        while at < most and (part := file.read(min(_PIECE, most - at))):
            if not before.startswith(part, at):
                return False
            at += len(part)
    return at == len(before)


def _read(path: str, root: Path, most: int) -> bytes:
    with _opened(path, root) as file:
        # In one piece, as a rule: of a block device and of /proc the size is 0.
        size = os.fstat(file.fileno()).st_size
        found = file.read(min(most, size or _BLOCK)) or b""
        while len(found) < most and (part := file.read(min(_BLOCK, most - len(found)))):
            found += part
        return found


def _opened(path: str, root: Path) -> io.FileIO:
    # A pipe of that name must not be waited for.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(inside_root.resolved(root, path), flags)
    file = io.FileIO(descriptor)
    mode = os.fstat(descriptor).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        file.close()
        raise OSError(errno.EINVAL, "it is no file", path)
    return file


def _of_qcow2(image: bytes, path: str) -> bytes:
    """Return the first bytes of a disk in qcow2, by QEMU's own tool, which sees a copy only."""
    if len(image) >= _MOST_QCOW2:
        raise EvidenceError(Reason.FAILED, f"{path} is larger than a store's image ever is")
    source, target = os.memfd_create("nvram-image"), os.memfd_create("nvram")
    try:
        with os.fdopen(os.dup(source), "wb") as file:
            file.write(image)
        for descriptor in (source, target):
            # The tool opens them again, as a user without rights.
            os.fchmod(descriptor, 0o666)
        _convert(source, target, path)
        with os.fdopen(os.dup(target), "rb") as file:
            file.seek(0)
            return file.read(MOST)
    finally:
        os.close(source)
        os.close(target)


def _convert(source: int, target: int, path: str) -> None:
    disk = {
        "driver": "qcow2",
        # Whatever the image says: nothing but itself is opened.
        "backing": None,
        "file": {"driver": "file", "filename": image_tool.place(source), "locking": "off"},
    }
    tool = [
        "dd", "-U", "-O", "raw", f"bs={_BLOCK}", f"count={MOST // _BLOCK}",
        f"if=json:{json.dumps(disk)}", f"of={image_tool.place(target)}",
    ]  # fmt: skip
    try:
        code = image_tool.run(tool, (source, target), MOST, without_rights=True)
    except OSError as error:
        raise EvidenceError(
            Reason.FAILED, f"qemu-img can't read {path}: {error.strerror}"
        ) from error
    if code == image_tool.ABSENT:
        raise EvidenceError(
            Reason.ABSENT,
            f"{path} is in qcow2, which qemu-img reads, and that is not installed",
            "install qemu-utils",
        )
    if code:
        raise EvidenceError(Reason.FAILED, f"qemu-img can't read {path} (exit code {code})")
