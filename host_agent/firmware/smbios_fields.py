"""Names of the fields of the SMBIOS structures that QEMU and its firmware write. Pure.

Layouts are those of DMTF DSP0134 3.7, the clause of each type stands beside it; which types QEMU
writes is to be seen in ``include/hw/firmware/smbios.h``.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID

from host_agent.firmware.smbios import Structure
from host_agent.printable import printable

Kind = Literal["text", "hex", "number", "uuid", "handle"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure: where it lies and how people read it."""

    offset: int
    size: int
    name: str
    kind: Kind

    def read(self, structure: Structure) -> str:
        """Return the value in words; ``absent`` where the structure is too short for it."""
        raw = structure.formatted[self.offset : self.offset + self.size]
        if len(raw) < self.size:
            return "absent"
        if self.kind == "text":
            if not raw[0]:
                return "not specified"
            if raw[0] > len(structure.strings):
                return f"string {raw[0]}, which is not there"
            text = structure.strings[raw[0] - 1]
            return quoted(text)
        if self.kind == "uuid":
            return str(UUID(bytes_le=raw))
        number = int.from_bytes(raw, "little")
        return str(number) if self.kind == "number" else f"0x{number:0{self.size * 2}x}"


_HEADER_LENGTH, _HEADER = 2, 4
"""Type and length come first, then the handle (6.1.2)."""
_CREDENTIAL = re.compile(rb"(io\.systemd\.credential[^=]*=)(.*)", re.DOTALL)


def quoted(text: bytes) -> str:
    """Return a string in quotation marks, printable; of a credential its hash."""
    if secret := _CREDENTIAL.fullmatch(text):
        # systemd.system-credentials(7): what is passed so is meant for the guest alone.
        text = secret[1] + f"(SHA-256 {hashlib.sha256(secret[2]).hexdigest()[:16]})".encode()
    # Within the quotation marks a space at an end is kept, and seen.
    return printable(f"'{text.decode('utf-8', 'backslashreplace')}'")


@dataclass(frozen=True, slots=True)
class StructureType:
    """One type of structure."""

    name: str
    fields: tuple[Field, ...]


def _fields(*rows: tuple[int, int, str, Kind]) -> tuple[Field, ...]:
    return tuple(Field(*row) for row in rows)


