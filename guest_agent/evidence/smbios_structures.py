"""Walks SMBIOS structures far enough to know that they are structures, and where they end."""

from guest_agent.errors import AbsenceReason, EvidenceError

_END_OF_TABLE = 127
# anchor, size, offset and size of the tables' length
_ENTRY_POINTS = ((b"_SM_", 0x1F, 0x16, 2), (b"_SM3_", 0x18, 0x0C, 4))


def end_of_tables(data: bytes) -> int:
    """Return the offset after the type 127 structure (DSP0134 6.1, 7.45).

    Raises ``EvidenceError`` (failed) where the bytes are no sequence of structures that type 127
    ends.
    """
    at = 0
    while at + 4 <= len(data):
        kind, length = data[at], data[at + 1]
        strings = data.find(b"\0\0", at + length)
        if length < 4 or strings < 0:
            break
        at = strings + 2
        if kind == _END_OF_TABLE:
            return at
    raise EvidenceError(AbsenceReason.FAILED, "not SMBIOS: no end-of-table structure is reached")


def table_length(entry_point: bytes) -> int:
    """Return the length of the tables that an entry point announces (DSP0134 5.2.1, 5.2.2).

    For a 64-bit entry point it is the largest length. The checksum is not looked at: in fw_cfg the
    firmware is still to compute it (QEMU ``hw/smbios/smbios.c: smbios_entry_point_setup``). Raises
    ``EvidenceError`` (failed) where the bytes are no entry point.
    """
    for anchor, smallest, at, size in _ENTRY_POINTS:
        if entry_point.startswith(anchor) and len(entry_point) >= smallest:
            return int.from_bytes(entry_point[at : at + size], "little")
    raise EvidenceError(AbsenceReason.FAILED, "not an SMBIOS entry point")
