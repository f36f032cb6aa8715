"""A rehearsal and a guest, and two rehearsals: the same, different, or not to be told."""

import hashlib
from dataclasses import replace

import pytest

from host_agent.difference import Area
from host_agent.evidence.hardware import AcpiTable, PciFunction
from host_agent.evidence.rehearsal_diff import as_reported, between, forecast, named, with_guest
from host_agent.evidence.rehearsed import ALL, NotRehearsed, Rehearsed, RehearsedFunction
from host_agent.firmware import smbios
from host_agent.firmware.acpi import Table
from host_agent.missing import Missing, Reason
from samemachine.acpi_content import content
from tests import acpi_builder as build
from tests.integration.scripted_qemu import smbios as smbios_tables
from tests.unit.host_agent.firmware.test_aml_objects import dsdt

ROOT = Table(offset=0x1000, raw=build.table("RSDT", bytes(16)))
DSDT = Table(offset=0x2000, raw=build.table("DSDT", dsdt()))
FACP = Table(offset=0x3000, raw=build.table("FACP", bytes(range(80))))
FIRST, SECOND = (Table(offset=at, raw=build.table("SSDT", bytes(3))) for at in (0x4000, 0x5000))


def function(address: str = "0000:00:01.0", **fields: int) -> PciFunction:
    plain = {
        "vendor": 0x1AF4, "device": 0x1041, "subsystem_vendor": 0x1AF4, "subsystem_device": 0x1100,
        "revision": 1, "class_code": 0x020000,
    }  # fmt: skip
    return PciFunction(address=address, bridge=None, **(plain | fields))


NET = RehearsedFunction(function=function(), device="net0")
HOST = RehearsedFunction(function=function("0000:00:02.0"), device="hostdev0")
REHEARSED = Rehearsed(
    qemu="10.0.13",
    accelerator="tcg",
    smbios=smbios.parse(b"", smbios_tables(), "test"),
    masked=frozenset(),
    acpi=(ROOT, DSDT, FACP),
    pci=(NET, HOST),
    left_out=(),
    as_domain=True,
)


def of_guest(*tables: Table, whole: bool = False) -> tuple[AcpiTable, ...]:
    """What a guest reports of these tables; ``whole``: an older guest agent."""
    return tuple(
        AcpiTable(
            signature=name,
            length=len(table.raw),
            sha256=hashlib.sha256(table.raw).hexdigest(),
            content_sha256=None if whole else hashlib.sha256(content(table.raw)).hexdigest(),
        )
        for name, table in named(tables).items()
    )


BOTH = (NET.function, HOST.function)


@pytest.mark.parametrize("whole", [False, True])
def test_all_is_the_same(whole: bool) -> None:
    found = with_guest(REHEARSED, of_guest(DSDT, FACP, whole=whole), BOTH)
    assert (found.differences, found.not_compared) == ((), ())
    assert (found.tables, found.functions) == (("DSDT", "FACP"), 2)


def test_where_a_table_lies_is_no_difference() -> None:
    raw = bytearray(FACP.raw)
    raw[36:40] = b"\1\2\3\4"
    moved = Table(offset=0x9000, raw=bytes(raw))
    assert with_guest(REHEARSED, of_guest(DSDT, moved), BOTH).differences == ()


def test_what_a_guest_has_otherwise_is_named() -> None:
    other = Table(offset=0, raw=build.table("DSDT", dsdt(sun=4)))
    guests = (function(device=0x1000, revision=0), function("0000:03:00.0"))
    found = with_guest(REHEARSED, of_guest(other, FIRST), guests)
    size = len(other.raw)
    assert [str(one) for one in found.differences] == [
        f"ACPI DSDT: code {size} bytes -> {size} other bytes",
        "ACPI FACP: table there -> absent",
        "ACPI SSDT: table absent -> there",
        "PCI 0000:00:01.0: device 1af4:1041 -> 1af4:1000",
        "PCI 0000:00:01.0: revision 1 -> 0",
        "PCI 0000:00:02.0: function there -> absent",
        "PCI 0000:03:00.0: function absent -> there",
    ]
    assert (found.tables, found.functions) == ((), 0)


def test_a_forecast_is_told_from_the_guests_side() -> None:
    other = Table(offset=0, raw=build.table("DSDT", dsdt(sun=4)))
    guests = (function(device=0x1000), HOST.function, function("0000:03:00.0"))
    held = with_guest(REHEARSED, of_guest(other, FACP), guests)
    told = [
        "PCI 0000:00:01.0: device 1af4:1000 -> 1af4:1041",
        "PCI 0000:03:00.0: function there -> absent",
    ]
    size = len(other.raw)
    for left, acpi in (
        # With the guest's own tables by device, else by what is known of them.
        (
            (ROOT, other, FACP),
            [str(one) for one in between(replace(REHEARSED, acpi=(ROOT, other, FACP)), REHEARSED)],
        ),
        ((), [f"ACPI DSDT: code {size} bytes -> {size} other bytes"]),
    ):
        found = forecast(held, REHEARSED, left)
        assert [str(one) for one in found.differences] == [*acpi, *told]
        assert (found.tables, found.functions) == (held.tables, held.functions)
    assert "_SUN" in str(forecast(held, REHEARSED, (ROOT, other, FACP)).differences[0])