TYPES = {
    # 7.1
    0: StructureType("BIOS", _fields(
        (0x04, 1, "Vendor", "text"),
        (0x05, 1, "Version", "text"),
        (0x06, 2, "Starting Address Segment", "hex"),
        (0x08, 1, "Release Date", "text"),
        (0x09, 1, "ROM Size", "hex"),
        (0x0A, 8, "Characteristics", "hex"),
        (0x12, 1, "Characteristics Extension 1", "hex"),
        (0x13, 1, "Characteristics Extension 2", "hex"),
        (0x14, 1, "Major Release", "number"),
        (0x15, 1, "Minor Release", "number"),
        (0x16, 1, "Embedded Controller Major Release", "number"),
        (0x17, 1, "Embedded Controller Minor Release", "number"),
        (0x18, 2, "Extended ROM Size", "hex"),
    )),
    # 7.2
    1: StructureType("System", _fields(
        (0x04, 1, "Manufacturer", "text"),
        (0x05, 1, "Product Name", "text"),
        (0x06, 1, "Version", "text"),
        (0x07, 1, "Serial Number", "text"),
        (0x08, 16, "UUID", "uuid"),
        (0x18, 1, "Wake-up Type", "hex"),
        (0x19, 1, "SKU Number", "text"),
        (0x1A, 1, "Family", "text"),
    )),
    # 7.3
    2: StructureType("Baseboard", _fields(
        (0x04, 1, "Manufacturer", "text"),
        (0x05, 1, "Product", "text"),
        (0x06, 1, "Version", "text"),
        (0x07, 1, "Serial Number", "text"),
        (0x08, 1, "Asset Tag", "text"),
        (0x09, 1, "Feature Flags", "hex"),
        (0x0A, 1, "Location in Chassis", "text"),
        (0x0B, 2, "Chassis Handle", "handle"),
        (0x0D, 1, "Board Type", "hex"),
        (0x0E, 1, "Number of Contained Object Handles", "number"),
    )),
    # 7.4
    3: StructureType("Chassis", _fields(
        (0x04, 1, "Manufacturer", "text"),
        (0x05, 1, "Type", "hex"),
        (0x06, 1, "Version", "text"),
        (0x07, 1, "Serial Number", "text"),
        (0x08, 1, "Asset Tag Number", "text"),
        (0x09, 1, "Boot-up State", "hex"),
        (0x0A, 1, "Power Supply State", "hex"),
        (0x0B, 1, "Thermal State", "hex"),
        (0x0C, 1, "Security Status", "hex"),
        (0x0D, 4, "OEM-defined", "hex"),
        (0x11, 1, "Height", "number"),
        (0x12, 1, "Number of Power Cords", "number"),
        (0x13, 1, "Contained Element Count", "number"),
        (0x14, 1, "Contained Element Record Length", "number"),
        # Its place depends on the two before, which QEMU sets to 0.
        (0x15, 1, "SKU Number", "text"),
    )),
    # 7.5
    4: StructureType("Processor", _fields(
        (0x04, 1, "Socket Designation", "text"),
        (0x05, 1, "Processor Type", "hex"),
        (0x06, 1, "Processor Family", "hex"),
        (0x07, 1, "Processor Manufacturer", "text"),
        (0x08, 8, "Processor ID", "hex"),
        (0x10, 1, "Processor Version", "text"),
        (0x11, 1, "Voltage", "hex"),
        (0x12, 2, "External Clock", "number"),
        (0x14, 2, "Max Speed", "number"),
        (0x16, 2, "Current Speed", "number"),
        (0x18, 1, "Status", "hex"),
        (0x19, 1, "Processor Upgrade", "hex"),
        (0x1A, 2, "L1 Cache Handle", "handle"),
        (0x1C, 2, "L2 Cache Handle", "handle"),
        (0x1E, 2, "L3 Cache Handle", "handle"),
        (0x20, 1, "Serial Number", "text"),
        (0x21, 1, "Asset Tag", "text"),
        (0x22, 1, "Part Number", "text"),
        (0x23, 1, "Core Count", "number"),
        (0x24, 1, "Core Enabled", "number"),
        (0x25, 1, "Thread Count", "number"),
        (0x26, 2, "Processor Characteristics", "hex"),
        (0x28, 2, "Processor Family 2", "hex"),
        (0x2A, 2, "Core Count 2", "number"),
        (0x2C, 2, "Core Enabled 2", "number"),
        (0x2E, 2, "Thread Count 2", "number"),
        (0x30, 2, "Thread Enabled", "number"),
    )),
    # 7.9
    8: StructureType("Port connector", _fields(
        (0x04, 1, "Internal Reference Designator", "text"),
        (0x05, 1, "Internal Connector Type", "hex"),
        (0x06, 1, "External Reference Designator", "text"),
        (0x07, 1, "External Connector Type", "hex"),
        (0x08, 1, "Port Type", "hex"),
    )),
    # 7.10
    9: StructureType("System slot", _fields(
        (0x04, 1, "Slot Designation", "text"),
        (0x05, 1, "Slot Type", "hex"),
        (0x06, 1, "Slot Data Bus Width", "hex"),
        (0x07, 1, "Current Usage", "hex"),
        (0x08, 1, "Slot Length", "hex"),
        (0x09, 2, "Slot ID", "hex"),
        (0x0B, 1, "Slot Characteristics 1", "hex"),
        (0x0C, 1, "Slot Characteristics 2", "hex"),
        (0x0D, 2, "Segment Group Number", "hex"),
        (0x0F, 1, "Bus Number", "hex"),
        (0x10, 1, "Device/Function Number", "hex"),
    )),
    # 7.12; its strings are named by their place
    11: StructureType("OEM strings", _fields(
        (0x04, 1, "Count", "number"),
    )),
    # 7.17
    16: StructureType("Physical memory array", _fields(
        (0x04, 1, "Location", "hex"),
        (0x05, 1, "Use", "hex"),
        (0x06, 1, "Memory Error Correction", "hex"),
        (0x07, 4, "Maximum Capacity (KiB)", "hex"),
        (0x0B, 2, "Memory Error Information Handle", "handle"),
        (0x0D, 2, "Number of Memory Devices", "number"),
        (0x0F, 8, "Extended Maximum Capacity (bytes)", "hex"),
    )),
    # 7.18
    17: StructureType("Memory device", _fields(
        (0x04, 2, "Physical Memory Array Handle", "handle"),
        (0x06, 2, "Memory Error Information Handle", "handle"),
        (0x08, 2, "Total Width", "hex"),
        (0x0A, 2, "Data Width", "hex"),
        (0x0C, 2, "Size (MiB)", "number"),
        (0x0E, 1, "Form Factor", "hex"),
        (0x0F, 1, "Device Set", "number"),
        (0x10, 1, "Device Locator", "text"),
        (0x11, 1, "Bank Locator", "text"),
        (0x12, 1, "Memory Type", "hex"),
        (0x13, 2, "Type Detail", "hex"),
        (0x15, 2, "Speed", "number"),
        (0x17, 1, "Manufacturer", "text"),
        (0x18, 1, "Serial Number", "text"),
        (0x19, 1, "Asset Tag", "text"),
        (0x1A, 1, "Part Number", "text"),
        (0x1B, 1, "Attributes", "hex"),
        (0x1C, 4, "Extended Size (MiB)", "number"),
        (0x20, 2, "Configured Memory Speed", "number"),
        (0x22, 2, "Minimum Voltage", "number"),
        (0x24, 2, "Maximum Voltage", "number"),
        (0x26, 2, "Configured Voltage", "number"),
    )),
    # 7.20
    19: StructureType("Memory array mapped address", _fields(
        (0x04, 4, "Starting Address (KiB)", "hex"),
        (0x08, 4, "Ending Address (KiB)", "hex"),
        (0x0C, 2, "Memory Array Handle", "handle"),
        (0x0E, 1, "Partition Width", "number"),
        (0x0F, 8, "Extended Starting Address", "hex"),
        (0x17, 8, "Extended Ending Address", "hex"),
    )),
    # 7.21, by SeaBIOS for machine types up to 2.0
    20: StructureType("Memory device mapped address", _fields(
        (0x04, 4, "Starting Address (KiB)", "hex"),
        (0x08, 4, "Ending Address (KiB)", "hex"),
        (0x0C, 2, "Memory Device Handle", "handle"),
        (0x0E, 2, "Memory Array Mapped Address Handle", "handle"),
        (0x10, 1, "Partition Row Position", "hex"),
        (0x11, 1, "Interleave Position", "hex"),
        (0x12, 1, "Interleaved Data Depth", "hex"),
    )),
    # 7.33
    32: StructureType("System boot", _fields(
        (0x04, 6, "Reserved", "hex"),
        (0x0A, 1, "Boot Status", "hex"),
    )),
    # 7.39
    38: StructureType("IPMI device", _fields(
        (0x04, 1, "Interface Type", "hex"),
        (0x05, 1, "Specification Revision", "hex"),
        (0x06, 1, "I2C Target Address", "hex"),
        (0x07, 1, "NV Storage Device Address", "hex"),
        (0x08, 8, "Base Address", "hex"),
        (0x10, 1, "Base Address Modifier", "hex"),
        (0x11, 1, "Interrupt Number", "number"),
    )),
    # 7.42
    41: StructureType("Onboard device", _fields(
        (0x04, 1, "Reference Designation", "text"),
        (0x05, 1, "Device Type", "hex"),
        (0x06, 1, "Device Type Instance", "number"),
        (0x07, 2, "Segment Group Number", "hex"),
        (0x09, 1, "Bus Number", "hex"),
        (0x0A, 1, "Device/Function Number", "hex"),
    )),
    # 7.45
    127: StructureType("End of table", ()),
}  # fmt: skip
"""Type number → its name and fields."""

