"""What a rehearsal of a machine found: what its firmware left, and what was not rehearsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from host_agent.evidence.hardware import PciFunction
from host_agent.firmware.acpi import Table
from host_agent.firmware.smbios import Smbios

ALL = frozenset({"*"})
"""Every ACPI table."""
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRehearsed:
    """A device or an option that a rehearsal has not, or has another in its place."""

    what: str
    """Such as ``vfio-pci hostdev0``."""
    tables: frozenset[str] = NOTHING
    """Signatures of the ACPI tables of which the rehearsal says nothing for that; see ``ALL``."""
    stand_in: str | None = None
    """Id of the device in its place, whose PCI function says no more than that one is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedFunction:
    """A PCI function as the firmware left it."""

    function: PciFunction
    device: str
    """QEMU's id of it; empty: it is the machine's own."""
    multifunction: bool = False
    """Whether its header says that its slot has several functions."""
    index: int = 0
    """The onboard index that its owner gave it (``acpi-index``); 0: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a guest finds when its firmware has run."""

    qemu: str
    """The binary's version."""
    accelerator: str
    smbios: Smbios | None
    """None: the firmware left none."""
    masked: frozenset[tuple[int, str]]
    """Fields of SMBIOS that the accelerator makes different from the domain's own."""
    acpi: tuple[Table, ...]
    """Each with its address as offset, the root table first; none: the machine has no ACPI."""
    pci: tuple[RehearsedFunction, ...]
    left_out: tuple[NotRehearsed, ...]
    as_domain: bool
    """Whether it had the domain's own accelerator, on which ACPI depends as well."""
    queues: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """QEMU's id of a virtio device → entries of each of its queues; empty: it does not say."""
