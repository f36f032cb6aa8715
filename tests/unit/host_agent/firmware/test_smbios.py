"""SMBIOS bytes, right and wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.smbios import (
    SmbiosError,
    entry_point,
    find_entry_point,
    parse,
    split,
    structures,
    swapped,
    version,
)
from host_agent.printable import printable, shortened
from tests import smbios_builder as build
from tests.damage import damaged


def test_the_named_fields_are_read() -> None:
    named = parse(b"", build.tables(processor="p", chassis=""), "here").named
    assert (named.manufacturer, named.version) == ("QEMU", "pc-i440fx-7.2")
    assert (named.chassis_version, named.processor_version) == (None, "p")
    assert (named.uuid, named.source) == (build.UUID_1, "here")


def test_spaces_at_the_ends_are_kept() -> None:
    named = parse(b"", build.tables(manufacturer=" Q ", product="  "), "here").named
    assert (named.manufacturer, named.product) == (" Q ", "  ")


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


@pytest.mark.parametrize(
    ("left", "words"),
    [(0, "end without an end-of-table"), (3, "end without an end-of-table"),
     (4, "the structure at offset 14 is broken"), (5, "the structure at offset 14 is broken")],
)  # fmt: skip
def test_it_is_said_where_they_end(left: int, words: str) -> None:
    """A header has four bytes: with fewer there is no structure, with four a broken one."""
    one = build.structure(2, 1, b"\0" * 8)
    assert len(one) == 14
    with pytest.raises(SmbiosError, match=words):
        list(structures(one + b"\x01\x04\x02\0\x05"[:left]))


@given(st.binary(max_size=500))
def test_no_bytes_break_it(tables: bytes) -> None:
    with contextlib.suppress(SmbiosError):
        parse(b"", tables, "here")


@given(damaged(build.tables()))
def test_changed_tables_break_nothing(tables: bytes) -> None:
    try:
        named = parse(b"", tables, "here").named
    except SmbiosError:
        return
    for text in (named.manufacturer, named.product, named.version):
        assert text is None or text.isprintable()


STRUCTURES = st.builds(
    lambda kind, handle, fields, strings: build.structure(kind, handle, fields, *strings),
    st.integers(0, 126),
    st.integers(0, 0xFFFF),
    st.binary(max_size=40),
    st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), min_size=1), max_size=4),
)


@given(st.lists(STRUCTURES, max_size=6), st.binary(max_size=8))
def test_structures_are_split_and_built_again(made: list[bytes], trailing: bytes) -> None:
    blob = b"".join(made) + build.structure(127, 0x7F00, b"") + trailing
    tables = split(blob)
    assert [structure.build() for structure in tables.structures[:-1]] == made
    assert (tables.build(), tables.trailing) == (blob, trailing)


@given(st.binary(max_size=500) | damaged(build.tables()))
def test_whatever_can_be_split_is_built_again(blob: bytes) -> None:
    with contextlib.suppress(SmbiosError):
        assert split(blob).build() == blob


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "blob",
    [build.structure(9, 1, b"") * 20_000, b"\x01\xff" + b"x" * 250_000, b"\x01\x04\0\0" * 60_000,
     bytes(1 << 26)],
    ids=["many structures", "no end", "all strings", "more than there can be"],
)  # fmt: skip
def test_hostile_tables_are_refused_soon(blob: bytes) -> None:
    with pytest.raises(SmbiosError):
        split(blob)


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        (build.entry_point(388), "_SM_ 0.0"),
        (build.entry_point_64(388), "_SM3_ 3.0"),
        (b"_SM_\x00\x1f\x02\x08", "_SM_ 2.8"),
        (b"_SM3_\0\x18\x03", None),
        (b"_SM_", None),
        (b"", None),
    ],
)
def test_an_entry_point_says_its_version_also_without_a_checksum(
    anchor: bytes, said: str | None
) -> None:
    assert version(anchor) == said


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


def test_a_text_of_the_length_itself_is_whole() -> None:
    assert [shortened("abcd", most) for most in (5, 4, 3)] == ["abcd", "abcd", "abc…"]


@given(st.text())
def test_printable_text_is_printable(text: str) -> None:
    assert printable(text).isprintable()
