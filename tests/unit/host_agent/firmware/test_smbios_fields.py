"""Fields of SMBIOS structures by name."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.smbios import Structure
from host_agent.firmware.smbios_fields import PROCESSOR_ID, TYPES, type_name, values
from tests import smbios_builder as build


def structure(kind: int, formatted: bytes, *strings: bytes) -> Structure:
    return Structure(type=kind, handle=0x100, formatted=bytes(4) + formatted, strings=strings)


@pytest.mark.parametrize("kind", TYPES)
def test_fields_have_names_of_their_own_and_do_not_overlap(kind: int) -> None:
    fields = TYPES[kind].fields
    assert len({field.name for field in fields}) == len(fields)
    assert all(one.offset + one.size <= two.offset for one, two in pairwise(fields))
    assert all(field.size == (16 if field.kind == "uuid" else field.size) for field in fields)
    assert all(field.size == 1 for field in fields if field.kind == "text")


@pytest.mark.parametrize("kind", [*TYPES, 221])
def test_every_byte_and_every_string_tells(kind: int) -> None:
    length = (
        max((field.offset + field.size for field in TYPES[kind].fields), default=8) + 3
        if kind in TYPES
        else 12
    )
    formatted, strings = bytes([1] * length), [b"one", b"two"]
    same = values(structure(kind, formatted, *strings))
    for at in range(length):
        other = formatted[:at] + b"\2" + formatted[at + 1 :]
        assert values(structure(kind, other, *strings)) != same, at
    for changed in ([b"one"], [b"one", b"2"], [b"1", b"two"], [b"one", b"two", b"three"]):
        assert values(structure(kind, formatted, *changed)) != same
    assert values(structure(kind, formatted + b"\1", *strings)) != same


@pytest.mark.parametrize(
    ("formatted", "field", "said"),
    [
        (b"\1", "Manufacturer", "'QEMU'"),
        (b"\1", "Product Name", "absent"),
        (b"\1\0", "Product Name", "not specified"),
        (b"\1\7", "Product Name", "string 7, which is not there"),
        (b"\1\2", "Product Name", "'a\\x1b[2J\\xff '"),
        (bytes(4) + build.UUID_1.bytes_le, "UUID", str(build.UUID_1)),
        (bytes(4) + build.UUID_1.bytes_le[:15], "UUID", "absent"),
        (bytes(20) + b"\6", "Wake-up Type", "0x06"),
        (bytes(23) + b"\5", "byte 0x1b", "0x05"),
        (b"\1", "string 2", "'a\\x1b[2J\\xff '"),
        (b"\1", "Length", "5"),
        (b"\1", "Handle", "0x0100"),
    ],
)
def test_a_field_in_words(formatted: bytes, field: str, said: str) -> None:
    assert values(structure(1, formatted, b"QEMU", b"a\x1b[2J\xff "))[field] == said


def test_a_credential_is_told_apart_but_not_told() -> None:
    texts = [b"io.systemd.credential.binary:key=c2VjcmV0", b"io.systemd.credential:key=other"]
    shown = [
        values(Structure(type=11, handle=0, formatted=bytes(5), strings=(text,)))["string 1"]
        for text in texts
    ]
    assert shown[0].startswith("'io.systemd.credential.binary:key=(SHA-256 ")
    assert not any("c2VjcmV0" in one or "other" in one for one in shown)
    assert len(set(shown)) == 2


def test_numbers_are_little_endian() -> None:
    found = values(structure(4, bytes(4) + bytes(range(1, 9)) + bytes(2) + b"\xd0\x07"))
    assert found[PROCESSOR_ID] == "0x0807060504030201"
    assert found["External Clock"] == "2000"


@pytest.mark.parametrize(
    ("kind", "name"), [(4, "Processor"), (221, "type 221"), (127, "End of table")]
)
def test_type_name(kind: int, name: str) -> None:
    assert type_name(kind) == name


@given(st.integers(0, 255), st.binary(max_size=60), st.lists(st.binary(min_size=1), max_size=4))
def test_no_structure_breaks_it_or_the_terminal(
    kind: int, formatted: bytes, strings: list[bytes]
) -> None:
    for name, value in values(structure(kind, formatted, *strings)).items():
        assert (name + value).isprintable()
