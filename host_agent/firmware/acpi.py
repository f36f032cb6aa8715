"""ACPI tables as QEMU hands them to the firmware → tables with header fields. Pure.

QEMU lays its tables one after another into the fw_cfg file ``etc/acpi/tables``, with checksums and
addresses left to the firmware, which the script ``etc/table-loader`` tells what to fill in
(QEMU ``hw/acpi/aml-build.c``, ``hw/acpi/bios-linker-loader.c``). Headers are those of the ACPI
specification 6.5, clause 5.2.6, and 5.2.10 for the FACS, which has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from host_agent.printable import printable

HEADER = 36
TABLES_FILE = "etc/acpi/tables"
MAX_BYTES = 4 * 1024 * 1024
_MAX_TABLES = 256
_COMMAND = 128
_ADD_POINTER, _ADD_CHECKSUM = 2, 3


class AcpiError(ValueError):
    """The bytes are no ACPI tables; the sentence says why."""


class Checksum(StrEnum):
    """What a table's checksum says."""

    VALID = "valid"
    LEFT = "left to the firmware"
    WRONG = "wrong"
    NONE = "none"
    """The FACS has no checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One ACPI table."""

    offset: int
    raw: bytes

    @property
    def signature(self) -> str:
        """Four letters, such as ``DSDT``."""
        return self.raw[:4].decode("ascii")

    @property
    def has_header(self) -> bool:
        """Whether the fields of 5.2.6 are there."""
        return self.signature != "FACS"

    @property
    def header(self) -> dict[str, str]:
        """The header's fields in words, without length and checksum."""
        if not self.has_header:
            return {}
        raw = self.raw
        return {
            "Revision": str(raw[8]),
            "OEM ID": _text(raw[10:16]),
            "OEM Table ID": _text(raw[16:24]),
            "OEM Revision": f"0x{int.from_bytes(raw[24:28], 'little'):08x}",
            "Creator ID": _text(raw[28:32]),
            "Creator Revision": f"0x{int.from_bytes(raw[32:36], 'little'):08x}",
        }

    @property
    def body(self) -> bytes:
        """What follows the header: AML in a DSDT or SSDT, fixed fields in others."""
        return self.raw[HEADER if self.has_header else 8 :]

    def checksum(self, covered: frozenset[int]) -> Checksum:
        """Judge the checksum; ``covered`` are the offsets that the firmware will fill in."""
        if not self.has_header:
            return Checksum.NONE
        if self.offset + 9 in covered:
            return Checksum.LEFT
        return Checksum.WRONG if sum(self.raw) % 256 else Checksum.VALID


def _text(raw: bytes) -> str:
    return f"'{printable(raw.rstrip(b' ').rstrip(bytes(1)).decode('ascii', 'backslashreplace'))}'"


def root_pointer(rsdp: bytes) -> dict[str, str]:
    """Return what ``etc/acpi/rsdp`` says besides addresses and checksums (5.2.5.3)."""
    if len(rsdp) < 20:
        return {}
    return {"OEM ID": _text(rsdp[9:15]), "Revision": str(rsdp[15])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All tables of a blob; between and after them are zeros only."""

    tables: tuple[Table, ...]
    length: int

    def build(self) -> bytes:
        """Return the bytes that they were parsed from."""
        blob = bytearray(self.length)
        for table in self.tables:
            blob[table.offset : table.offset + len(table.raw)] = table.raw
        return bytes(blob)


def split(blob: bytes) -> Tables:
    """Return the tables; raises ``AcpiError`` where there is anything between them but zeros."""
    if len(blob) > MAX_BYTES:
        raise AcpiError(f"the tables have {len(blob)} bytes, more than {MAX_BYTES}")
    return Tables(tables=tuple(_tables(blob)), length=len(blob))


def _tables(blob: bytes) -> Iterator[Table]:
    at = 0
    for _ in range(_MAX_TABLES + 1):
        while at < len(blob) and not blob[at]:
            # Zeros fill the blob up to its fixed size: skip all of them at once.
            at = len(blob) - len(blob[at:].lstrip(b"\0"))
        if at >= len(blob):
            return
        raw = blob[at : at + int.from_bytes(blob[at + 4 : at + 8], "little")]
        signature = blob[at : at + 4]
        if len(signature) < 4 or not signature.isalnum():
            raise AcpiError(f"there is no table at offset {at}")
        least = 64 if signature == b"FACS" else HEADER
        if len(raw) < least or len(raw) != int.from_bytes(blob[at + 4 : at + 8], "little"):
            raise AcpiError(f"the table at offset {at} is cut short")
        yield Table(offset=at, raw=raw)
        at += len(raw)
    raise AcpiError(f"there are more than {_MAX_TABLES} tables")


def end(blob: bytes) -> int | None:
    """Return where the last whole table ends, before zeros; None: the blob ends within one.

    Tells a reader of a blob that arrives bit by bit when it has all of it.
    """
    at = 0
    while at + 8 <= len(blob):
        if not any(blob[at : at + 8]):
            return at
        length = int.from_bytes(blob[at + 4 : at + 8], "little")
        if length < 8:
            return at
        at += length
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """What the loader's script fills into ``etc/acpi/tables``."""

    pointers: tuple[tuple[int, int], ...]
    """Offset and size of addresses."""
    checksums: frozenset[int]
    """Offsets of checksums."""


def loader(script: bytes) -> Loader:
    """Read ``etc/table-loader``: entries of 128 bytes, the first zero one ends it.

    What it doesn't know it leaves out, as SeaBIOS does (``src/fw/romfile_loader.c``).
    """
    pointers, checksums = [], []
    for at in range(0, len(script) - _COMMAND + 1, _COMMAND):
        command = int.from_bytes(script[at : at + 4], "little")
        name, rest = script[at + 4 : at + 60].rstrip(b"\0"), script[at + 60 : at + _COMMAND]
        if command == _ADD_POINTER and name == TABLES_FILE.encode():
            # 56 bytes name the file that is pointed into.
            pointers.append((int.from_bytes(rest[56:60], "little"), rest[60]))
        elif command == _ADD_CHECKSUM and name == TABLES_FILE.encode():
            checksums.append(int.from_bytes(rest[:4], "little"))
    return Loader(pointers=tuple(pointers), checksums=frozenset(checksums))


def loader_end(script: bytes) -> int | None:
    """Return where the script's first zero entry is, which ends it; None: it goes on."""
    for at in range(0, len(script) - _COMMAND + 1, _COMMAND):
        if not any(script[at : at + 4]):
            return at
    return None


def without_pointers(tables: Tables, script: Loader) -> Tables:
    """Return the tables with zeros for every address that the firmware will fill in.

    Before that the places hold offsets within the blob, which change with any table's length.
    """
    blob = bytearray(tables.build())
    for offset, size in script.pointers:
        if offset + size <= len(blob):
            blob[offset : offset + size] = bytes(size)
    return Tables(
        tables=tuple(
            Table(
                offset=table.offset, raw=bytes(blob[table.offset : table.offset + len(table.raw)])
            )
            for table in tables.tables
        ),
        length=tables.length,
    )
