"""Group ``acpi``: a digest of each table as the firmware left it in RAM at boot."""

import hashlib
import stat
from pathlib import Path

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.devices import names
from guest_agent.evidence.files import read_bytes
from guest_agent.evidence.strings import clean
from samemachine.acpi_content import content
from samemachine.v1 import guest_pb2

_TABLES = "/sys/firmware/acpi/tables"
_MAX_TABLES = 256
_MAX_BYTES = 4 * 1024 * 1024

_HEADER = 36


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
