"""SMBIOS bytes → ``Smbios`` (DMTF DSP0134). Pure; bounded whatever the bytes are."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from host_agent.printable import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The SMBIOS fields that say what the machine is; None: not specified (DMTF DSP0134)."""

    source: str
    """Where they were read, in words for people."""
    manufacturer: str | None
    product: str | None
    version: str | None
    uuid: UUID | None
    """Type 1 UUID in the order of bytes that the specification has since 2.6."""
    chassis_version: str | None
    processor_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Smbios:
    """SMBIOS tables, raw and named."""

    entry_point: bytes
    tables: bytes
    """Up to and with the type 127 structure."""
    named: Named


END_OF_TABLE = 127
MAX_TABLES = 256 * 1024
MAX_STRUCTURES = 8192
MAX_STRINGS = 255
"""Of one structure: a byte names them (6.1.3)."""
_SYSTEM, _CHASSIS, _PROCESSOR = 1, 3, 4


class SmbiosError(ValueError):
    """The bytes are no SMBIOS; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """One SMBIOS structure (6.1): the formatted area with its header, and the strings after it."""

    type: int
    handle: int
    formatted: bytes
    strings: tuple[bytes, ...]

    def build(self) -> bytes:
        """Return the bytes that it was parsed from."""
        return self.formatted + b"\0".join(self.strings) + b"\0\0"

    def text(self, offset: int) -> str | None:
        """The string that the number at ``offset`` names (6.1.3); None: none or not specified."""
        if offset >= len(self.formatted):
            return None
        number = self.formatted[offset]
        if not 1 <= number <= len(self.strings):
            return None
        # The specification asks for ASCII; what else is there must not break anything.
        return printable(self.strings[number - 1].decode("utf-8", "backslashreplace")) or None


def structures(tables: bytes) -> Iterator[Structure]:
    """Yield the structures up to and with type 127.

    Raises ``SmbiosError`` where the bytes end before it, or where there are too many.
    """
    if len(tables) > MAX_TABLES:
        raise SmbiosError(f"the tables have {len(tables)} bytes, more than {MAX_TABLES}")
    at = 0
    for _ in range(MAX_STRUCTURES):
        if at + 4 > len(tables):
            raise SmbiosError("the tables end without an end-of-table structure")
        kind, length = tables[at], tables[at + 1]
        end = tables.find(b"\0\0", at + length)
        if length < 4 or end < 0:
            raise SmbiosError(f"the structure at offset {at} is broken")
        area = tables[at + length : end]
        if area.count(b"\0") >= MAX_STRINGS:
            raise SmbiosError(f"the structure at offset {at} has more than {MAX_STRINGS} strings")
        yield Structure(
            type=kind,
            handle=int.from_bytes(tables[at + 2 : at + 4], "little"),
            formatted=tables[at : at + length],
            strings=tuple(area.split(b"\0")) if area else (),
        )
        if kind == END_OF_TABLE:
            return
        at = end + 2
    raise SmbiosError(f"there are more than {MAX_STRUCTURES} structures")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All structures, and what lies after the end-of-table structure."""

    structures: tuple[Structure, ...]
    trailing: bytes

    def build(self) -> bytes:
        """Return the bytes that they were parsed from."""
        return b"".join(structure.build() for structure in self.structures) + self.trailing


def split(tables: bytes) -> Tables:
    """Return the structures; raises ``SmbiosError``."""
    found = tuple(structures(tables))
    length = sum(len(structure.build()) for structure in found)
    return Tables(structures=found, trailing=tables[length:])


def parse(entry_point: bytes, tables: bytes, source: str) -> Smbios:
    """Return the tables with their named fields; raises ``SmbiosError``."""
    first: dict[int, Structure] = {}
    for structure in structures(tables):
        first.setdefault(structure.type, structure)
    system = first.get(_SYSTEM)
    if system is None:
        raise SmbiosError("there is no system structure (type 1)")
    chassis, processor = first.get(_CHASSIS), first.get(_PROCESSOR)
    named = Named(
        source=source,
        manufacturer=system.text(0x04),  # 7.2
        product=system.text(0x05),
        version=system.text(0x06),
        uuid=_uuid(system.formatted[0x08:0x18]),
        chassis_version=chassis.text(0x06) if chassis else None,  # 7.4
        processor_version=processor.text(0x10) if processor else None,  # 7.5
    )
    return Smbios(entry_point=entry_point, tables=tables, named=named)


def _uuid(field: bytes) -> UUID | None:
    """Return the UUID of 7.2.1: the first three fields are little-endian."""
    if len(field) != 16 or field in {b"\0" * 16, b"\xff" * 16}:
        return None
    return UUID(bytes_le=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """Where an entry point (5.2) says the tables lie."""

    raw: bytes
    address: int
    length: int
    """Exact for ``_SM_``, the largest length for ``_SM3_``."""


def find_entry_point(segment: bytes) -> EntryPoint | None:
    """Find the entry point in 0xF0000 to 0xFFFFF, on a 16-byte boundary (5.2.1, 5.2.2).

    Where both kinds are there, ``_SM3_`` is taken, as Linux does (``drivers/firmware/dmi_scan.c``).
    """
    found: EntryPoint | None = None
    for at in _anchors(segment):
        candidate = entry_point(segment[at : at + 0x20])
        if candidate is None:
            continue
        if candidate.raw.startswith(b"_SM3_"):
            return candidate
        found = found or candidate
    return found


def _anchors(segment: bytes) -> Iterator[int]:
    """Yield where an entry point may begin: most of a segment's 4,096 places need no look."""
    at = segment.find(b"_SM")
    while 0 <= at < len(segment) - 0x1F:
        if at % 16 == 0:
            yield at
        at = segment.find(b"_SM", at + 1)


def entry_point(data: bytes) -> EntryPoint | None:
    """Read an entry point at the start of ``data``; None where there is no valid one."""
    if data.startswith(b"_SM3_") and len(data) >= 0x18:
        raw = data[: data[6]]
        if len(raw) < 0x18 or sum(raw) % 256:
            return None
        return EntryPoint(
            raw=raw,
            address=int.from_bytes(raw[0x10:0x18], "little"),
            length=int.from_bytes(raw[0x0C:0x10], "little"),
        )
    if data.startswith(b"_SM_") and len(data) >= 0x1F:
        raw = data[: data[5]]
        if len(raw) < 0x1F or sum(raw) % 256:
            return None
        return EntryPoint(
            raw=raw,
            address=int.from_bytes(raw[0x18:0x1C], "little"),
            length=int.from_bytes(raw[0x16:0x18], "little"),
        )
    return None


def version(entry_point: bytes) -> str | None:
    """Return an entry point's kind and version, such as ``_SM_ 2.8`` (5.2.1, 5.2.2).

    Its checksums may be left to the firmware, so they are not asked; None: it is none.
    """
    for anchor, at in ((b"_SM3_", 7), (b"_SM_", 6)):
        if entry_point.startswith(anchor) and len(entry_point) > at + 1:
            return f"{anchor.decode()} {entry_point[at]}.{entry_point[at + 1]}"
    return None


def swapped(uuid: UUID) -> UUID:
    """Return the UUID with the first three fields' bytes in the other order.

    Machine types up to 2.1 write the type 1 UUID big-endian into tables that say 2.8
    (``smbios_uuid_encoded``, QEMU ``hw/i386/pc_piix.c`` up to 9.0).
    """
    return UUID(bytes=uuid.bytes_le)