PROCESSOR_ID = "Processor ID"
"""The field of type 4 that comes from CPUID, and so from the accelerator (7.5.3)."""


def type_name(number: int) -> str:
    """Return a type's name, or ``type 221`` where none is known."""
    known = TYPES.get(number)
    return known.name if known else f"type {number}"


def values(structure: Structure) -> dict[str, str]:
    """Return every field of a structure by name, in words.

    Bytes that no field covers and strings that no field names are in it as well, so that two
    structures with the same values are the same.
    """
    known = TYPES.get(structure.type, StructureType("", ()))
    found = {"Length": str(len(structure.formatted)), "Handle": f"0x{structure.handle:04x}"}
    covered = set(range(4))
    named: set[int] = set()
    for field in known.fields:
        found[field.name] = field.read(structure)
        places = range(field.offset, field.offset + field.size)
        if places.stop <= len(structure.formatted):
            covered.update(places)
            if field.kind == "text":
                named.add(structure.formatted[field.offset])
    for place, byte in enumerate(structure.formatted):
        if place not in covered:
            found[f"byte 0x{place:02x}"] = f"0x{byte:02x}"
    for number, text in enumerate(structure.strings, 1):
        if number not in named:
            found[f"string {number}"] = quoted(text)
    return found


def changed(old: Structure, new: Structure) -> list[tuple[str, str, str]] | None:
    """Return which of ``values`` differ, with both values, without reading those that are equal.

    For structures of one type, of one length and with the same strings; None: they are not such,
    and all values must be read.
    """
    one, two = old.formatted, new.formatted
    if len(one) != len(two) or old.strings != new.strings or old.type != new.type:
        return None
    places = [place for place, (was, now) in enumerate(zip(one, two, strict=True)) if was != now]
    fields = _by_place(old.type, len(one))
    if any(place < _HEADER_LENGTH for place in places):
        return None
    touched = {fields[place] for place in places if place in fields}
    if any(field.kind == "text" for field in touched):
        return None
    found = []
    if any(_HEADER_LENGTH <= place < _HEADER for place in places):
        found.append(("Handle", f"0x{old.handle:04x}", f"0x{new.handle:04x}"))
    found += [
        (field.name, field.read(old), field.read(new))
        for field in sorted(touched, key=lambda field: field.offset)
    ]
    found += [
        (f"byte 0x{place:02x}", f"0x{one[place]:02x}", f"0x{two[place]:02x}")
        for place in places
        if place >= _HEADER and place not in fields
    ]
    return found


@lru_cache(maxsize=256)
def _by_place(kind: int, length: int) -> dict[int, Field]:
    """Return which field covers which place of a structure of that length."""
    known = TYPES.get(kind, StructureType("", ()))
    return {
        place: field
        for field in known.fields
        if field.offset + field.size <= length
        for place in range(field.offset, field.offset + field.size)
    }
