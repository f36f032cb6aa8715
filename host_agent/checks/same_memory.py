"""``same-memory``: does the guest have as much memory as at the baseline?"""

from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, Kind, groups, judged, same_boot, same_kernel
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import Memory

ID = "same-memory"

_MIB = 1 << 20
_BALLOON = 5
# A boot of the same kernel on the same machine may keep a little more for itself.
_KEPT = 16 * _MIB
# Memory of x86 and arm64 lies in two ranges, of which each may fill its last block in part.
_RANGES = 2


def check(case: Case) -> Finding:
    """Compare the blocks of memory that are online, else MemTotal (guest.proto, ``Memory``).

    Blocks of one size say the same under every kernel (Linux admin-guide/mm/memory-hotplug.rst);
    where their size is another, they tell to that size. MemTotal depends on the kernel, and a
    balloon takes from it (VIRTIO 1.2, 5.5), so it is asked only where neither interferes.

    A UEFI of arm64 may give its flash as memory, a block more: with Debian's qemu-efi-aarch64
    2022.11 0x4000000 to 0x7ffffff is, with 2025.02 not (``virt-7.2``, 768 MiB, one kernel, MemTotal
    3 MiB apart). So after a boot there one block alone says nothing.
    """
    both = groups(ID, case, "memory", lambda hardware: hardware.memory)
    if isinstance(both, Finding):
        return both
    then, now = both
    before, after = _online(then), _online(now)
    found: list[Change] = []
    if before and after:
        (old, one), (new, two) = before, after
        off = 0 if one == two else _RANGES * max(one, two)
        if abs(new - old) > off:
            flash = abs(new - old) == one == two and _booted_arm64(case)
            if not flash:
                found = [_changed("memory", old, new, Kind.PLUGGED)]
            elif not same_kernel(case) or _ballooned(case):
                found = [_changed("memory", old, new, Kind.GUESTS)]
    total = abs(now.total - then.total) > _KEPT
    if not found and total and same_kernel(case) and not _ballooned(case):
        found = [_changed("memory that the kernel manages", then.total, now.total, Kind.PLUGGED)]
    elif not found and total and not (before and after):
        # Nothing better is known, and it may be the balloon or the kernel.
        found = [_changed("memory that the kernel manages", then.total, now.total, Kind.GUESTS)]
    size = after[0] if after else now.total
    return judged(ID, case, found, f"the guest has the same memory, {_size(size)}")


def _booted_arm64(case: Case) -> bool:
    seen = case.observation
    return (
        not isinstance(seen, Missing)
        and seen.architecture == "aarch64"
        and same_boot(case) is False
    )


def _online(memory: "Memory") -> tuple[int, int] | None:
    """Return what is online and how large a block is, where both are known."""
    if memory.online is None or memory.block is None:
        return None
    return memory.online, memory.block


def _changed(what: str, old: int, new: int, kind: Kind) -> Change:
    return Change(
        sentence=f"{what} {_size(old)} -> {_size(new)}",
        kind=kind,
        old=f"{what} {_size(old)}",
        new=f"{what} {_size(new)}",
    )


def _size(number: int) -> str:
    return f"{number / _MIB:.0f} MiB"


def _ballooned(case: Case) -> bool:
    """Tell whether a balloon may have taken or given memory; also where that is not known."""
    if isinstance(case.baseline, Missing) or isinstance(case.observation, Missing):
        return True
    return any(map(_has_balloon, (case.baseline.observation, case.observation)))


def _has_balloon(seen: Observation) -> bool:
    devices = seen.hardware.virtio
    return isinstance(devices, Missing) or any(
        device.device_id == _BALLOON and device.driver for device in devices
    )
