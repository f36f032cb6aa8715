"""Builds ACPI tables as QEMU hands them to the firmware (ACPI specification 6.5, clause 5.2)."""

from host_agent.firmware.acpi import TABLES_FILE

CHECKSUM_AT = 9


def table(
    signature: str,
    body: bytes = b"",
    *,
    revision: int = 1,
    oem: str = "BOCHS",
    oem_table: str = "BXPC",
    checksum: bool = True,
) -> bytes:
    """Return one table with its header (5.2.6)."""
    raw = bytearray(
        signature.encode()
        + (36 + len(body)).to_bytes(4, "little")
        + bytes([revision, 0])
        + oem.encode().ljust(6)
        + oem_table.encode().ljust(8)
        + (1).to_bytes(4, "little")
        + b"BXPC"
        + (1).to_bytes(4, "little")
        + body
    )
    if checksum:
        raw[CHECKSUM_AT] = -sum(raw) % 256
    return bytes(raw)


def facs(tail: bytes = bytes(56)) -> bytes:
    """Return a FACS (5.2.10), which has no header."""
    return b"FACS" + (8 + len(tail)).to_bytes(4, "little") + tail


def pointer(offset: int, size: int = 4, file: str = TABLES_FILE) -> bytes:
    """Return the script's command to add an address."""
    return _command(2, file, TABLES_FILE.encode().ljust(56, b"\0"), offset, size)


def checksum(offset: int, start: int = 0, length: int = 0, file: str = TABLES_FILE) -> bytes:
    """Return the script's command to fill in a checksum."""
    rest = b"".join(number.to_bytes(4, "little") for number in (offset, start, length))
    return (b"\3\0\0\0" + file.encode().ljust(56, b"\0") + rest).ljust(128, b"\0")


def _command(kind: int, file: str, name: bytes, offset: int, size: int) -> bytes:
    head = kind.to_bytes(4, "little") + file.encode().ljust(56, b"\0")
    return (head + name + offset.to_bytes(4, "little") + bytes([size])).ljust(128, b"\0")


def root_pointer(*, revision: int = 0, oem: str = "BOCHS", address: int = 0x1A3D) -> bytes:
    """Return what QEMU has in ``etc/acpi/rsdp`` (5.2.5.3)."""
    head = b"RSD PTR \0" + oem.encode().ljust(6) + bytes([revision])
    return head + address.to_bytes(4, "little")
