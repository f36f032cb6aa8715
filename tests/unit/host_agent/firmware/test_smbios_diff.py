"""What differs between two SMBIOS tables, in words."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.smbios import SmbiosError
from host_agent.firmware.smbios_diff import are_same, differences
from host_agent.firmware.smbios_fields import PROCESSOR_ID
from tests import smbios_builder as build
from tests.damage import damaged

END = build.structure(127, 0x7F00, b"")
SYSTEM = build.structure(1, 0x100, b"\1\2\0\0", "QEMU", "Standard PC")
OEM = build.structure(11, 0xB00, b"\2", "first", "second")
BIOS = build.structure(0, 0, b"\1\2", "SeaBIOS", "1.16")


def processors(number: int, family: int = 1, identity: int = 0) -> bytes:
    return b"".join(
        build.structure(
            4, 0x400 + at, bytes([1, 3, family, 0]) + bytes([identity] * 8), f"CPU {at}"
        )
        for at in range(number)
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SYSTEM, SYSTEM, []),
        (SYSTEM, BIOS + SYSTEM, []),
        (BIOS + SYSTEM, SYSTEM, []),
        (BIOS, BIOS.replace(b"1.16", b"1.17"), ["type 0 BIOS: Version '1.16' -> '1.17'"]),
        (processors(1), processors(1, 0xFE),
         ["type 4 Processor: Processor Family 0x01 -> 0xfe"]),
        (processors(4), processors(4, 0xFE),
         ["type 4 Processor: Processor Family 0x01 -> 0xfe (4 times)"]),
        (processors(2), processors(3), ["type 4 Processor: structures 2 -> 3"]),
        (processors(2), processors(1, 9),
         ["type 4 Processor: structures 2 -> 1",
          "type 4 Processor: Processor Family 0x01 -> 0x09"]),
        (SYSTEM, SYSTEM + OEM, ["type 11 OEM strings: structures 0 -> 1"]),
        (OEM, OEM.replace(b"second", b"2"), ["type 11 OEM strings: string 2 'second' -> '2'"]),
        (OEM, build.structure(11, 0xB00, b"\3", "first", "second", "third"),
         ["type 11 OEM strings: Count 2 -> 3",
          "type 11 OEM strings: string 3 absent -> 'third'"]),
        (SYSTEM, SYSTEM.replace(b"Standard PC", b"KVM"),
         ["type 1 System: Product Name 'Standard PC' -> 'KVM'"]),
        (SYSTEM, SYSTEM.replace(b"PC", b"PC "),
         ["type 1 System: Product Name 'Standard PC' -> 'Standard PC '"]),
        (SYSTEM, SYSTEM.replace(b"\x00\x01\1\2", b"\x01\x01\1\2"),
         ["type 1 System: Handle 0x0100 -> 0x0101"]),
        (build.structure(221, 1, b"\1\2"), build.structure(221, 1, b"\1\3"),
         ["type 221: byte 0x05 0x02 -> 0x03"]),
        (OEM.replace(b"first", b"\xff"), OEM.replace(b"first", rb"\xff"),
         ["type 11 OEM strings: encoding the same values -> in other bytes"]),
        (SYSTEM + OEM, OEM + SYSTEM, ["structures: order of types 1, 11 -> 11, 1"]),
    ],
)  # fmt: skip
def test_structure_field_old_and_new(old: bytes, new: bytes, said: list[str]) -> None:
    found = differences(old + END, new + END)
    assert [str(difference) for difference in found] == [f"SMBIOS {words}" for words in said]
    assert are_same(old + END, new + END) is not bool(said)


def test_a_masked_field_is_not_compared() -> None:
    mask = {(4, PROCESSOR_ID)}
    old, new = processors(2) + END, processors(2, identity=7) + END
    assert len(differences(old, new)) == 1
    assert differences(old, new, mask) == ()
    (left,) = differences(old, processors(2, 0xFE, 7) + END, mask)
    assert left.field == "Processor Family"
    assert differences(old, new, {(1, PROCESSOR_ID)})


def test_the_end_and_what_follows_it_is_the_firmwares() -> None:
    other = build.structure(127, 0xFE00, b"\0", "end") + b"trailing"
    assert differences(SYSTEM + END, SYSTEM + other) == ()
    assert are_same(SYSTEM + END, SYSTEM + other)


SIDES = st.lists(
    st.sampled_from([BIOS, SYSTEM, OEM, processors(1), processors(2, 2), processors(1, 2)]),
    max_size=5,
).map(lambda made: b"".join(made) + END)


@given(SIDES, SIDES | damaged(SYSTEM + OEM + processors(2) + END))
def test_there_is_a_difference_exactly_where_the_bytes_differ(old: bytes, new: bytes) -> None:
    with contextlib.suppress(SmbiosError):
        same = are_same(old, new)
        found = differences(old, new)
        assert same is not bool(found)
        assert all(str(difference).isprintable() for difference in found)
        assert len(found) == len(differences(new, old))
