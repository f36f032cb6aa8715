"""What QEMU shows a domain, without what is its own: so domains of two hosts compare. Pure.

Two domains of one machine type and one shape, which is QEMU's options but for UUID, serial numbers
and such, must be shown the same tables wherever they run.
"""

import base64
import hashlib
from dataclasses import dataclass

from host_agent.evidence.running import ProbedTables
from host_agent.missing import Missing
from host_agent.qemu import shape as shapes
from host_agent.qemu.command_line import OptionsError
from host_agent.qemu.options import from_text, to_text

MOST_TABLES = 64 * 1024
"""Bytes; QEMU's are less than one KiB for each 16 GiB of memory."""
_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A shape, and what it is shown."""

    shape: str
    """Digest."""
    shown: str
    """Digest."""
    tables: str
    """SMBIOS tables with stand-ins for what is the domain's own, in base64."""
    parts: tuple[str, ...] = ()
    """What else it is shown (``fingerprint_parts``)."""


def of(probed: ProbedTables | Missing) -> Likeness | None:
    """Return the likeness of a domain; None: it is not known, or has no tables.

    It is not known, either, where a probe could not be made with the domain's own accelerator.
    """
    if isinstance(probed, Missing) or probed.smbios is None or probed.masked:
        return None
    try:
        shape = shapes.of(from_text(probed.options))
    except OptionsError:
        return None
    raw = probed.smbios.tables
    for stand_in, text in shape.texts:
        raw = raw.replace(text + b"\0", stand_in + b"\0")
    if shape.uuid is not None:
        for own in (shape.uuid.bytes_le, shape.uuid.bytes):
            raw = raw.replace(own, bytes(len(own)))
    if len(raw) > MOST_TABLES:
        return None
    return Likeness(
        shape=_digest(to_text(shape.options).encode("utf-8", "surrogateescape")),
        shown=_digest("\n".join(("", *probed.parts)).encode() + raw),
        tables=base64.b64encode(raw).decode("ascii"),
        parts=probed.parts,
    )


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:_DIGITS]
