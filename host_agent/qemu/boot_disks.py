"""What of a domain's disks a firmware boots from: copied for a rehearsal, where that is allowed.

The partition table and the EFI system partitions, in memory, sealed: the loader that runs there is
the guest's own, and can write to nothing. The domain's disks are neither locked nor written.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from host_agent import bounded
from host_agent.domain.disk_layers import Layer
from host_agent.evidence.partitions import HEAD, system_partitions
from host_agent.qemu import disk_reader
from host_agent.qemu.rehearsal_disks import Copy, Disk

_MOST_DISKS = 16
_MOST_SIZE = 1 << 50
_MOST_AREA, _MOST_DATA = 2 << 30, 512 << 20
"""Bytes of a disk's EFI system partitions, and of all together that are no zeros."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootDisks:
    """Copies of those disks that have an EFI system partition."""

    by_layers: Mapping[tuple[Layer, ...], Copy]
    by_device: Mapping[str, Copy]
    unread: tuple[str, ...] = ()
    """Disks that may have one, each with why it could not be read."""

    def of(self, disks: Sequence[Disk]) -> dict[str, Copy]:
        """Return drive → copy, for a command line's disks."""
        found = {}
        for disk in disks:
            copy = self.by_layers.get(disk.layers) or self.by_device.get(disk.device)
            if copy is not None:
                found[disk.drive] = copy
        return found


@contextmanager
def copied(disks: Sequence[Disk], root: Path) -> Iterator[BootDisks]:
    """Yield copies, which end with the block. ``root``: the root folder of the domain's QEMU."""
    layers: dict[tuple[Layer, ...], Copy] = {}
    devices: dict[str, Copy] = {}
    unread: list[str] = []
    left = _MOST_DATA
    with ExitStack() as kept:
        for number, disk in enumerate(disks):
            try:
                if number >= _MOST_DISKS:
                    raise OSError(0, "there are too many disks")
                made = _copy(kept, disk, root, left)
            except (OSError, bounded.CallTimeoutError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                unread.append(f"{disk.device}: {why}")
                continue
            if made is not None:
                layers[disk.layers] = devices[disk.device] = made[0]
                left -= made[1]
        yield BootDisks(by_layers=layers, by_device=devices, unread=tuple(unread))


def _copy(kept: ExitStack, disk: Disk, root: Path, most: int) -> tuple[Copy, int] | None:
    """Return a disk's copy, and its bytes in memory; None: it has no EFI system partition."""
    head = disk_reader.head(disk.layers, root, HEAD)
    there = system_partitions(head)
    if there is None:
        return None
    if there.size > _MOST_SIZE or sum(length for _, length in there.areas) > _MOST_AREA:
        raise OSError(0, f"its EFI system partitions have more than {_MOST_AREA >> 30} GiB")
    writable = os.memfd_create("samemachine-disk", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    kept.callback(os.close, writable)
    os.ftruncate(writable, there.size)
    os.pwrite(writable, head, 0)
    written = len(head)
    for area in there.areas:
        written += disk_reader.copy(disk.layers, root, area, writable, most - written)
    # QEMU opens it again, as a user without rights.
    os.fchmod(writable, 0o666)
    fcntl.fcntl(
        writable, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
    )
    readable = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    kept.callback(os.close, readable)
    return Copy(writable=writable, readable=readable), written
