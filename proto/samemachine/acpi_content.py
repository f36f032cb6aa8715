"""What an ACPI table says, without where it and others lie: both ends digest that. Pure."""

_CHECKSUM = (9, 10)
# Bytes that hold an address, or what the operating system writes (ACPI 6.5: 5.2.9 FADT, 5.2.10
# FACS, 5.2.23 BGRT; TCG ACPI Specification 1.4, 8 TPM2). FACS has no header and no checksum.
_PLACED = {
    b"FACP": ((36, 40), (40, 44), (132, 140), (140, 148)),
    b"FACS": ((12, 16), (16, 20), (24, 32)),
    b"BGRT": ((40, 48),),
    b"TPM2": ((68, 76),),
}


def content(table: bytes) -> bytes:
    """Return the table with the bytes as zero that say where things lie, not what they are."""
    signature = table[:4]
    places = _PLACED.get(signature, ())
    if signature != b"FACS":
        places = (*places, _CHECKSUM)
    blank = bytearray(table)
    for begin, end in places:
        if end <= len(blank):
            blank[begin:end] = bytes(end - begin)
    return bytes(blank)
