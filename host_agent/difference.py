"""What differs between two views of a machine, and what an atlas predicts of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Area(StrEnum):
    """A part of what QEMU shows a guest."""

    SMBIOS = "SMBIOS"
    ACPI = "ACPI"
    MEMORY_MAP = "e820"
    FW_CFG = "fw_cfg"
    FIRMWARE = "firmware"
    """The firmware's image."""
    ROM = "ROM"
    """Sizes of option ROMs and other memory blocks, which a migration compares."""
    DEVICE_TREE = "device tree"
    PCI = "PCI"
    """The functions on its buses, as the firmware left them."""
    VIRTIO = "virtio"
    """What paravirtual devices offer their drivers."""
    CPU = "CPU"
    """Number, name and features of the processors."""


class Effect(StrEnum):
    """Whom a difference touches."""

    INVENTORY = "inventory"
    """Tools that list hardware."""
    DRIVER = "driver"
    """A guest may bind another driver or rename a device."""
    IDENTITY = "identity"
    """Licences, UUID, serial, what provisioning tools go by."""
    BREAKING = "breaking"
    """A migration or a restore is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs between two views, in words."""

    area: Area
    subject: str
    """``type 4 Processor``, ``DSDT``, ``e1000.rom`` …"""
    field: str
    old: str
    new: str
    count: int = 1
    """How many structures differ in this way."""

    def __str__(self) -> str:
        """Return for example ``SMBIOS type 4 Processor: Processor Family 0x01 -> 0xfe``."""
        times = f" ({self.count} times)" if self.count > 1 else ""
        subject = f" {self.subject}" if self.subject else ""
        return f"{self.area}{subject}: {self.field} {self.old} -> {self.new}{times}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What another QEMU shows guests of one machine type, as two shipped atlases have it."""

    architecture: str
    """libvirt's word for the guest's."""
    machine: str
    old: str
    """Version of the QEMU before, such as ``7.2.22``."""
    new: str
    differences: tuple[Difference, ...]


_REHEARSED = {Area.ACPI, Area.PCI, Area.VIRTIO, Area.CPU, Area.ROM}


def with_rehearsal(
    served: Sequence[Difference], made: Sequence[Difference]
) -> tuple[Difference, ...]:
    """Return what QEMU serves, with what firmware and QEMU make of it where that says more."""
    kept = (one for one in served if one.area not in _REHEARSED)
    return (*kept, *(one for one in made if one.area in _REHEARSED))


def series(version: str) -> tuple[int, ...]:
    """Return ``(7, 2)`` for ``7.2.22``: within a series what a machine type shows is kept."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def in_one(difference: Difference) -> Difference:
    """Return the difference as it is in one structure; atlases are of machines with one CPU."""
    return replace(difference, count=1)
