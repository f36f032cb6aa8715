"""``same-pci``: does the guest see the PCI functions of the baseline, where they were?"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, groups, judged
from host_agent.finding import Finding

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import PciFunction

ID = "same-pci"

# PCI Code and ID Assignment Specification 1.11, chapter 1: base class, or class and subclass.
_CLASSES = {
    0x0C03: "USB controller", 0x0604: "PCI bridge", 0x01: "storage controller",
    0x02: "network controller", 0x03: "display", 0x04: "multimedia device", 0x05: "memory",
    0x06: "bridge", 0x07: "communication controller", 0x08: "system device", 0x09: "input device",
    0x0C: "serial bus controller", 0x12: "accelerator",
}  # fmt: skip

_NEW = ", to Windows a new device"

_Identity = tuple[int, int, int, int, int, int]


def check(case: Case) -> Finding:
    """Compare the functions by address (PCI Local Bus 3.0, 6.2.1; Linux PCI/sysfs-pci.rst).

    Guests name interfaces and bind drivers by address, so one that moved is told as such, where
    there is only one of its kind that can have moved. Windows keeps what it knows of a device by
    its place as well (Microsoft, Device instance IDs).
    """
    both = groups(ID, case, "PCI functions", lambda hardware: hardware.pci)
    if isinstance(both, Finding):
        return both
    then, now = both
    number = f"{len(now)} PCI function" + ("" if len(now) == 1 else "s")
    return judged(ID, case, list(_changes(then, now)), f"the guest sees the same {number}")


def _changes(then: "tuple[PciFunction, ...]", now: "tuple[PciFunction, ...]") -> Iterator[Change]:
    before, after = ({one.address: one for one in side} for side in (then, now))
    # What another function took the place of is gone from there, as what left an empty place is.
    gone = [one for one in then if not _same(one, after.get(one.address))]
    new = [one for one in now if not _same(one, before.get(one.address))]
    left, come = ({one.address: one for one in side} for side in (gone, new))
    for old, moved in _moved(gone, new):
        del left[old.address], come[moved.address]
        yield Change(
            sentence=f"{_name(old)} moved {old.address} -> {moved.address}{_NEW}",
            old=f"{_name(old)} at {old.address}",
            new=f"{_name(moved)} at {moved.address}",
        )
    for address in sorted(left.keys() & come.keys()):
        was, has = _long(left[address], come[address]), _long(come[address], left[address])
        yield Change(
            sentence=f"{address} was {was}, is {has}",
            old=f"{was} at {address}",
            new=f"{has} at {address}",
        )
    for address in sorted(left.keys() ^ come.keys()):
        name = f"{_name((left | come)[address])} at {address}"
        absent = f"nothing at {address}"
        yield Change(
            sentence=f"{name} is {'gone' if address in left else 'new'}",
            old=name if address in left else absent,
            new=name if address in come else absent,
        )
    for address in sorted(before.keys() & after.keys()):
        one, two = before[address].bridge, after[address].bridge
        if one != two and _same(before[address], after[address]):
            was, has = (f"behind {side}" if side else "on a root bus" for side in (one, two))
            yield Change(
                sentence=f"{_name(after[address])} at {address} was {was}, is {has}{_NEW}",
                old=f"{address} {was}",
                new=f"{address} {has}",
            )


def _moved(
    gone: "list[PciFunction]", new: "list[PciFunction]"
) -> "list[tuple[PciFunction, PciFunction]]":
    """Return the pairs of which each side has one function of that identity only."""
    left: dict[_Identity, list[PciFunction]] = defaultdict(list)
    come: dict[_Identity, list[PciFunction]] = defaultdict(list)
    for side, functions in ((left, gone), (come, new)):
        for one in functions:
            side[_identity(one)].append(one)
    return [(left[key][0], come[key][0]) for key in left if len(left[key]) == len(come[key]) == 1]


def _identity(one: "PciFunction") -> _Identity:
    return (
        one.vendor,
        one.device,
        one.subsystem_vendor,
        one.subsystem_device,
        one.revision,
        one.class_code,
    )


def _same(one: "PciFunction", two: "PciFunction | None") -> bool:
    return two is not None and _identity(one) == _identity(two)


def _name(one: "PciFunction") -> str:
    kind = _CLASSES.get(one.class_code >> 8) or _CLASSES.get(one.class_code >> 16)
    return f"{kind or 'device'} {one.vendor:04x}:{one.device:04x}"


def _long(one: "PciFunction", other: "PciFunction") -> str:
    """Return the name, with what only tells it from the other where the name does not."""
    if _name(one) != _name(other):
        return _name(one)
    return (
        f"{_name(one)} (subsystem {one.subsystem_vendor:04x}:{one.subsystem_device:04x}, "
        f"revision {one.revision:02x}, class {one.class_code:06x})"
    )
