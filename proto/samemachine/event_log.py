"""A firmware's log of what it measured, and what a TPM's registers become of it. Pure.

TCG PC Client Platform Firmware Profile 1.06, 10: the log begins with one event in the old form,
whose data names the digests ("Spec ID Event03"), and goes on in the new form.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHA256 = 0x000B
"""The algorithm's number (TCG Algorithm Registry)."""
NO_ACTION = 3
"""Type of an event that extends nothing."""
SEPARATOR = 4
FIRST = 8
"""The registers before this one are the firmware's."""
SIGNATURE = b"Spec ID Event03\0"
_OLD_HEAD = 32
_MOST_DIGESTS = 16


class LogError(ValueError):
    """It is no such log, or it is damaged; the sentence says what."""


@dataclass(frozen=True)
class Event:
    """One event."""

    pcr: int
    type: int
    sha256: bytes
    data: bytes
    """What was measured, or what names it."""


def events(log: bytes) -> "Iterator[Event]":
    """Yield the events after the first, which names the form; raises ``LogError``.

    It ends at the log's last whole event; a header of zeros, as in memory that is not written yet,
    ends it as well.
    """
    sizes, at = _form(log)
    while at < len(log):
        if not any(log[at : at + 12]):
            return
        pcr, kind, count = (_number(log, at + step, 4) for step in (0, 4, 8))
        at += 12
        if count > _MOST_DIGESTS:
            raise LogError(f"an event has {count} digests")
        digest = None
        for _ in range(count):
            algorithm = _number(log, at, 2)
            if algorithm not in sizes:
                raise LogError(f"digests of algorithm {algorithm:#x} are not declared")
            if algorithm == SHA256:
                digest = _piece(log, at + 2, sizes[algorithm])
            at += 2 + sizes[algorithm]
        length = _number(log, at, 4)
        data = _piece(log, at + 4, length)
        at += 4 + length
        if digest is None:
            raise LogError("an event has no digest in SHA-256")
        yield Event(pcr, kind, digest, data)


def replayed(found: "Iterable[Event]") -> "tuple[bytes, ...]":
    """Return what the first eight registers are after these events."""
    values = [bytes(32)] * FIRST
    for event in found:
        if event.pcr < FIRST and event.type != NO_ACTION:
            values[event.pcr] = hashlib.sha256(values[event.pcr] + event.sha256).digest()
    return tuple(values)


def _form(log: bytes) -> "tuple[dict[int, int], int]":
    """Return the declared digests' sizes, and where the next event begins."""
    if _number(log, 4, 4) != NO_ACTION:
        raise LogError("it does not begin with an event that names its form")
    data = _piece(log, _OLD_HEAD, _number(log, _OLD_HEAD - 4, 4))
    if not data.startswith(SIGNATURE):
        raise LogError("it is in another form than that of TPM 2.0")
    count = _number(data, 24, 4)
    if not 0 < count <= _MOST_DIGESTS:
        raise LogError(f"it declares {count} algorithms")
    pairs = (
        (_number(data, 28 + 4 * one, 2), _number(data, 30 + 4 * one, 2)) for one in range(count)
    )
    sizes = dict(pairs)
    if sizes.get(SHA256) != 32:
        raise LogError("it has no digests in SHA-256")
    return sizes, _OLD_HEAD + len(data)


def _number(raw: bytes, at: int, size: int) -> int:
    return int.from_bytes(_piece(raw, at, size), "little")


def _piece(raw: bytes, at: int, size: int) -> bytes:
    if at + size > len(raw):
        raise LogError("it ends in the middle of an event")
    return raw[at : at + size]
