"""What an AML table declares, device by device, and what of it changes."""

import contextlib

import pytest
from hypothesis import given

from host_agent.firmware.aml_objects import AmlError, changes, eisa_id, integer, objects, shown
from tests.damage import damaged


def package(operator: bytes, inside: bytes) -> bytes:
    """An operator, its package's length in two bytes, and what is in it."""
    length = len(inside) + 2
    return operator + bytes([0x40 | (length & 0x0F), length >> 4]) + inside


def device(name: bytes, inside: bytes) -> bytes:
    return package(b"\x5b\x82", name + inside)


def named(name: bytes, value: bytes) -> bytes:
    return b"\x08" + name + value


def dsdt(*, sun: int = 3, method: bytes = b"\xa4\x00", more: bytes = b"") -> bytes:
    """A root bridge with a card in a slot, as QEMU declares them."""
    card = named(b"_ADR", b"\x0c\x00\x00\x03\x00") + named(b"_SUN", bytes([0x0A, sun]))
    card += package(b"\x14", b"_EJ0\x01" + method)
    bridge = named(b"_HID", b"\x0c\x41\xd0\x0a\x08") + named(b"_UID", b"\x00")
    bridge += named(b"_STR", b"\x0dbr\x1bidge\x00") + named(b"_CRS", package(b"\x11", b"\x0a\x01x"))
    region = b"\x5b\x80PCST\x01\x0b\x00\xae\x0a\x08" + package(b"\x5b\x81", b"PCST\x13PCIU\x20")
    inside = bridge + region + b"\x5b\x01BLCK\x00" + device(b"S18_", card) + more
    return package(b"\x10", b"\\_SB_" + device(b"PCI0", inside)) + package(
        b"\x10", b"\\" + b"\x2e_SB_PCI0" + named(b"_ADR", b"\x00")
    )


def test_devices_with_what_they_have() -> None:
    found = objects(dsdt())
    card = found["_SB.PCI0.S18"]
    assert {name: shown(name, value) for name, value in card.items()} == {
        "_ADR": "0x30000",
        "_SUN": "3",
        "_EJ0": "10 bytes",
    }
    bridge = found["_SB.PCI0"]
    assert shown("_HID", bridge["_HID"]) == "PNP0A08"
    assert shown("_STR", bridge["_STR"]) == r"'br\x1bidge'"
    assert (integer(bridge["_ADR"]), integer(card["_SUN"]), integer(bridge["_CRS"])) == (0, 3, None)
    assert {"PCST", "PCST(field)", "_CRS", "_UID"} <= bridge.keys()


def test_what_changes_is_named() -> None:
    assert list(changes(objects(dsdt()), objects(dsdt()))) == []
    path = "_SB.PCI0.S18"
    assert list(changes(objects(dsdt()), objects(dsdt(sun=4)))) == [(path, "_SUN", "3", "4")]
    other = objects(dsdt(method=b"\xa4\x01"))
    assert list(changes(objects(dsdt()), other)) == [(path, "_EJ0", "10 bytes", "other 10 bytes")]
    more = device(b"S20_", named(b"_ADR", b"\x00") + device(b"S00_", named(b"_ADR", b"\x00")))
    grown = objects(dsdt(more=more))
    assert list(changes(objects(dsdt()), grown)) == [("_SB.PCI0.S20", "device", "absent", "there")]
    assert list(changes(grown, objects(dsdt()))) == [("_SB.PCI0.S20", "device", "there", "absent")]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x5b\x82\x3f", "longer than what it lies in"),
        (b"\x10\x05\\_SB_", "does not end there"),
        (b"\x99", "operator 0x99 at 0x0 is not known"),
        (b"\x5b\x99\x01", "0x5b99"),
        (b"\x08_ADR", "ends within an object"),
        (b"\x08_ADR\x0dxyz", "does not end"),
        (b"\x08\xff\xff\xff\xff\x00", "no name"),
        (b"\x5b", "ends within an object"),
        (b"\x06AAAABBBB" * 65537, "more than 65536 objects"),
    ],
)
def test_what_is_no_code_is_said(raw: bytes, said: str) -> None:
    with pytest.raises(AmlError, match=said):
        objects(raw)


def test_depth_is_bounded() -> None:
    raw = b""
    for _ in range(80):
        raw = device(b"DEEP", raw)
    with pytest.raises(AmlError, match="too deep"):
        objects(raw)


@pytest.mark.parametrize(
    ("number", "name"), [(0x080AD041, "PNP0A08"), (0x0303D041, "PNP0303"), (0x0105D041, "PNP0501")]
)
def test_a_packed_name(number: int, name: str) -> None:
    assert eisa_id(number) == name


@given(damaged(dsdt()))
def test_any_code_gives_objects_or_an_error(raw: bytes) -> None:
    with contextlib.suppress(AmlError):
        for path, held in objects(raw).items():
            for name, value in held.items():
                assert shown(name, value).isprintable(), path
