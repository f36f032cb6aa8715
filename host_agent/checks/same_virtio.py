"""``same-virtio``: did the guest's drivers negotiate the features of the baseline?"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, Kind, groups, judged, same_kernel
from host_agent.evidence import virtio_names
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import VirtioDevice

ID = "same-virtio"

_Key = tuple[str, int]


def check(case: Case) -> Finding:
    """Compare the negotiated feature bits, device by device (VIRTIO 1.2, 2.2 and 3.1).

    Another kernel may ask for others. PCI devices that came, went or moved are told by
    ``same-pci``, where both sides have the PCI functions.
    """
    both = groups(ID, case, "virtio devices", lambda hardware: hardware.virtio)
    if isinstance(both, Finding):
        return both
    then, now = both
    found = list(_features(then, now, known=same_kernel(case)))
    found += _come_and_gone(then, now, _functions(case))
    number = f"{len(now)} virtio device" + ("" if len(now) == 1 else "s")
    return judged(ID, case, found, f"the features of {number} are the same")


def _functions(case: Case) -> frozenset[str]:
    """Return the addresses of what another check tells of."""
    told: set[str] = set()
    for seen in (case.observation, getattr(case.baseline, "observation", None)):
        if not isinstance(seen, Observation) or isinstance(seen.hardware.pci, Missing):
            return frozenset()
        told |= {one.address for one in seen.hardware.pci}
    return frozenset(told)


def _features(
    then: "tuple[VirtioDevice, ...]", now: "tuple[VirtioDevice, ...]", *, known: bool
) -> Iterator[Change]:
    before, after = _single(then), _single(now)
    for key in sorted(before.keys() & after.keys()):
        old, new = before[key], after[key]
        if old.driver != new.driver:
            was, has = (one.driver or "no driver" for one in (old, new))
            yield Change(
                sentence=f"{_name(new)} was bound to {was}, is to {has}",
                kind=Kind.GUESTS,
                old=f"{_name(old)}: {was}",
                new=f"{_name(new)}: {has}",
            )
        elif old.features != new.features:
            lost, gained = old.features & ~new.features, new.features & ~old.features
            words = [
                f"{word} {virtio_names.said(new.device_id, bits)}"
                for word, bits in (("lost", lost), ("gained", gained))
                if bits
            ]
            why = "" if known else " (under another kernel)"
            yield Change(
                sentence=f"{_name(new)} {', '.join(words)}{why}",
                kind=Kind.PLUGGED if known else Kind.GUESTS,
                old=f"{_name(old)}: features {old.features:#x}",
                new=f"{_name(new)}: features {new.features:#x}",
            )


def _single(devices: "tuple[VirtioDevice, ...]") -> "dict[_Key, VirtioDevice]":
    """Return the devices that parent and kind tell apart."""
    number = Counter(map(_key, devices))
    return {_key(one): one for one in devices if number[_key(one)] == 1}


def _come_and_gone(
    then: "tuple[VirtioDevice, ...]", now: "tuple[VirtioDevice, ...]", told: frozenset[str]
) -> Iterator[Change]:
    before, after = (Counter(_key(one) for one in side) for side in (then, now))
    for sign, side in (("gone", before - after), ("new", after - before)):
        for parent, kind in sorted(side):
            if parent not in told:
                name = f"virtio {virtio_names.DEVICES.get(kind, kind)} at {parent}"
                yield Change(
                    sentence=f"{name} is {sign}",
                    old=name if sign == "gone" else f"{name}: absent",
                    new=name if sign == "new" else f"{name}: absent",
                )


def _key(one: "VirtioDevice") -> _Key:
    return one.parent, one.device_id


def _name(one: "VirtioDevice") -> str:
    return f"virtio {virtio_names.DEVICES.get(one.device_id, one.device_id)} at {one.parent}"
