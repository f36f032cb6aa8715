"""Group ``smbios_live``: the tables that the QEMU process under the guest presents now.

QEMU builds them at its start and gives them through fw_cfg; they do not migrate, so after a live
migration the guest reads the destination's. Linux's ``qemu_fw_cfg`` keeps the directory (names,
keys, sizes) as it was when the module was loaded, so after a migration a name may give another
file's bytes, or cut ones. What is read is therefore held against its own entry point; where it
does not fit, the directory is stale, and only loading the module again helps.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.files import read_bytes, read_text
from guest_agent.evidence.smbios_structures import end_of_tables, table_length
from samemachine.v1 import guest_pb2

_DIRECTORY = "/sys/firmware/qemu_fw_cfg"
_BY_NAME = f"{_DIRECTORY}/by_name"
_ANCHOR = f"{_BY_NAME}/etc/smbios/smbios-anchor/raw"
_TABLES = f"{_BY_NAME}/etc/smbios/smbios-tables/raw"
_ACPI_DEVICE = "/sys/bus/acpi/devices/QEMU0002:00"

_UPTIME = "/proc/uptime"
_BOOTING = 120.0
"""Seconds after the boot in which udev may still be loading modules."""
_TRIES, _PAUSE = 20, 0.1
"""How often it is looked for then, and with what pause in seconds: two seconds at the most."""

Refresh = Callable[[], None]
"""Makes the kernel read fw_cfg's directory again; raises ``EvidenceError`` where it can't."""


def parse(entry_point: bytes, tables: bytes) -> guest_pb2.SmbiosTables:
    """Return the group where the two files fit together.

    Raises ``EvidenceError`` (unreadable) where they do not: then the directory is stale. QEMU's
    announced length is exact (``smbios_get_tables`` in QEMU ``hw/smbios/smbios.c``).
    """
    try:
        fits = table_length(entry_point) == len(tables) == end_of_tables(tables)
    except EvidenceError:
        fits = False
    if not fits:
        raise EvidenceError(
            AbsenceReason.UNREADABLE,
            "stale directory: the kernel's list of fw_cfg files is not that of the QEMU which "
            "serves now; enable refresh-fw-cfg, or load the module qemu_fw_cfg again",
        )
    return guest_pb2.SmbiosTables(entry_point=entry_point, tables=tables, source=_TABLES)


def read(
    root: Path = Path("/"),
    refresh: Optional[Refresh] = None,
    pause: Callable[[float], None] = time.sleep,
) -> guest_pb2.SmbiosTables:
    """Read the group; with ``refresh``, a stale directory is refreshed and read once more.

    Just after a boot the module is waited for, which udev loads. Raises ``EvidenceError``.
    """
    _wait_for_module(root, pause)
    try:
        return parse(*_files(root))
    except EvidenceError as error:
        if refresh is None or error.reason is not AbsenceReason.UNREADABLE:
            raise
    refresh()
    return parse(*_files(root))


def _wait_for_module(root: Path, pause: Callable[[float], None]) -> None:
    for _ in range(_TRIES):
        if _is_there(root, _BY_NAME) or not _is_there(root, _ACPI_DEVICE) or not _is_early(root):
            return
        pause(_PAUSE)


def _is_there(root: Path, path: str) -> bool:
    return (root / path.lstrip("/")).exists()


def _is_early(root: Path) -> bool:
    """Tell whether the guest was booted a moment ago (proc_uptime(5))."""
    try:
        return float(read_text(root, _UPTIME).split()[0]) < _BOOTING
    except (EvidenceError, ValueError, IndexError):
        return False


def _files(root: Path) -> "tuple[bytes, bytes]":
    if not _is_there(root, _BY_NAME):
        if _is_there(root, _ACPI_DEVICE):
            early = _is_early(root)
            raise EvidenceError(
                AbsenceReason.UNREADABLE,
                "the module qemu_fw_cfg is not loaded"
                + (" yet, so early after the boot; ask again, or" if early else ":")
                + " modprobe qemu_fw_cfg",
            )
        raise EvidenceError(AbsenceReason.ABSENT, f"there is no {_DIRECTORY}")
    try:
        return read_bytes(root, _ANCHOR), read_bytes(root, _TABLES)
    except EvidenceError as error:
        if error.reason is AbsenceReason.FAILED:
            # A key that names nothing in the QEMU that serves now gives an I/O error.
            raise EvidenceError(AbsenceReason.UNREADABLE, f"stale directory: {error}") from error
        raise
