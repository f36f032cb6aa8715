"""Heads of disks with partition tables, as UEFI 5.3 has them."""

import zlib
from uuid import UUID

_ESP = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")


def head(
    *guids: UUID,
    sector: int = 512,
    count: int = 128,
    size: int = 128,
    kind: UUID = _ESP,
    begin: int = 2048,
    end: int = 4095,
    first: int = 34,
    last: int = 8191,
) -> bytes:
    """Return the first MiB of a disk with these partitions.

    ``first``: the first sector that a partition may have; ``last``: the disk's last one.
    """
    place = begin.to_bytes(8, "little") + end.to_bytes(8, "little")
    entries = b"".join(
        (kind.bytes_le + guid.bytes_le + place).ljust(size, b"\0")[:size] for guid in guids
    )
    area = entries.ljust(count * size, b"\0")
    header = (
        b"EFI PART".ljust(32, b"\0")
        + last.to_bytes(8, "little")
        + first.to_bytes(8, "little")
        + bytes(24)
        + (2).to_bytes(8, "little")
        + b"".join(one.to_bytes(4, "little") for one in (count, size, zlib.crc32(area)))
    )
    return (bytes(sector) + header.ljust(sector, b"\0") + area).ljust(1 << 20, b"\0")
