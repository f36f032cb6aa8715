"""The ROMs of network cards, as they are in a process's memory."""

import ctypes
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.qemu import carried_roms
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain

SIZE = 64 * 1024
VIRTIO, LEGACY, E1000 = (0x1AF4, 0x1041), (0x1AF4, 0x1000), (0x8086, 0x100E)
_PRIVATE_ANONYMOUS, _NONE, _READ_WRITE = 0x22, 0, 3
_LIBRARY = ctypes.CDLL(None, use_errno=True)
_LIBRARY.mmap.restype = ctypes.c_void_p
_LIBRARY.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_LIBRARY.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_LIBRARY.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


def rom(ids: tuple[int, int] = VIRTIO, text: bytes = b"") -> bytes:
    vendor, device = (one.to_bytes(2, "little") for one in ids)
    header = b"\x55\xaa".ljust(0x18, b"\0") + (0x1C).to_bytes(2, "little") + b"\0\0"
    return (header + b"PCIR" + vendor + device + text).ljust(SIZE, b"\xff")


@contextmanager
def in_memory(*contents: bytes) -> Iterator[None]:
    """Have them in this process, each in a mapping of its own between two that can't be read."""
    length = SIZE * (2 * len(contents) + 1)
    begin = _LIBRARY.mmap(None, length, _NONE, _PRIVATE_ANONYMOUS, -1, 0)
    try:
        for number, content in enumerate(contents):
            place = begin + SIZE * (2 * number + 1)
            assert _LIBRARY.mprotect(place, SIZE, _READ_WRITE) == 0
            ctypes.memmove(place, content, SIZE)
        yield
    finally:
        _LIBRARY.munmap(begin, length)


def read(*ids: carried_roms.Ids) -> dict[carried_roms.Ids, bytes]:
    return carried_roms.read(os.getpid(), frozenset(ids))


def test_what_is_in_a_process() -> None:
    with in_memory(rom(), rom(E1000), bytes(SIZE), rom(E1000)):
        # Two cards of one model have the same ROM.
        assert read(VIRTIO, E1000) == {VIRTIO: rom(), E1000: rom(E1000)}
        # What no card wants is not read.
        assert read(VIRTIO) == {VIRTIO: rom()}
        assert read() == {}
    assert read(VIRTIO) == {}


def test_of_two_for_one_thing_neither_is_taken() -> None:
    with in_memory(rom(), rom(text=b"another")):
        assert read(VIRTIO) == {}


def test_of_a_process_that_is_gone() -> None:
    assert carried_roms.read(1 << 30, frozenset({VIRTIO})) == {}


@given(st.binary(max_size=80))
def test_what_is_no_rom(content: bytes) -> None:
    found = carried_roms.ids_of(b"\x55\xaa" + content)
    assert found is None or b"PCIR" in content
    assert carried_roms.ids_of(content) is None or content.startswith(b"\x55\xaa")


def test_only_mappings_that_a_rom_can_have() -> None:
    one = "7f0000000000-7f0000010000 rw-p 00000000 00:00 0 \n"
    lines = [
        one,
        one.replace("rw-p", "r--p"),
        one.replace("rw-p", "rw-s"),
        one.replace("00:00 0 ", "fe:00 7 /usr/bin/qemu-system-x86_64"),
        one.replace("00:00 0 ", "00:00 0 [heap]"),
        "7f0000000000-7f0000003000 rw-p 00000000 00:00 0 \n",
        "7f0000000000-7f0000200000 rw-p 00000000 00:00 0 \n",
        "no mapping\n",
    ]
    assert list(carried_roms._candidates(lines)) == [(0x7F0000000000, 0x10000)]
    assert len(list(carried_roms._candidates([one] * 5000))) == 256


def options(*devices: str) -> RehearsalOptions:
    words = [word for value in devices for word in ("-device", value)]
    return from_domain(("qemu", "-machine", "pc-q35-10.0", "-m", "512", *words), "x86_64")


@pytest.mark.parametrize(
    ("given_", "rom_"),
    [
        ('{"driver":"virtio-net-pci","netdev":"n0","id":"net0"}', "/proc/self/fd/7"),
        ("virtio-net-pci,netdev=n0,id=net0", "/proc/self/fd/7"),
        ("e1000,netdev=n0", None),
        ("virtio-rng-pci", None),
        ("virtio-net-pci,netdev=n0,romfile=", ""),
    ],
)
def test_a_card_has_what_came(given_: str, rom_: str | None) -> None:
    found = carried_roms.with_roms(options(given_), {VIRTIO: 7, (0x8086, 0x10D3): 8})
    (device,) = [
        value
        for option, value in zip(found.devices[::2], found.devices[1::2], strict=True)
        if option == "-device"
    ]
    if device.startswith("{"):
        assert json.loads(device).get("romfile") == rom_
    else:
        words = dict(part.partition("=")[::2] for part in device.split(","))
        assert words.get("romfile") == rom_
    assert replace(found, devices=()) == replace(options(given_), devices=())


def test_which_of_two_a_card_has_is_not_guessed() -> None:
    """One on a root bus has virtio's older number, one behind a port its newer."""
    before = options("virtio-net-pci,netdev=n0", "e1000,netdev=n1")
    assert carried_roms.wanted(before) == {VIRTIO, LEGACY, E1000}
    found = carried_roms.with_roms(before, {VIRTIO: 7, LEGACY: 8, E1000: 9})
    given_ = [word for word in found.devices if "romfile" in word]
    assert given_ == ["e1000,netdev=n1,romfile=/proc/self/fd/9"]


def test_nothing_came() -> None:
    before = options("virtio-net-pci,netdev=n0")
    assert carried_roms.with_roms(before, {}) == before
