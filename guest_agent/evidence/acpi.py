"""Group ``acpi``: a digest of each table as the firmware left it in RAM at boot."""

import hashlib
import stat
from pathlib import Path

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.devices import names
from guest_agent.evidence.files import read_bytes
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_TABLES = "/sys/firmware/acpi/tables"
_MAX_TABLES = 256
_MAX_BYTES = 4 * 1024 * 1024

_HEADER = 36
_CHECKSUM = (9, 10)
# Bytes that hold an address, or what the operating system writes (ACPI 6.5: 5.2.9 FADT, 5.2.10
# FACS, 5.2.23 BGRT; TCG ACPI Specification 1.4, 8 TPM2). FACS has no header and no checksum.
_PLACED = {
    b"FACP": ((36, 40), (40, 44), (132, 140), (140, 148)),
    b"FACS": ((12, 16), (16, 20), (24, 32)),
    b"BGRT": ((40, 48),),
    b"TPM2": ((68, 76),),
}


def parse(name: str, table: bytes) -> guest_pb2.AcpiTable:
    """Return one table's digests; ``name`` is its file's, "SSDT1" for the first of several.

    Raises ``EvidenceError`` where the bytes are no table.
    """
    if len(table) < _HEADER or table[:4] != name.encode("utf-8", "surrogateescape")[:4]:
        raise EvidenceError(AbsenceReason.FAILED, f"{_TABLES}/{clean(name)} holds no such table")
    return guest_pb2.AcpiTable(
        signature=clean(name),
        length=len(table),
        sha256=hashlib.sha256(table).digest(),
        content_sha256=hashlib.sha256(content(table)).digest(),
    )


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


def read(root: Path = Path("/")) -> guest_pb2.Acpi:
    """Read the group (Linux ``drivers/acpi/sysfs.c``); raises ``EvidenceError``.

    Folders are left out: ``dynamic`` has what AML loaded after boot, ``data`` what tables point to.
    """
    return guest_pb2.Acpi(
        tables=[
            parse(name, read_bytes(root, f"{_TABLES}/{name}", _MAX_BYTES))
            for name in names(root, _TABLES, _MAX_TABLES)
            if not _is_folder(root / _TABLES.lstrip("/") / name)
        ]
    )


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False
