"""What of the difference between two QEMUs' migration states touches one domain. Pure.

A domain sends the states of the devices that its command line adds, and of those that its machine
type has of its own accord. Not told by any QEMU, and so not looked at: memory, timers, an x86 CPU,
the PCI side and the queues of virtio devices.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from host_agent.atlas import state_diff, vmstate_diff
from host_agent.atlas.atlas import Atlas
from host_agent.atlas.compat_props import Property
from host_agent.atlas.vmstate import VmState
from host_agent.atlas.vmstate_diff import Change, Kind, Reading
from host_agent.missing import Missing, Reason

_SIDES = "-non-transitional", "-transitional", "-pci", "-ccw"
"""Endings of a virtio device's outer half (``hw/virtio/virtio-pci.c``, ``hw/s390x/*-ccw.c``)."""
# Models → what they bring along (hw/display/virtio-vga.c, hw/usb/dev-storage-classic.c).
_WITHIN = {
    "virtio-vga": ("virtio-gpu-device",),
    "virtio-vga-gl": ("virtio-gpu-gl-device",),
    "usb-storage": ("scsi-hd",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Touching:
    """One thing that the other QEMU does not take of one device."""

    model: str
    own: bool
    """Whether it is the machine type's own."""
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """What another QEMU makes of the states that a domain sends."""

    sent_by: str
    """The QEMU that is described as the sender, in words."""
    taken_by: str
    touching: tuple[Touching, ...] = ()
    """What is refused first."""
    looked_at: int = 0
    """How many models were compared."""
    not_described: tuple[str, ...] = ()
    """Models of the domain that no state is described of, for example in a module."""
    held_by: tuple[Property, ...] = ()
    """What the sender sets for this machine type so that it sends no more than it did."""


def of(old: Atlas, new: Atlas, machine: str, models: Iterable[str]) -> States | Missing:
    """Return what the new QEMU does not take of a domain that the old one sends.

    ``models``: those that its command line adds.
    """
    if old.states is None or new.states is None:
        lacking = old if old.states is None else new
        return Missing(
            reason=Reason.ABSENT,
            sentence=f"the atlas of {lacking.title} has no migration states"
            + (f": {lacking.states_error}" if lacking.states_error else ""),
            remedy="make it again: samemachine probe --output FILE",
        )
    here, there = old.machine(machine), new.machine(machine)
    own = frozenset() if here is None or here.devices is None else here.devices
    added = frozenset(models)
    given = frozenset(part for model in added for part in parts(model, old.states))
    differing = vmstate_diff.changes(old.states, new.states)
    held: set[Property] = set()
    found = []
    for model in sorted(own | given):
        holding = (
            []
            if here is None or there is None
            else [
                one
                for one in state_diff.holding(here, there, (model,))
                if state_diff.is_of_migration(one) and one in (here.properties or ())
            ]
        )
        for change in differing.get(model, ()):
            # Of a machine's own, QEMU may send as a part of another one what it once described.
            absent = change.kind is Kind.DEVICE and model not in given
            if change.reading is Reading.READ or absent:
                continue
            if change.reading is Reading.DEPENDS and holding:
                held.update(holding)
                continue
            found.append(Touching(model=model, own=model not in given, change=change))
    worst = list(Reading)
    return States(
        sent_by=old.title,
        taken_by=new.title,
        touching=tuple(sorted(found, key=lambda one: worst.index(one.change.reading))),
        looked_at=len(own | given),
        not_described=tuple(sorted(one for one in added if not any(parts(one, old.states)))),
        held_by=tuple(sorted(held)),
    )


def parts(model: str, states: VmState) -> Iterator[str]:
    """Yield under which names a QEMU describes what a model of a command line sends."""
    inner = model
    for side in _SIDES:
        inner = inner.removesuffix(side)
    names = (model, inner, f"{inner}-device") if inner != model else (model,)
    for name in (*names, *_WITHIN.get(model, ())):
        if name in states.devices:
            yield name
