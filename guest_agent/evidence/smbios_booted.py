"""Group ``smbios_booted``: the tables as the firmware left them in RAM at boot."""

from pathlib import Path

from guest_agent.evidence.files import read_bytes
from guest_agent.evidence.smbios_structures import end_of_tables
from samemachine.v1 import guest_pb2

_ENTRY_POINT = "/sys/firmware/dmi/tables/smbios_entry_point"
_TABLES = "/sys/firmware/dmi/tables/DMI"


def parse(entry_point: bytes, tables: bytes) -> guest_pb2.SmbiosTables:
    """Return the group; raises ``EvidenceError`` where the bytes are no tables."""
    return guest_pb2.SmbiosTables(
        entry_point=entry_point, tables=tables[: end_of_tables(tables)], source=_TABLES
    )


def read(root: Path = Path("/")) -> guest_pb2.SmbiosTables:
    """Read the group (Linux ``drivers/firmware/dmi_scan.c``); raises ``EvidenceError``."""
    return parse(read_bytes(root, _ENTRY_POINT), read_bytes(root, _TABLES))
