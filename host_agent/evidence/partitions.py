"""The partitions of a GPT, by its head. Pure.

UEFI specification, 5.3.2 (header, in the second sector) and 5.3.3 (entries). A guest can write what
it likes there: within bounds, and by its checksums, or it is no table.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

HEAD = 1 << 20
"""Bytes of a disk in which its table is, as every tool makes it."""
_SECTORS = 512, 4096
_TABLE = 1
"""The sector of the header, before which and in which no partition is."""
_SIGNATURE = b"EFI PART"
_MOST_ENTRIES = 1024
_SIZES = {128, 256, 512, 1024}
_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
"""The type of an EFI system partition (13.3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPartitions:
    """Where a disk's EFI system partitions are."""

    size: int
    """Of the disk, in bytes, by its table."""
    areas: tuple[tuple[int, int], ...]
    """Of each the first byte, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitions:
    """What a domain's disks have."""

    found: frozenset[UUID]
    """The GUIDs of all partitions that could be read."""
    unread: tuple[str, ...] = ()
    """The disks of which it is not known, each with why."""


def of_head(head: bytes) -> frozenset[UUID] | None:
    """Return the GUIDs of a disk's partitions, none where it has no GPT; None: it is damaged."""
    for sector, header in _headers(head):
        entries = _entries(head, sector, header)
        return None if entries is None else frozenset(UUID(bytes_le=one[16:32]) for one in entries)
    return frozenset()


def system_partitions(head: bytes) -> SystemPartitions | None:
    """Return where a disk's EFI system partitions are; None: it has none that can be told."""
    for sector, header in _headers(head):
        last, first = (int.from_bytes(header[at : at + 8], "little") for at in (32, 40))
        spans = [
            (int.from_bytes(one[32:40], "little"), int.from_bytes(one[40:48], "little"))
            for one in _entries(head, sector, header) or ()
            if UUID(bytes_le=one[:16]) == _SYSTEM
        ]
        areas = tuple(
            (begin * sector, (end + 1 - begin) * sector)
            for begin, end in spans
            # As old tools did, it may begin right behind the table.
            if _TABLE < first <= begin <= end <= last
        )
        return SystemPartitions(size=(last + 1) * sector, areas=areas) if areas else None
    return None


def _headers(head: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the size of a sector, and the header, of each size that it may have."""
    for sector in _SECTORS:
        header = head[sector : sector + 92]
        if header.startswith(_SIGNATURE):
            yield sector, header


def _entries(head: bytes, sector: int, header: bytes) -> tuple[bytes, ...] | None:
    """Return the entries that are used; None: the table is damaged."""
    if len(header) < 92:
        return None
    begin = int.from_bytes(header[72:80], "little") * sector
    count, size, checksum = (int.from_bytes(header[at : at + 4], "little") for at in (80, 84, 88))
    if count > _MOST_ENTRIES or size not in _SIZES or begin + count * size > len(head):
        return None
    area = head[begin : begin + count * size]
    if zlib.crc32(area) != checksum:
        return None
    entries = (area[at : at + 48] for at in range(0, len(area), size))
    # One without a type is not used.
    return tuple(one for one in entries if any(one[:16]))
