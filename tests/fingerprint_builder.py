"""Fingerprints and atlases for tests: small ones in which every part is there."""

from typing import Any

from host_agent.atlas.atlas import Atlas, Machine, Made
from host_agent.firmware import acpi
from host_agent.firmware.fingerprint import (
    ANCHOR,
    E820,
    LOADER,
    RSDP,
    SMBIOS,
    Fingerprint,
    Firmware,
)
from host_agent.firmware.fw_cfg import File
from tests import acpi_builder, smbios_builder

TABLES = (
    acpi_builder.facs(),
    acpi_builder.table("DSDT", b"code", checksum=False),
    acpi_builder.table("FACP", bytes(range(40))),
    acpi_builder.table("RSDT", b"\1\2\3\4"),
)
FILES = {
    SMBIOS: smbios_builder.tables(),
    ANCHOR: smbios_builder.entry_point(321, 0),
    RSDP: acpi_builder.root_pointer(),
    LOADER: acpi_builder.checksum(64 + acpi_builder.CHECKSUM_AT),
    E820: (0).to_bytes(8, "little") + (0x20000000).to_bytes(8, "little") + b"\1\0\0\0",
}
MADE = Made(
    qemu="7.2.22",
    package="qemu-system-x86 1:7.2",
    architecture="x86_64",
    distribution="Debian 12",
    host="node1",
    binary="/usr/bin/qemu-system-x86_64",
    time="2025-11-24T23:28:00+00:00",
    samemachine="0.1.0",
    conditions="each type bare",
)


def tables(*raw: bytes, length: int = 1024) -> acpi.Tables:
    """Return ACPI tables in a blob of this length."""
    return acpi.split(b"".join(raw).ljust(length, b"\0"))


def fingerprint(**changes: Any) -> Fingerprint:
    """Return a fingerprint in which every part is there, changed."""
    fields: dict[str, Any] = {
        "options": ("-machine", "pc"),
        "directory": (File(name="bootorder", size=0, key=32), File(name=E820, size=20, key=33)),
        "files": FILES,
        "acpi": tables(*TABLES),
        "memory_blocks": {"pc.bios": 262144, "0000:00:03.0/e1000.rom": 262144, "pc.ram": 1 << 29},
        "firmware": Firmware(size=262144, sha256="00" * 32),
        **changes,
    }
    return Fingerprint(**fields)


def machine(name: str, **changes: Any) -> Machine:
    """Return a machine type; a change that it has no field for is one of its fingerprint."""
    own = {key: changes.pop(key) for key in ("alias", "default", "error") if key in changes}
    return Machine(name=name, fingerprint=None if "error" in own else fingerprint(**changes), **own)


def atlas(*machines: Machine) -> Atlas:
    """Return an atlas of these machine types."""
    return Atlas(made=MADE, machines=machines)
