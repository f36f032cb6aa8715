"""A function's configuration space, as a guest's kernel reads it."""

import pytest

from host_agent.qemu.pci_header import BYTES, Place, function

PLACE = Place(1, 2, 3)


def space(**words: int) -> bytes:
    raw = bytearray(BYTES)
    for key, value in words.items():
        at = int(key[1:], 16)
        raw[at : at + 2] = value.to_bytes(2, "little")
    return bytes(raw)


def test_an_endpoint() -> None:
    raw = space(x00=0x1AF4, x02=0x1041, x08=0x0001, x0a=0x0200, x2c=0x1AF4, x2e=0x1100)
    found = function(PLACE, Place(0, 2, 0), raw)
    assert (found.address, found.bridge) == ("0000:01:02.3", "0000:00:02.0")
    assert (found.vendor, found.device, found.revision) == (0x1AF4, 0x1041, 1)
    assert (found.class_code, found.subsystem_vendor) == (0x020000, 0x1AF4)
    assert found.subsystem_device == 0x1100


@pytest.mark.parametrize(
    ("capabilities", "subsystem"),
    [
        ({"x34": 0x40, "x40": 0x4810, "x48": 0x000D, "x4c": 0x1B36, "x4e": 5}, (0x1B36, 5)),
        ({"x34": 0x40, "x40": 0x4010}, (0, 0)),
        ({"x34": 0xFC, "xfc": 0x000D}, (0, 0)),
        ({"x34": 0x10, "x10": 0x000D}, (0, 0)),
        ({}, (0, 0)),
    ],
    ids=["the second", "a ring", "at the end", "in the header", "none"],
)
def test_a_bridge_tells_its_subsystem_in_a_capability(
    capabilities: dict[str, int], subsystem: tuple[int, int]
) -> None:
    found = function(PLACE, None, space(x0e=1, x2c=0x1234, **capabilities))
    assert (found.subsystem_vendor, found.subsystem_device) == subsystem
    assert found.bridge is None
