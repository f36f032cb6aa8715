"""``same-block``: does the guest have the disks of the baseline, where they were?"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, groups, judged
from host_agent.finding import Finding

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import BlockDevice

    _Pair = tuple[BlockDevice, BlockDevice]

ID = "same-block"

_MIB = 1 << 20
_Key = tuple[str | None, ...]


def check(case: Case) -> Finding:
    """Compare the disks by serial number, world-wide name and place (guest.proto, ``Block``).

    The place is the controller's bus address and where the disk is below it; the kernel's names
    ("vda") depend on who was found first, and are not compared. Of a drive whose medium may be
    changed the size is the medium's, and not compared.
    """
    both = groups(ID, case, "disks", lambda hardware: hardware.block)
    if isinstance(both, Finding):
        return both
    then, now = both
    number = f"{len(now)} disk" + ("" if len(now) == 1 else "s")
    return judged(ID, case, list(_changes(then, now)), f"the guest has the same {number}")


def _changes(then: "tuple[BlockDevice, ...]", now: "tuple[BlockDevice, ...]") -> Iterator[Change]:
    gone, new = list(then), list(now)
    # What is certain first: all the same, the same disk elsewhere, another disk in the same place.
    for old, one in _take(gone, new, lambda disk: (*_place(disk), *_identity(disk)), alone=False):
        yield from _inside(old, one)
    for old, one in _take(gone, new, _identity, alone=True):
        yield Change(
            sentence=f"{_name(old)} moved from {_where(old)} to {_where(one)}",
            old=f"{_name(old)} at {_where(old)}",
            new=f"{_name(one)} at {_where(one)}",
        )
        yield from _inside(old, one)
    for old, one in _take(gone, new, _place, alone=True):
        was, has = _differing(old, one)
        yield Change(
            sentence=f"the disk at {_where(old)} had {was}, has {has}",
            old=f"{_name(old)} at {_where(old)}",
            new=f"{_name(one)} at {_where(one)}",
        )
        yield from _inside(old, one)
    for word, side in (("gone", gone), ("new", new)):
        for disk in side:
            name = f"{_name(disk)} at {_where(disk)}"
            yield Change(
                sentence=f"{name} is {word}",
                old=name if word == "gone" else f"{name}: absent",
                new=name if word == "new" else f"{name}: absent",
            )


def _take(
    gone: "list[BlockDevice]",
    new: "list[BlockDevice]",
    key: "Callable[[BlockDevice], _Key]",
    *,
    alone: bool,
) -> "list[_Pair]":
    """Take the pairs with the same key out of both lists; ``alone``: where only one has it."""
    left, come = _by_key(gone, key), _by_key(new, key)
    pairs = [
        pair
        for wanted, olds in left.items()
        if any(wanted) and not (alone and not len(olds) == len(come[wanted]) == 1)
        for pair in zip(olds, come[wanted], strict=False)
    ]
    taken = {id(disk) for pair in pairs for disk in pair}
    for side in (gone, new):
        side[:] = [disk for disk in side if id(disk) not in taken]
    return pairs


def _by_key(
    disks: "list[BlockDevice]", key: "Callable[[BlockDevice], _Key]"
) -> "defaultdict[_Key, list[BlockDevice]]":
    found: defaultdict[_Key, list[BlockDevice]] = defaultdict(list)
    for disk in disks:
        found[key(disk)].append(disk)
    return found


def _inside(old: "BlockDevice", new: "BlockDevice") -> Iterator[Change]:
    """Yield what differs of one disk."""
    rows = [("block size", old.logical_block, new.logical_block, "{} bytes")]
    if not (old.removable or new.removable):
        rows.insert(0, ("size", old.size, new.size, ""))
    for name, was, has, form in rows:
        # What an older agent or kernel does not say is no difference.
        if was is None or has is None or was == has:
            continue
        before, after = (form.format(number) if form else _size(number) for number in (was, has))
        disk = _name(new) if any(_identity(new)) else "the disk"
        what = f"{name} of {disk} at {_where(new)}"
        yield Change(
            sentence=f"{what} {before} -> {after}",
            old=f"{what} {before}",
            new=f"{what} {after}",
        )


def _place(disk: "BlockDevice") -> _Key:
    return disk.parent, disk.unit


def _identity(disk: "BlockDevice") -> _Key:
    return disk.serial, disk.wwn


def _where(disk: "BlockDevice") -> str:
    return f"{disk.parent} unit {disk.unit}" if disk.unit else disk.parent


def _name(disk: "BlockDevice") -> str:
    if disk.serial:
        return f"disk serial {disk.serial}"
    return f"disk WWN {disk.wwn}" if disk.wwn else f"the disk of {_size(disk.size)}"


def _differing(old: "BlockDevice", new: "BlockDevice") -> tuple[str, str]:
    if old.serial != new.serial:
        was, has = (f"serial {one.serial}" if one.serial else "no serial" for one in (old, new))
    else:
        was, has = (f"WWN {one.wwn}" if one.wwn else "no WWN" for one in (old, new))
    return was, has.removeprefix("serial ").removeprefix("WWN ") if was[:2] == has[:2] else has


def _size(number: int) -> str:
    return f"{number} bytes" if number % _MIB else f"{number // _MIB} MiB"
