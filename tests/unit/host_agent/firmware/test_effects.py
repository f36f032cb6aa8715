"""Whom a difference touches."""

import pytest

from host_agent.difference import Area, Difference, Effect
from host_agent.firmware.effects import TABLE, of


def difference(area: Area, subject: str = "", field: str = "") -> Difference:
    return Difference(area=area, subject=subject, field=field, old="a", new="b")


@pytest.mark.parametrize(
    ("area", "subject", "field", "effect"),
    [
        (Area.SMBIOS, "type 1 System", "UUID", Effect.IDENTITY),
        (Area.SMBIOS, "type 1 System", "Version", Effect.INVENTORY),
        (Area.SMBIOS, "type 11 OEM strings", "string 1", Effect.IDENTITY),
        (Area.SMBIOS, "type 17 Memory device", "Manufacturer", Effect.INVENTORY),
        (Area.SMBIOS, "type 4 Processor", "Processor Family", Effect.INVENTORY),
        (Area.SMBIOS, "type 221", "byte 0x05", Effect.INVENTORY),
        (Area.SMBIOS, "type 2 Baseboard", "structures", Effect.IDENTITY),
        (Area.SMBIOS, "type 3 Chassis", "Asset Tag Number", Effect.IDENTITY),
        (Area.SMBIOS, "structures", "order of types", Effect.INVENTORY),
        (Area.ACPI, "DSDT", "code", Effect.DRIVER),
        (Area.ACPI, "SSDT 2", "code", Effect.DRIVER),
        (Area.ACPI, "DSDT", "Creator Revision", Effect.INVENTORY),
        (Area.ACPI, "FACP", "contents", Effect.DRIVER),
        (Area.ACPI, "FACP", "OEM ID", Effect.IDENTITY),
        (Area.ACPI, "HPET", "table", Effect.DRIVER),
        (Area.MEMORY_MAP, "", "ranges", Effect.DRIVER),
        (Area.FW_CFG, "bootorder", "size", Effect.DRIVER),
        (Area.DEVICE_TREE, "/cpus", "node", Effect.DRIVER),
        (Area.ROM, "e1000.rom", "size", Effect.BREAKING),
        (Area.FIRMWARE, "", "size", Effect.BREAKING),
        (Area.FIRMWARE, "", "image", Effect.INVENTORY),
    ],
)
def test_effect(area: Area, subject: str, field: str, effect: Effect) -> None:
    assert of(difference(area, subject, field)).effect is effect


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ("_SM_ 2.8", "_SM3_ 3.0", Effect.IDENTITY),
        ("_SM3_ 3.0", "_SM_ 2.8", Effect.IDENTITY),
        ("_SM_ 2.4", "_SM_ 2.8", Effect.INVENTORY),
        ("absent", "_SM3_ 3.0", Effect.INVENTORY),
    ],
)
def test_an_entry_point_of_another_kind_is_a_bios_guests_identity(
    old: str, new: str, effect: Effect
) -> None:
    changed = Difference(area=Area.SMBIOS, subject="entry point", field="version", old=old, new=new)
    assert of(changed).effect is effect


@pytest.mark.parametrize("area", Area)
def test_every_area_has_a_last_word(area: Area) -> None:
    assert of(difference(area, "something", "else")).who


def test_every_row_speaks_and_cites_its_source() -> None:
    for row in TABLE:
        assert of(difference(row.area, row.subject.strip(), row.field)) is row.touched, row
        assert row.touched.source
