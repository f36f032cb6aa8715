"""The option ROMs that came with a guest's memory, read in QEMU's own.

A ROM is a block of memory of a migration's stream (QEMU ``hw/pci/pci.c: pci_add_option_rom``): a
guest that came from another host runs the ones that it was started with, also after a reset, and
this host's files only after a stop. No address of the guest leads there once its firmware has
switched the ROM's BAR off, so it is read in the process: a block has a mapping of its own, as large
as a power of two (``util/mmap-alloc.c``, ``hw/pci/pci.c``), and begins as a ROM does.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from host_agent import bounded
from host_agent.qemu.command_line import properties_of
from host_agent.qemu.rehearsal_options import RehearsalOptions

Ids = tuple[int, int]
"""Vendor and device of a PCI function."""
_VIRTIO = (0x1AF4, 0x1000), (0x1AF4, 0x1041)
# Network cards by QEMU's names of them, with what their ROM says that it is for: QEMU writes the
# card's own numbers there (hw/pci/pci.c: pci_patch_ids); of virtio's those follow from the slot.
_CARDS: Mapping[str, tuple[Ids, ...]] = {
    "virtio-net-pci": _VIRTIO, "virtio-net-pci-transitional": _VIRTIO,
    "virtio-net-pci-non-transitional": _VIRTIO,
    "e1000": ((0x8086, 0x100E),), "e1000-82544gc": ((0x8086, 0x1008),),
    "e1000-82545em": ((0x8086, 0x100F),), "e1000e": ((0x8086, 0x10D3),),
    "ne2k_pci": ((0x10EC, 0x8029),), "pcnet": ((0x1022, 0x2000),),
    "rtl8139": ((0x10EC, 0x8139),), "vmxnet3": ((0x15AD, 0x07B0),),
}  # fmt: skip
_MAPPING = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16}) rw-p 0{8} 00:00 0\s*")
_MOST_MAPPINGS = 65536
_LEAST, _MOST = 4096, 1 << 20
"""Bytes of a ROM: a page at least; of those that QEMU comes with the largest has 512 KiB."""
_MOST_ROMS = 256
_SECONDS = 5.0
_HEAD = 65536 + 8
# PCI Firmware Specification 3.3, 5.1.1 and 5.1.2: a ROM's header, and its PCI data structure.
_BEGINS, _POINTER, _DATA = b"\x55\xaa", slice(0x18, 0x1A), b"PCIR"


def wanted(options: RehearsalOptions) -> frozenset[Ids]:
    """Return what the ROMs of a machine's cards may say that they are for."""
    words = iter(options.devices)
    return frozenset(
        ids
        for option, value in zip(words, words, strict=True)
        if option == "-device"
        for ids in _CARDS.get(properties_of(value, "driver").get("driver", ""), ())
    )


def read(pid: int, ids: frozenset[Ids]) -> dict[Ids, bytes]:
    """Return the ROMs in a QEMU's memory that are for one of these.

    Of several for one thing, none: which card has which can't be told. Empty where that memory may
    not be read, as without root's rights, or where it does not come, as in the middle of a postcopy
    migration.
    """
    try:
        found = bounded.call(lambda: _read(pid, ids), _SECONDS) if ids else {}
    except (OSError, bounded.CallTimeoutError):
        return {}
    return {one: next(iter(roms)) for one, roms in found.items() if len(roms) == 1}


def _read(pid: int, wanted_: frozenset[Ids]) -> dict[Ids, set[bytes]]:
    found: dict[Ids, set[bytes]] = {}
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for begin, size in _candidates(_mappings(pid)):
            with suppress(OSError):
                ids = ids_of(os.pread(memory.fileno(), min(size, _HEAD), begin))
                roms = found.setdefault(ids, set()) if ids in wanted_ else None
                # Two tell that it is not known.
                if ids is not None and roms is not None and len(roms) < 2:
                    rom = os.pread(memory.fileno(), size, begin)
                    if len(rom) == size:
                        roms.add(rom)
    return found


def ids_of(rom: bytes) -> Ids | None:
    """Return what a ROM says that it is for; None: it is none."""
    if not rom.startswith(_BEGINS):
        return None
    at = int.from_bytes(rom[_POINTER], "little")
    data = rom[at : at + 8]
    if len(data) < 8 or not data.startswith(_DATA):
        return None
    return int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")


def with_roms(options: RehearsalOptions, roms: Mapping[Ids, int]) -> RehearsalOptions:
    """Return options whose cards have these ROMs, given as open files by their numbers.

    A card of which the options say what its ROM is keeps that.
    """
    words = iter(options.devices)
    found: list[str] = []
    for option, value in zip(words, words, strict=True):
        found += [option, _with_rom(value, roms) if option == "-device" else value]
    return replace(options, devices=tuple(found))


def _with_rom(value: str, roms: Mapping[Ids, int]) -> str:
    device = properties_of(value, "driver")
    there = [ids for ids in _CARDS.get(device.get("driver", ""), ()) if ids in roms]
    # Of virtio's two it is not told which one this card has.
    if len(there) != 1 or "romfile" in device:
        return value
    # By this name QEMU opens it itself; a descriptor set is not asked for ROMs.
    place = f"/proc/self/fd/{roms[there[0]]}"
    if value.startswith("{"):
        return f'{value.rstrip()[:-1]},"romfile":"{place}"}}'
    return f"{value},romfile={place}"


def _mappings(pid: int) -> Iterator[str]:
    with Path(f"/proc/{pid}/maps").open(encoding="ascii", errors="replace") as file:
        for _, line in zip(range(_MOST_MAPPINGS), file, strict=False):
            yield line


def _candidates(lines: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield where in a process a ROM may be, with its size; at most so many."""
    left = _MOST_ROMS
    for line in lines:
        match = _MAPPING.fullmatch(line)
        if match is None:
            continue
        begin, size = int(match[1], 16), int(match[2], 16) - int(match[1], 16)
        if _LEAST <= size <= _MOST and size & (size - 1) == 0 and left:
            left -= 1
            yield begin, size
