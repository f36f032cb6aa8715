"""Builds SMBIOS tables for tests (DMTF DSP0134): the structures that QEMU writes, no more."""

from collections.abc import Mapping
from uuid import UUID

UUID_1 = UUID("00112233-4455-6677-8899-aabbccddeeff")


def structure(kind: int, handle: int, fields: bytes, *strings: str) -> bytes:
    """Return one structure: header, fields, strings."""
    header = bytes([kind, 4 + len(fields)]) + handle.to_bytes(2, "little")
    text = b"".join(string.encode() + b"\0" for string in strings) or b"\0"
    return header + fields + text + b"\0"


def tables(
    *,
    manufacturer: str = "QEMU",
    product: str = "Standard PC (i440FX + PIIX, 1996)",
    version: str = "pc-i440fx-7.2",
    uuid: UUID = UUID_1,
    chassis: str = "pc-i440fx-7.2",
    processor: str = "pc-i440fx-7.2",
    family: int = 0,
) -> bytes:
    """Return types 1, 3, 4 and 127; an empty text is not specified; ``family`` is the CPU's."""
    system, numbers = _strings(manufacturer=manufacturer, product=product, version=version)
    first = structure(
        1,
        0x100,
        bytes([numbers["manufacturer"], numbers["product"], numbers["version"], 0])
        + uuid.bytes_le
        + bytes([6, 0, 0]),
        *system,
    )
    third, numbers = _strings(version=chassis)
    chassis_structure = structure(3, 0x300, bytes([0, 1, numbers["version"], 0, 0]), *third)
    fourth, numbers = _strings(version=processor)
    processor_structure = structure(
        4,
        0x400,
        bytes([0, 0, family]) + bytes(9) + bytes([numbers["version"]]) + bytes(25),
        *fourth,
    )
    return first + chassis_structure + processor_structure + structure(127, 0x7F00, b"")


def _strings(**texts: str) -> tuple[list[str], Mapping[str, int]]:
    given = [text for text in texts.values() if text]
    return given, {name: given.index(text) + 1 if text else 0 for name, text in texts.items()}


def entry_point(length: int, address: int = 0xF5000) -> bytes:
    """Return a 32-bit entry point (5.2.1)."""
    raw = bytearray(31)
    raw[0:4], raw[5], raw[16:21] = b"_SM_", 31, b"_DMI_"
    raw[0x16:0x18], raw[0x18:0x1C] = length.to_bytes(2, "little"), address.to_bytes(4, "little")
    raw[4] = -sum(raw) % 256
    return bytes(raw)


def entry_point_64(length: int, address: int = 0xF5000) -> bytes:
    """Return a 64-bit entry point (5.2.2)."""
    raw = bytearray(24)
    raw[0:5], raw[6], raw[7] = b"_SM3_", 24, 3
    raw[0x0C:0x10], raw[0x10:0x18] = length.to_bytes(4, "little"), address.to_bytes(8, "little")
    raw[5] = -sum(raw) % 256
    return bytes(raw)
