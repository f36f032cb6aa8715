"""What a guest sees, and which differences nothing foretells."""

import base64
import json
from typing import Any

import pytest

from host_agent.atlas import files
from host_agent.atlas.atlas import Atlas
from host_agent.difference import Area, Difference
from tests.lab.matrix import expected, seen
from tests.lab.matrix.expected import Expected

TABLE = b"DSDT" + (40).to_bytes(4, "little") + bytes(32)
MOVED = b"FACP" + (148).to_bytes(4, "little") + bytes(140)
MACHINE = "pc-q35-7.2"


def printed(**more: Any) -> str:
    acpi = {"DSDT": TABLE, "FACP": MOVED} | more.pop("acpi", {})
    given = {
        "boot_id": "b1",
        "dmi": base64.b64encode(bytes((127, 4, 0, 1, 0, 0))).decode(),
        "pci": {"0000:00:02.0": "1af4:1000"},
        **more,
    }
    told = {name: base64.b64encode(raw).decode() for name, raw in acpi.items()}
    return json.dumps({**given, "acpi": told})


def words(before: str, after: str) -> list[str]:
    return list(map(str, seen.differences(seen.read(before), seen.read(after))))


def test_nothing_differs() -> None:
    assert words(printed(), printed(boot_id="b2")) == []


def test_where_tables_lie_is_no_difference() -> None:
    elsewhere = MOVED[:40] + b"\1\2\3\4" + MOVED[44:]
    assert words(printed(), printed(acpi={"FACP": elsewhere})) == []


def test_tables_and_functions_that_differ() -> None:
    other, longer = TABLE[:36] + b"\1\0\0\0", TABLE + b"\0"
    assert words(printed(), printed(acpi={"DSDT": other})) == [
        "ACPI DSDT: contents 40 bytes -> 40 other bytes"
    ]
    after = printed(acpi={"DSDT": longer, "WAET": TABLE}, pci={"0000:00:03.0": "1af4:1000"})
    assert words(printed(), after) == [
        "ACPI DSDT: contents 40 bytes -> 41 bytes",
        "ACPI WAET: table absent -> there",
        "PCI 0000:00:02.0: function 1af4:1000 -> absent",
        "PCI 0000:00:03.0: function absent -> 1af4:1000",
    ]


def difference(area: Area, subject: str, field: str, old: str = "1", new: str = "2") -> Difference:
    return Difference(area=area, subject=subject, field=field, old=old, new=new)


FAMILY = difference(Area.SMBIOS, "type 4 Processor", "Processor Family", "0x01", "0xfe")
DSDT = difference(Area.ACPI, "DSDT", "code", "8225 bytes", "8337 bytes")
BIOS = difference(Area.SMBIOS, "type 0 BIOS", "Version")
IMAGE = difference(Area.FIRMWARE, "", "image")


@pytest.mark.parametrize(
    ("found", "foretold", "beyond"),
    [
        ((FAMILY,), (FAMILY,), 0),
        ((FAMILY,), (), 1),
        # The same field, and another value.
        ((difference(Area.SMBIOS, "type 4 Processor", "Processor Family"),), (FAMILY,), 1),
        # Atlases know machines with other devices: that a table differs is what is foretold.
        ((difference(Area.ACPI, "DSDT", "contents"),), (DSDT,), 0),
        ((difference(Area.ACPI, "SSDT1", "contents"),), (DSDT,), 1),
        ((BIOS,), (IMAGE,), 0),
        ((BIOS,), (DSDT,), 1),
        ((difference(Area.PCI, "0000:00:05.0", "function"),), (DSDT, FAMILY, IMAGE), 1),
    ],
)  # fmt: skip
def test_what_nothing_foretells(
    found: tuple[Difference, ...], foretold: tuple[Difference, ...], beyond: int
) -> None:
    known = Expected(differences=foretold, source="atlases")
    assert len(expected.beyond(found, known)) == beyond


def test_what_a_uefi_writes_of_itself_no_atlas_knows() -> None:
    known = Expected(differences=(DSDT,), source="atlases")
    assert expected.beyond((BIOS,), known, uefi=True) == ()
    assert expected.beyond((BIOS, FAMILY), known, uefi=True) == (str(FAMILY),)


def test_two_packages_held_against_their_releases() -> None:
    known = Expected(differences=(FAMILY, DSDT), source="atlases")
    same = Expected(differences=(DSDT, FAMILY), source="packages")
    other = Expected(differences=(FAMILY, BIOS), source="packages")
    assert expected.unforeseen(same, known) == ()
    assert expected.unforeseen(other, known) == (str(BIOS), f"no more: {DSDT}")


@pytest.fixture(scope="module")
def shipped() -> tuple[Atlas, Atlas]:
    old, new = (files.read_shipped(f"debian:{s}", states=False) for s in ("bookworm", "trixie"))
    return old, new


def test_what_shipped_atlases_foretell(shipped: tuple[Atlas, Atlas]) -> None:
    found = expected.of(*shipped, MACHINE)
    assert found is not None
    assert str(FAMILY) in map(str, found.differences)
    assert found.refusing == ()
    microvm = expected.of(*shipped, "microvm")
    assert microvm is not None
    assert "ROM pc.bios: size 64 KiB -> 128 KiB" in microvm.refusing


def test_what_atlases_can_not_compare(shipped: tuple[Atlas, Atlas]) -> None:
    old, new = shipped
    assert expected.of(old, new, "pc-q35-10.0") is None
    assert expected.of(old, new, "x-remote") is None
