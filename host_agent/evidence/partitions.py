"""The partitions of a GPT, by its head. Pure.

UEFI specification, 5.3.2 (header, in the second sector) and 5.3.3 (entries). A guest can write what
it likes there: within bounds, and by its checksums, or it is no table.
"""

import zlib
from dataclasses import dataclass
from uuid import UUID

HEAD = 1 << 20
"""Bytes of a disk in which its table is, as every tool makes it."""
_SECTORS = 512, 4096
_SIGNATURE = b"EFI PART"
_MOST_ENTRIES = 1024
_SIZES = {128, 256, 512, 1024}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """What a domain's disks have."""

    found: frozenset[UUID]
    """The GUIDs of all partitions that could be read."""
    unread: tuple[str, ...] = ()
    """The disks of which it is not known, each with why."""


def of_head(head: bytes) -> frozenset[UUID] | None:
    """Return the GUIDs of a disk's partitions, none where it has no GPT; None: it is damaged."""
    for sector in _SECTORS:
        header = head[sector : sector + 92]
        if header.startswith(_SIGNATURE):
            return _entries(head, sector, header)
    return frozenset()


def _entries(head: bytes, sector: int, header: bytes) -> frozenset[UUID] | None:
    if len(header) < 92:
        return None
    begin = int.from_bytes(header[72:80], "little") * sector
    count, size, checksum = (int.from_bytes(header[at : at + 4], "little") for at in (80, 84, 88))
    if count > _MOST_ENTRIES or size not in _SIZES or begin + count * size > len(head):
        return None
    area = head[begin : begin + count * size]
    if zlib.crc32(area) != checksum:
        return None
    entries = (area[at : at + 32] for at in range(0, len(area), size))
    # One without a type is not used.
    return frozenset(UUID(bytes_le=one[16:32]) for one in entries if any(one[:16]))
