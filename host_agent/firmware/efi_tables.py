"""The EFI system table in memory, and what it names, before an operating system runs. Pure.

A firmware may leave a pointer to it on a 4 MiB boundary (UEFI 2.10, 18.4.2, the structure
EFI_SYSTEM_TABLE_POINTER), as OVMF does at the highest one in low memory; signature and CRC-32 prove
pointer and table. Its configuration table names others by GUID (4.6). Once an operating system
runs, the page of that pointer is reused and the table's own pointers are virtual addresses.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

STEP = 4 * 1024 * 1024
"""The pointer lies on a boundary of so many bytes."""
POINTER = 24
"""Bytes of it."""
ACPI = UUID("8868e871-e4f1-11d3-bc22-0080c73c8881")
SMBIOS = UUID("eb9d2d31-2d88-11d3-9a16-0090273fc14d")
SMBIOS3 = UUID("f2fd1544-9794-4a2c-992e-e5bbcf20e394")
_SIGNATURE = b"IBI SYST"
_TABLE = 120
"""Bytes of the system table of a 64-bit firmware."""
_MAX_ENTRIES = 128
_ENTRY = 24


def system_table(pointer: bytes) -> int | None:
    """Return the address that a valid pointer names; None: it is none."""
    if len(pointer) < POINTER or not pointer.startswith(_SIGNATURE):
        return None
    crc = int.from_bytes(pointer[16:20], "little")
    # Computed with the field itself as zero, over the whole structure.
    if zlib.crc32(pointer[:16] + bytes(4) + pointer[20:POINTER]) != crc:
        return None
    return int.from_bytes(pointer[8:16], "little")


def configuration(address: int, read: Callable[[int, int], bytes]) -> Mapping[UUID, int]:
    """Return GUID → address of what a system table names; empty where it is none (yet)."""
    table = read(address, _TABLE)
    size = int.from_bytes(table[12:16], "little")
    if len(table) < _TABLE or not table.startswith(_SIGNATURE) or size != _TABLE:
        return {}
    crc = int.from_bytes(table[16:20], "little")
    if zlib.crc32(table[:16] + bytes(4) + table[20:]) != crc:
        return {}
    count, place = (int.from_bytes(table[at : at + 8], "little") for at in (104, 112))
    if not 0 < count <= _MAX_ENTRIES:
        return {}
    entries = read(place, count * _ENTRY)
    return {
        UUID(bytes_le=entries[at : at + 16]): int.from_bytes(entries[at + 16 : at + 24], "little")
        for at in range(0, len(entries) - _ENTRY + 1, _ENTRY)
    }


def named(memory: bytes, what: UUID) -> Iterator[int]:
    """Yield what entries of a configuration table name, in memory that begins on a boundary.

    When an operating system runs, the entries are still there, and their addresses physical (UEFI
    2.10, 8.4, SetVirtualAddressMap converts the system table's own pointers). What only looks like
    an entry is yielded as well: whoever follows it proves what is there.
    """
    guid = what.bytes_le
    at = memory.find(guid)
    while at >= 0:
        entry = memory[at + len(guid) : at + _ENTRY]
        if at % 8 == 0 and any(entry) and len(entry) == _ENTRY - len(guid):
            yield int.from_bytes(entry, "little")
        at = memory.find(guid, at + 1)
