"""The variable store of a firmware that is rehearsed: a copy, in memory, of its package's.

The domain's own is never opened: it is the domain's, and what it holds (boot entries, keys) changes
nothing of the tables that are read.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from host_agent import inside_root
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.rehearsal_flash import Flash

_MAX_STORE = 64 * 1024 * 1024
"""As large as the flash of an arm64 ``virt`` (QEMU ``hw/arm/virt.c``), nearly all of it zeros."""
_CHUNK = 1024 * 1024
_DESCRIPTORS = "/usr/share/qemu/firmware", "/etc/qemu/firmware"
_MAX_DESCRIPTOR = 64 * 1024
_MAX_DESCRIPTORS = 256


@contextmanager
def opened(
    flash: Flash | None, binary: QemuBinary, kept: bytes | None = None
) -> Iterator[int | None]:
    """Yield a descriptor that can be written; None: the firmware wants no store.

    ``kept``: what is in it, where that is not its package's. Raises ``EvidenceError``.
    """
    if flash is None or not flash.store:
        yield None
        return
    root = root_of(binary)
    named = template(flash.code, root)
    try:
        content = _content(root, named, _MAX_STORE) if kept is None else kept
        descriptor = os.memfd_create("samemachine-store")
    except OSError as error:
        raise EvidenceError(
            Reason.FAILED,
            f"no variable store can be had for {flash.code}: {named}: {error.strerror}",
        ) from error
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            _write(file, content)
        # QEMU opens it again, as a user without rights.
        os.fchmod(descriptor, 0o666)
        yield descriptor
    finally:
        os.close(descriptor)


def _write(file: IO[bytes], content: bytes) -> None:
    """Write a file's content; what is zeros takes no memory."""
    for at in range(0, len(content), _CHUNK):
        piece = content[at : at + _CHUNK]
        if piece.count(0) < len(piece):
            file.seek(at)
            file.write(piece)
    file.truncate(len(content))


def root_of(binary: QemuBinary) -> Path:
    """Return the root folder that a binary's paths are in."""
    return binary.root or (Path(f"/proc/{binary.pid}/root") if binary.pid else Path("/"))


def template(code: str, root: Path) -> str:
    """Return the path of a new guest's store, as a descriptor has it.

    QEMU ``docs/interop/firmware.json``. Raises ``OSError``.
    """
    names: dict[str, str] = {}
    for folder in _DESCRIPTORS:
        place = inside_root.resolved(root, folder)
        for file in sorted(place.glob("*.json")) if place.is_dir() else ():
            # Of two of one name the operator's own wins.
            names[file.name] = f"{folder}/{file.name}"
    for name in sorted(names)[:_MAX_DESCRIPTORS]:
        try:
            mapping = json.loads(_content(root, names[name], _MAX_DESCRIPTOR))["mapping"]
            found = str(mapping["nvram-template"]["filename"])
            executable = mapping["executable"]["filename"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if executable == code:
            return found
    # No descriptor has the links that packages make to their images.
    return code.replace("CODE", "VARS").replace(".secboot", "")


def _content(root: Path, path: str, most: int) -> bytes:
    """Return a file of another root; raises ``OSError``."""
    place = inside_root.resolved(root, path)
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    return content
