"""Which partitions a domain's disks have, by their first bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from host_agent import bounded
from host_agent.domain.disk_layers import LayeredDisk
from host_agent.evidence.partitions import HEAD, Partitions, of_head
from host_agent.qemu import disk_reader

if TYPE_CHECKING:
    from uuid import UUID

_MOST_DISKS = 64


def partitions(disks: Iterable[LayeredDisk], root: Path = Path("/")) -> Partitions:
    """Return which GPT partitions the disks have; what can't be read is named with why."""
    found: set[UUID] = set()
    unread: list[str] = []
    for number, disk in enumerate(disks):
        try:
            if number >= _MOST_DISKS:
                raise OSError(0, "there are too many disks")
            here = of_head(disk_reader.head(disk.layers, root, HEAD))
        except (OSError, bounded.CallTimeoutError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            unread.append(f"{disk.target}: {why}")
            continue
        if here is None:
            unread.append(f"{disk.target}: its partition table is damaged")
        else:
            found |= here
    return Partitions(found=frozenset(found), unread=tuple(unread))
