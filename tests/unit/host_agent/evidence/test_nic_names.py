"""What systemd calls a guest's cards: the layouts that were measured with 252, 257 and 262."""

from dataclasses import replace

import pytest

from host_agent.evidence.hardware import PciFunction
from host_agent.evidence.nic_names import Scheme, names
from host_agent.evidence.rehearsed import Rehearsed, RehearsedFunction
from host_agent.firmware.acpi import Table
from tests import acpi_builder as build
from tests.unit.host_agent.evidence.test_rehearsal_diff import REHEARSED
from tests.unit.host_agent.firmware.test_aml_objects import device, named, package

BRIDGE, NET, DISK = 0x060400, 0x020000, 0x010000


def node(place: int, *inside: bytes, sun: int | None = None, method: bool = False) -> bytes:
    """A function's node; with ``sun`` one that can be ejected, as QEMU writes slots."""
    name = b"S%02X_" % (place >> 13 | place & 7)
    held = named(b"_ADR", b"\x0c" + place.to_bytes(4, "little"))
    if sun is not None:
        held += named(b"_SUN", b"\x0a" + bytes([sun])) + package(b"\x14", b"_EJ0\x01\xa4\x00")
    if method:
        held += package(b"\x14", b"_DSM\x04\xa4\x00")
    return device(name, held + b"".join(inside))


def function(
    address: str,
    kind: int = NET,
    *,
    bridge: str | None = None,
    several: bool = False,
    index: int = 0,
) -> RehearsedFunction:
    plain = PciFunction(
        address=f"0000:{address}",
        bridge=bridge and f"0000:{bridge}",
        vendor=0x1AF4,
        device=1,
        subsystem_vendor=0,
        subsystem_device=0,
        revision=0,
        class_code=kind,
    )
    return RehearsedFunction(function=plain, device=address, multifunction=several, index=index)


def machine(nodes: bytes, *functions: RehearsedFunction, roots: bytes = b"") -> Rehearsed:
    body = package(b"\x10", b"\\_SB_" + device(b"PCI0", nodes) + roots)
    table = Table(offset=0, raw=build.table("DSDT", body))
    return replace(REHEARSED, acpi=(table,), pci=functions)


SLOTS = b"".join(node(slot << 16, sun=slot) for slot in (3, 4, 5, 6))
LAYOUTS = {
    "i440fx, slot 3": (machine(SLOTS, function("00:03.0")), "ens3", "ens3"),
    "no node": (machine(b"", function("00:03.0")), "enp0s3", "enp0s3"),
    "q35, a root port, whose slot is 0": (
        machine(
            node(0x20000, node(0, sun=0)),
            function("00:02.0", BRIDGE), function("01:00.0", bridge="00:02.0"),
        ),
        "enp1s0", "enp1s0",
    ),
    "a port with a slot": (
        machine(
            node(0x20000, node(0, sun=3)),
            function("00:02.0", BRIDGE), function("01:00.0", bridge="00:02.0"),
        ),
        "ens3", "ens3",
    ),
    "behind a bridge, where the number is there already": (
        machine(
            SLOTS + node(0x70000, node(0x40000, sun=4)),
            function("00:07.0", BRIDGE), function("01:04.0", bridge="00:07.0"),
        ),
        "enp1s4", "ens4",
    ),
    "an index that the node tells": (
        machine(node(0x30000, sun=3, method=True), function("00:03.0", index=5)), "eno5", "eno5",
    ),
    "an index that no node tells": (
        machine(SLOTS, function("00:03.0", index=5)), "ens3", "ens3",
    ),
    "the second function": (
        machine(node(0x30001) + SLOTS, function("00:03.1", several=False)), "ens3f1", "ens3f1",
    ),
    "the first of several": (
        machine(SLOTS, function("00:03.0", several=True)), "ens3f0", "ens3f0",
    ),
    "several on the root bus of q35": (
        machine(b"", function("00:05.0", several=True)), "enp0s5f0", "enp0s5f0",
    ),
    "several behind a port with a slot": (
        machine(
            node(0x40000, node(0), sun=4),
            function("00:04.0", BRIDGE), function("01:00.0", bridge="00:04.0", several=True),
        ),
        "ens4f0", "ens4f0",
    ),
    "another root bus": (
        machine(
            b"", function("40:00.0", BRIDGE), function("41:01.0", bridge="40:00.0"),
            roots=device(
                b"PC40", named(b"_BBN", b"\x0a\x40") + node(0, node(0x10000, sun=7))
            ),
        ),
        "ens7", "ens7",
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_the_names_that_were_measured(layout: tuple[Rehearsed, str, str]) -> None:
    rehearsed, sysfs, sun = layout
    (one,) = names(rehearsed)
    assert one.names == {Scheme.SYSFS: sysfs, Scheme.SUN: sun}


def test_what_is_no_card_has_no_name() -> None:
    assert names(machine(SLOTS, function("00:03.0", DISK))) == ()


def test_code_that_can_not_be_read_gives_none() -> None:
    broken = Table(offset=0, raw=build.table("DSDT", b"\x99"))
    assert names(replace(machine(SLOTS, function("00:03.0")), acpi=(broken,))) == ()