def test_what_was_not_rehearsed_says_nothing() -> None:
    left = (
        NotRehearsed(what="vfio-pci hostdev0", tables=frozenset({"DSDT"}), stand_in="hostdev0"),
    )
    other = Table(offset=0, raw=build.table("DSDT", dsdt(sun=4)))
    card = function("0000:00:02.0", vendor=0x8086, device=0x1572, revision=2)
    found = with_guest(
        replace(REHEARSED, left_out=left), of_guest(other, FACP), (NET.function, card)
    )
    assert found.differences == ()
    assert found.not_compared == (
        "DSDT: vfio-pci hostdev0 can't be rehearsed",
        "0000:00:02.0: vfio-pci hostdev0 can't be rehearsed",
    )
    assert (found.tables, found.functions) == (("FACP",), 1)
    gone = with_guest(replace(REHEARSED, left_out=left), of_guest(DSDT, FACP), (NET.function,))
    assert [str(one) for one in gone.differences] == ["PCI 0000:00:02.0: function there -> absent"]


@pytest.mark.parametrize(
    ("rehearsed", "why"),
    [
        (replace(REHEARSED, as_domain=False), "FACP: KVM can't be had"),
        (
            replace(REHEARSED, left_out=(NotRehearsed(what="-set", tables=ALL),)),
            "FACP: -set can't be rehearsed",
        ),
    ],
)
def test_what_may_differ_is_no_difference(rehearsed: Rehearsed, why: str) -> None:
    other = Table(offset=0, raw=build.table("FACP", bytes(80)))
    found = with_guest(rehearsed, of_guest(DSDT, other), BOTH)
    assert found.differences == ()
    assert found.tables == ("DSDT",)
    assert found.not_compared[0].startswith(why)


def test_the_boot_picture_is_of_later() -> None:
    later = Table(offset=0, raw=build.table("BGRT", bytes(20)))
    found = with_guest(REHEARSED, of_guest(DSDT, FACP, later), BOTH)
    assert found.differences == ()
    assert found.not_compared[0].startswith("BGRT: ")


def test_a_guest_that_reports_nothing() -> None:
    silent = Missing(reason=Reason.ABSENT, sentence="no agent answered")
    found = with_guest(REHEARSED, silent, silent)
    assert found.not_compared == ("ACPI: no agent answered", "PCI: no agent answered")
    assert (found.differences, found.tables, found.functions) == ((), (), 0)


def test_tables_of_memory_are_compared_as_reported_ones() -> None:
    assert as_reported((ROOT, DSDT, FACP)) == of_guest(DSDT, FACP)


def test_several_of_one_signature_have_numbers() -> None:
    assert list(named((ROOT, DSDT, FIRST, SECOND))) == ["DSDT", "SSDT1", "SSDT2"]
    assert list(named((FIRST,))) == ["SSDT"]


def test_two_rehearsals() -> None:
    assert between(REHEARSED, REHEARSED) == ()
    other = replace(
        REHEARSED,
        acpi=(
            ROOT,
            Table(offset=0, raw=build.table("DSDT", dsdt(sun=4), oem="BOCHS2")),
            Table(offset=0, raw=build.table("FACP", bytes(84))),
            FIRST,
        ),
        pci=(RehearsedFunction(function=function(class_code=0x010000), device="net0"),),
        smbios=smbios.parse(b"", smbios_tables("another machine"), "test"),
    )
    found = between(REHEARSED, other)
    assert [str(one) for one in found] == [
        "SMBIOS type 1 System: Product Name 'Standard PC (Q35 + ICH9, 2009)' -> 'another machine'",
        "ACPI DSDT: OEM ID 'BOCHS' -> 'BOCHS2'",
        "ACPI DSDT, _SB.PCI0.S18: _SUN 3 -> 4",
        "ACPI FACP: contents 116 bytes -> 120 bytes",
        "ACPI SSDT: table absent -> there",
        "PCI 0000:00:01.0: class 020000 -> 010000",
        "PCI 0000:00:02.0: function there -> absent",
    ]
    assert {one.area for one in found} == {Area.SMBIOS, Area.ACPI, Area.PCI}


def test_code_that_can_not_be_read_is_compared_as_bytes() -> None:
    raw = build.table("DSDT", b"\x99\x99")
    found = between(replace(REHEARSED, acpi=(Table(offset=0, raw=raw),)), REHEARSED)
    assert ("code", "38 bytes") in {(one.field, one.old) for one in found}


def test_what_is_the_same_of_many_devices_is_told_once() -> None:
    def many(sun: int) -> Rehearsed:
        body = b"".join(
            b"\x5b\x82\x0cS%02d_\x08_SUN\x0a" % number + bytes([sun]) for number in range(9)
        )
        table = Table(offset=0, raw=build.table("DSDT", body))
        return replace(REHEARSED, acpi=(table,))

    (one,) = between(many(1), many(2))
    assert str(one) == "ACPI DSDT, S00: _SUN 1 -> 2 (9 times)"
