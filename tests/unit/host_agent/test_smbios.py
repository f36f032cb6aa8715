"""SMBIOS bytes, right and wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.printable import printable
from host_agent.smbios import (
    SmbiosError,
    entry_point,
    find_entry_point,
    parse,
    structures,
    swapped,
)
from tests import smbios_builder as build


def test_the_named_fields_are_read() -> None:
    named = parse(b"", build.tables(processor="p", chassis=""), "here").named
    assert (named.manufacturer, named.version) == ("QEMU", "pc-i440fx-7.2")
    assert (named.chassis_version, named.processor_version) == (None, "p")
    assert (named.uuid, named.source) == (build.UUID_1, "here")


def test_what_follows_the_end_is_not_read() -> None:
    assert len(list(structures(build.tables() + b"\x01\x00"))) == 4


@pytest.mark.parametrize(
    "tables",
    [b"", b"\0" * 100, build.tables()[:-3], build.structure(127, 1, b""), b"\x01\x02\0\0\0\0",
     build.structure(1, 1, b"") * 9000 + build.structure(127, 1, b""), b"x" * 300_000],
)  # fmt: skip
def test_what_is_no_smbios_is_refused(tables: bytes) -> None:
    with pytest.raises(SmbiosError):
        parse(b"", tables, "here")


@given(st.binary(max_size=500))
def test_no_bytes_break_it(tables: bytes) -> None:
    with contextlib.suppress(SmbiosError):
        parse(b"", tables, "here")


@given(st.binary(max_size=60), st.integers(0, 200))
def test_changed_tables_break_nothing(noise: bytes, at: int) -> None:
    tables = build.tables()
    try:
        named = parse(b"", tables[:at] + noise + tables[at + len(noise) :], "here").named
    except SmbiosError:
        return
    for text in (named.manufacturer, named.product, named.version):
        assert text is None or text.isprintable()


@given(st.binary(max_size=0x200), st.integers(0, 8))
def test_an_entry_point_is_found_behind_anything(noise: bytes, pages: int) -> None:
    segment = noise.ljust(0x200, b"\0") + bytes(16 * pages)
    raw = build.entry_point(388)
    found = find_entry_point(segment + raw + bytes(64))
    assert found is not None
    assert (found.address, found.length) == (0xF5000, 388) or found.raw in segment


def test_the_newer_entry_point_is_taken() -> None:
    old, new = build.entry_point(388, 0xF1000), build.entry_point_64(400, 0xF2000)
    found = find_entry_point(old.ljust(32, b"\0") + new + bytes(64))
    assert found is not None
    assert found.address == 0xF2000


def test_a_wrong_checksum_is_no_entry_point() -> None:
    raw = bytearray(build.entry_point(388))
    raw[0x18] ^= 1
    assert entry_point(bytes(raw)) is None
    assert find_entry_point(bytes(raw) + bytes(64)) is None


def test_swapping_twice_changes_nothing() -> None:
    assert str(swapped(build.UUID_1)) == "33221100-5544-7766-8899-aabbccddeeff"
    assert swapped(swapped(build.UUID_1)) == build.UUID_1


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    assert printable(text).isprintable()
