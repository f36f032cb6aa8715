"""ACPI tables, right and wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.acpi import (
    MAX_BYTES,
    AcpiError,
    Checksum,
    end,
    loader,
    root_pointer,
    split,
    without_pointers,
)
from tests import acpi_builder as build
from tests.damage import damaged

FACS, DSDT = build.facs(), build.table("DSDT", b"code", checksum=False)
FACP = build.table("FACP", bytes(range(40)), revision=3, oem_table="a\x1bb")
BLOB = FACS + DSDT + FACP + bytes(100)


def test_tables_are_split_and_named() -> None:
    tables = split(BLOB)
    assert [(table.signature, table.offset) for table in tables.tables] == [
        ("FACS", 0),
        ("DSDT", 64),
        ("FACP", 64 + 40),
    ]
    assert tables.tables[2].header == {
        "Revision": "3",
        "OEM ID": "'BOCHS'",
        "OEM Table ID": r"'a\x1bb'",
        "OEM Revision": "0x00000001",
        "Creator ID": "'BXPC'",
        "Creator Revision": "0x00000001",
    }
    assert (tables.tables[0].header, tables.tables[0].body) == ({}, bytes(56))
    assert tables.tables[1].body == b"code"


def test_a_checksum_is_right_or_wrong_or_left_to_the_firmware() -> None:
    facs, dsdt, facp = split(BLOB).tables
    script = loader(build.checksum(64 + build.CHECKSUM_AT) + build.checksum(9, file="else"))
    assert [table.checksum(script.checksums) for table in (facs, dsdt, facp)] == [
        Checksum.NONE,
        Checksum.LEFT,
        Checksum.VALID,
    ]
    assert dsdt.checksum(frozenset()) is Checksum.WRONG


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (b"x", "no table at offset 0"),
        (bytes(5) + b"\x01\x02\x03\x04", "no table at offset 5"),
        (DSDT[:-1], "at offset 0 is cut short"),
        (FACS + DSDT[:20], "at offset 64 is cut short"),
        (b"DSDT" + bytes(40), "at offset 0 is cut short"),
        (build.facs(bytes(55)), "at offset 0 is cut short"),
        (b"DSDT\xff\xff\xff\xff" + bytes(40), "at offset 0 is cut short"),
        (build.table("DSDT") * 257, "more than 256"),
        (bytes(MAX_BYTES + 1), "more than 4194304"),
    ],
)
def test_what_is_no_tables_is_refused(blob: bytes, said: str) -> None:
    with pytest.raises(AcpiError, match=said):
        split(blob)


TABLES = st.builds(build.table, st.sampled_from(["DSDT", "SSDT", "APIC"]), st.binary(max_size=50))


@given(st.lists(st.tuples(TABLES, st.integers(0, 9)), max_size=6))
def test_tables_with_zeros_between_them_are_built_again(made: list[tuple[bytes, int]]) -> None:
    blob = b"".join(table + bytes(gap) for table, gap in made)
    assert split(blob).build() == blob
    assert [table.raw for table in split(blob).tables] == [table for table, _ in made]


@given(st.binary(max_size=300) | damaged(BLOB))
def test_whatever_can_be_split_is_built_again(blob: bytes) -> None:
    with contextlib.suppress(AcpiError):
        tables = split(blob)
        assert tables.build() == blob
        for table in tables.tables:
            assert all(text.isprintable() for text in table.header.values())


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "blob",
    [
        bytes(MAX_BYTES - 1) + b"\1",
        (build.table("DSDT") + bytes(16_000)) * 257,
        b"DSDT\x08\0\0\0" * (MAX_BYTES // 8),
    ],
    ids=["zeros", "gaps", "tables of no length"],
)
def test_hostile_tables_are_refused_soon(blob: bytes) -> None:
    with pytest.raises(AcpiError):
        split(blob)


@pytest.mark.parametrize(
    ("blob", "at"),
    [
        (BLOB, 64 + 40 + 76), (BLOB[:64], None), (BLOB[:80], None), (bytes(8), 0), (b"", None),
        (b"DSDT\x07\0\0\0", 0),
    ],
)  # fmt: skip
def test_a_reader_is_told_where_the_tables_end(blob: bytes, at: int | None) -> None:
    assert end(blob) == at


def test_addresses_are_no_part_of_the_tables() -> None:
    script = loader(
        build.pointer(64 + 36)
        + build.pointer(64, file="etc/else")
        + build.pointer(1 << 30, 8)
        + bytes(128)
    )
    assert script.pointers == ((100, 4), (1 << 30, 8))
    bare = without_pointers(split(BLOB), script)
    assert bare.tables[1].body == bytes(4)
    assert (bare.tables[0].raw, bare.tables[2].raw) == (FACS, FACP)
    assert bare.length == len(BLOB)


@given(st.binary(max_size=400) | damaged(build.pointer(100) + build.checksum(73)))
def test_no_script_breaks_it(raw: bytes) -> None:
    bare = without_pointers(split(BLOB), loader(raw))
    assert [len(table.raw) for table in bare.tables] == [64, 40, 76]
    assert all(table.signature and table.header is not None for table in bare.tables)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (build.root_pointer(), {"OEM ID": "'BOCHS'", "Revision": "0"}),
        (build.root_pointer(revision=2, address=5), {"OEM ID": "'BOCHS'", "Revision": "2"}),
        (b"RSD PTR ", {}),
        (b"", {}),
    ],
)
def test_the_root_pointer(raw: bytes, said: dict[str, str]) -> None:
    assert root_pointer(raw) == said
