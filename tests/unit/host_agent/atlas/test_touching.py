"""What of two atlases' differences touches a domain."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.atlas import touching
from host_agent.difference import Area, Difference
from host_agent.domain.devices import Devices
from tests.unit.host_agent.shared.cases import DEFINITION

DEVICES = Devices(disks=(), passthrough=(), cpu=None, cpu_mode=None, roms=frozenset({"e1000.rom"}))


def difference(area: Area, subject: str, field: str) -> Difference:
    return Difference(area=area, subject=subject, field=field, old="a", new="b")


def nova(**system: str) -> dict[str, Any]:
    return {"smbios_mode": "sysinfo", "sysinfo": {"system": system}}


UEFI = {"firmware": "efi", "loader": "/OVMF_CODE.fd"}
PRODUCT = difference(Area.SMBIOS, "type 1 System", "Product Name")
ENTRY_POINT = difference(Area.SMBIOS, "entry point", "version")
ROWS: list[tuple[str, Difference, dict[str, Any], bool]] = [
    ("its NIC's ROM", difference(Area.ROM, "0000:00:03.0/e1000.rom", "size"), {}, True),
    ("a NIC it lacks", difference(Area.ROM, "0000:00:04.0/rtl8139.rom", "size"), {}, False),
    ("video memory is libvirt's choice", difference(Area.ROM, "0000:00:02.0/vga.vram", "size"), {},
     False),
    ("BIOS", difference(Area.ROM, "pc.bios", "size"), {}, True),
    ("no BIOS", difference(Area.ROM, "pc.bios", "size"), UEFI, False),
    ("BIOS of one's own", difference(Area.ROM, "pc.bios", "size"), {"loader": "/b.bin"}, False),
    ("image", difference(Area.FIRMWARE, "", "image"), {}, True),
    ("UEFI's is another file", difference(Area.FIRMWARE, "", "image"), UEFI, False),
    ("product", PRODUCT, {}, True),
    ("product is Nova's", PRODUCT, nova(product="OpenStack Nova"), False),
    ("sysinfo that is not used", PRODUCT, nova(product="x") | {"smbios_mode": None}, True),
    ("another entry", PRODUCT, nova(manufacturer="OpenStack Foundation"), True),
    ("another structure", difference(Area.SMBIOS, "type 3 Chassis", "Version"), nova(version="1"),
     True),
    # "type 1 " is no beginning of "type 16".
    ("type 16", difference(Area.SMBIOS, "type 16 Memory", "Version"), nova(version="1"), True),
    ("a BIOS guest's entry point", ENTRY_POINT, {}, True),
    ("UEFI brings its own", ENTRY_POINT, UEFI, False),
    ("ACPI", difference(Area.ACPI, "DSDT", "code"), {}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("difference", "changes", "touches"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_rows(difference: Difference, changes: dict[str, Any], *, touches: bool) -> None:
    found = touching.of((difference,), replace(DEFINITION, **changes), DEVICES)
    assert found == ((difference,) if touches else ())


def test_what_a_migration_refuses_is_told_from_what_a_guest_sees() -> None:
    rom, code = (difference(Area.ROM, "pc.bios", "size"), difference(Area.ACPI, "DSDT", "code"))
    assert touching.refusing((rom, code)) == (rom,)
    assert touching.seen((rom, code)) == (code,)
