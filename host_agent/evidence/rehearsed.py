"""What a rehearsal of a machine found: what its firmware left, and what was not rehearsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from host_agent.evidence.hardware import PciFunction
from host_agent.firmware.acpi import Table
from host_agent.firmware.fw_cfg import Range
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

    @property
    def no_acpi(self) -> bool:
        """Whether the rehearsal says nothing of any ACPI table for that."""
        return self.tables == ALL


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
class RehearsedVirtio:
    """What a virtio device offers its driver, whatever that takes of it."""

    address: str
    """Of its PCI function."""
    device: str
    """QEMU's id of it; empty: it is the machine's own."""
    kind: int
    """Its virtio device id: 1 network, 2 block … (VIRTIO 1.2, chapter 5)."""
    features: int
    """Bit n is feature n; of a network card less than its network would let it offer."""
    queues: tuple[int, ...]
    """Entries of each of its queues."""


class CpuWord(NamedTuple):
    """A register that CPUID answers with, as far as its bits are features."""

    leaf: int
    subleaf: int
    register: str
    """``EAX`` to ``EDX``."""
    bits: int

    @property
    def name(self) -> str:
        """Return for example ``CPUID 0x7.0 EBX``."""
        return f"CPUID {self.leaf:#x}.{self.subleaf:x} {self.register}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedCpu:
    """The CPU that a guest finds."""

    vcpus: int
    """Those that are there at the start."""
    vendor: str
    name: str
    revision: str
    """Family, model and stepping, joined with hyphens."""
    words: tuple[CpuWord, ...]
    filtered: tuple[str, ...]
    """Features that its model has, and that this host or QEMU can't give it, in QEMU's names."""


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
    virtio: tuple[RehearsedVirtio, ...] = ()
    """In the order of addresses."""
    cpu: RehearsedCpu | None = None
    """None: this QEMU does not tell."""
    memory: tuple[Range, ...] = ()
    """The map that QEMU hands the firmware (``etc/e820``), which takes of it what it keeps for
    itself; how much that is, is settled when it boots a system. None: it hands over none."""
    files: Mapping[str, int] = field(default_factory=dict)
    """Name → size of each file that QEMU has for firmware and guest (fw_cfg)."""
    blocks: Mapping[str, int] = field(default_factory=dict)
    """Name → size of each block of memory: option ROMs, the firmware's image, video memory."""
