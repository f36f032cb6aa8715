"""Reads files under a root and says in the contract's words why one can't be read."""

import os
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError

# The contract bounds a report at 1 MiB; nothing we read comes near a quarter of it.
MAX_BYTES = 256 * 1024

_ATTRIBUTE_BYTES = 4096
"""sysfs gives an attribute in one page (Linux filesystems/sysfs.rst); most have a few bytes."""

_CHUNK = 16384


def read_bytes(root: Path, name: str, limit: int = MAX_BYTES) -> bytes:
    """Return the content of ``name`` (absolute, as on a real guest) under ``root``.

    Raises ``EvidenceError``: absent, unreadable (no permission) or failed (anything else).
    """
    data = read_head(root, name, limit + 1)
    if len(data) > limit:
        raise EvidenceError(AbsenceReason.FAILED, f"{name} is longer than {limit} bytes")
    return data


def read_head(root: Path, name: str, size: int) -> bytes:
    """Return at most the first ``size`` bytes of ``name``; raises as ``read_bytes`` does."""
    try:
        # A report is made of hundreds of small files: neither paths nor buffers are built for each.
        # Whatever lies there, opening it must not block.
        path = os.path.join(root, name.lstrip("/"))  # noqa: PTH118
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read(descriptor, size)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise EvidenceError(AbsenceReason.ABSENT, f"there is no {name}") from None
    except PermissionError:
        raise EvidenceError(
            AbsenceReason.UNREADABLE, f"{name} may not be read; the agent must run as root"
        ) from None
    except OSError as error:
        raise EvidenceError(
            AbsenceReason.FAILED, f"{name} can't be read: {error.strerror}"
        ) from error


def _read(descriptor: int, size: int) -> bytes:
    """Read until the end, the size, or where there is nothing yet: /proc gives a page at a time."""
    data = b""
    try:
        while len(data) < size and (more := os.read(descriptor, min(_CHUNK, size - len(data)))):
            data += more
    except BlockingIOError:
        pass
    return data


def read_text(root: Path, name: str) -> str:
    """Return the content of ``name`` under ``root`` as text; see ``read_bytes``."""
    return read_bytes(root, name).decode("utf-8", "replace")


def attribute(root: Path, name: str) -> Optional[bytes]:
    """Return the content of a small file that need not be there; None where there is none.

    A driver that has nothing to say makes no file, an empty one, or fails the read (SCSI's ``wwid``
    with EINVAL or ENXIO). Raises ``EvidenceError`` (unreadable) only where permission is missing.
    """
    try:
        return read_bytes(root, name, _ATTRIBUTE_BYTES)
    except EvidenceError as error:
        if error.reason is AbsenceReason.UNREADABLE:
            raise
        return None
