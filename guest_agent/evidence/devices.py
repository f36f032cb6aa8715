"""Walks the device folders of sysfs: what is on a bus or in a class, and on what hardware it sits.

Linux ``filesystems/sysfs.rst``: an entry of a bus or class is a link to the device's own folder,
and that folder's path names all devices on the way from the root of the machine.
"""

import os
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Optional, TypeVar

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.strings import clean

_Item = TypeVar("_Item")

# A PCI domain has four digits, and more behind a bridge that makes domains of its own (VMD).
_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
# Channel subsystem: id of the subsystem, of its set, device number. The path has the subchannel's
# first and then the device's (Linux arch/s390/driver-model.rst); the last one counts.
_CCW = re.compile(r"[0-9a-f]{1,2}\.[0-9a-f]\.[0-9a-f]{4}")
# What lies between a controller and what it carries.
_BELOW = re.compile(
    r"virtio[0-9]+|host[0-9]+|target[0-9:]+|[0-9]+(:[0-9]+){3}|ata[0-9]+|nvme|nvme[0-9]+"
    r"|usb[0-9]+|[0-9]+-[0-9.:-]+"
)


def names(root: Path, folder: str, limit: int) -> "list[str]":
    """Return the names in a folder, sorted; raises ``EvidenceError``, also for more than the limit.

    An absent folder is absent, not empty.
    """
    try:
        with os.scandir(root / folder.lstrip("/")) as entries:
            found = [entry.name for entry in islice(entries, limit + 1)]
    except FileNotFoundError:
        raise EvidenceError(AbsenceReason.ABSENT, f"there is no {folder}") from None
    except PermissionError:
        raise EvidenceError(
            AbsenceReason.UNREADABLE, f"{folder} may not be read; the agent must run as root"
        ) from None
    except OSError as error:
        raise EvidenceError(
            AbsenceReason.FAILED, f"{folder} can't be read: {error.strerror}"
        ) from error
    if len(found) > limit:
        raise EvidenceError(AbsenceReason.FAILED, f"{folder} has more than {limit} entries")
    return sorted(found)


def each(
    root: Path, folder: str, limit: int, one: Callable[[str], Optional[_Item]]
) -> "list[_Item]":
    """Return what ``one`` makes of each entry's path; None leaves an entry out.

    A device that goes while it is read is left out. Raises ``EvidenceError`` for one that stays and
    can't be read.
    """
    items = []
    for name in names(root, folder, limit):
        path = f"{folder}/{name}"
        try:
            item = one(path)
        except EvidenceError:
            if (root / path.lstrip("/")).exists():
                raise
            continue
        if item is not None:
            items.append(item)
    return items


def place(root: Path, link: str) -> str:
    """Return the path below ``root`` to which a link leads, such as "/sys/devices/pci0000:00/…".

    Raises ``EvidenceError`` (failed) where it leads out of ``root``.
    """
    base = os.path.realpath(root).rstrip("/")
    real = os.path.realpath(root / link.lstrip("/"))
    if not real.startswith(f"{base}/"):
        raise EvidenceError(AbsenceReason.FAILED, f"{clean(link)} leads out of the tree")
    return real[len(base) :]


def is_pci(name: str) -> bool:
    """Whether this is the address of a PCI function."""
    return _PCI.fullmatch(name) is not None


def bus_address(path: str) -> str:
    """Return the address of the hardware that carries the device with this path in /sys/devices.

    The nearest PCI or channel subsystem address; where there is none, the name of the nearest
    device that is neither virtio's nor SCSI's nor USB's own.
    """
    parts = [part for part in path.split("/") if part]
    for part in reversed(parts):
        if _PCI.fullmatch(part) or _CCW.fullmatch(part):
            return part
    for part in reversed(parts):
        if not _BELOW.fullmatch(part):
            return clean(part)
    return clean(path)


def bridge(path: str) -> str:
    """Return the address of the bridge above the PCI function with this path; empty on a root bus.

    Linux ``drivers/pci/probe.c``: a function's folder lies in that of its bridge.
    """
    above = path.rstrip("/").split("/")[-2:-1]
    return above[0] if above and is_pci(above[0]) else ""


def driver(root: Path, device: str) -> str:
    """Return the name of the driver that is bound to a device; empty where there is none."""
    try:
        return clean((root / device.lstrip("/") / "driver").readlink().name)
    except OSError:
        return ""
