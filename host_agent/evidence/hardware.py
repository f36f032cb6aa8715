"""The hardware that a guest's kernel sees, as frozen dataclasses. Decides nothing.

Groups are those of the wire contract (``samemachine/v1/guest.proto``), where each field's source
and unit are told; here they are validated, bounded and escaped. A group that could not be had is a
``Missing`` in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from host_agent.missing import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuidLeaf:
    """One live answer of the CPUID instruction; bits that are not the machine's are cleared."""

    leaf: int
    subleaf: int
    registers: tuple[int, int, int, int]
    """EAX, EBX, ECX, EDX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Processors."""

    online: int
    present: int | None
    model: str | None
    vendor: str | None
    revision: str | None
    """Family, model and stepping, joined with hyphens."""
    flags: frozenset[str]
    """As the kernel read them at boot."""
    microcode: str | None
    cpuid: tuple[CpuidLeaf, ...] | Missing
    """What the CPU answers now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory, in bytes."""

    total: int
    online: int | None
    block: int | None
    """How far ``online`` may be above what is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PciFunction:
    """One PCI function."""

    address: str
    bridge: str | None
    """The bridge it is behind; None: it is on a root bus."""
    vendor: int
    device: int
    subsystem_vendor: int
    subsystem_device: int
    revision: int
    class_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtioDevice:
    """One virtio device."""

    parent: str
    device_id: int
    features: int
    """Negotiated, bit n is feature n."""
    driver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcpiTable:
    """One ACPI table."""

    signature: str
    length: int
    sha256: str
    content_sha256: str | None
    """With the bytes that only say where tables lie read as zero; None: an older guest agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInterface:
    """One network interface that a device carries."""

    mac: str
    """Permanent, unless ``permanent_unknown``."""
    parent: str
    name: str
    driver: str | None
    permanent_unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDevice:
    """One disk."""

    serial: str | None
    wwn: str | None
    parent: str
    unit: str | None
    """Where it is below its controller; None: the parent carries one disk only."""
    name: str
    size: int
    """Bytes."""
    removable: bool
    logical_block: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Clocks, read within microseconds of each other."""

    source: str | None
    realtime: int
    """Nanoseconds since 1970-01-01 UTC."""
    boottime: int
    """Nanoseconds since boot, time asleep included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What a machine without SMBIOS says it is."""

    model: str | None
    compatible: tuple[str, ...]
    uuid: str | None
    sysinfo: Mapping[str, str]
    name: str | None = None
    """The domain's, in a device tree; None also where the agent is too old to say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uefi:
    """Secure boot, as the guest's firmware tells its kernel."""

    secure_boot: bool | None
    """None: it does not say."""
    setup_mode: bool | None
    databases: Mapping[str, str]
    """``PK``, ``KEK``, ``db``, ``dbx``, where set → SHA-256 in hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TpmEvent:
    """What a firmware measured, as its log in the guest has it."""

    pcr: int
    type: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LuksToken:
    """What keeps a key of a disk."""

    device: str
    type: str
    pin: str
    """Of clevis: ``tpm2``, ``tang``, ``sss``; empty: it is another's, or can't be read."""
    pcrs: tuple[int, ...] | None
    """Registers that it is bound to; None: it is not known to which."""
    bank: str
    signed_pcrs: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tpm:
    """The TPM, as the guest's kernel shows it."""

    pcrs: tuple[str, ...]
    """Registers 0 to 7 in bank SHA-256, in hexadecimal digits."""
    log: str | None
    """SHA-256 of the event log; None: the guest shows none."""
    events: tuple[TpmEvent, ...]
    tokens: tuple[LuksToken, ...] | None
    """None: it is not known which disks have any."""
    endorsement: str | None = None
    """SHA-256 of its endorsement key's public area, or what is kept instead; None: not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """All groups."""

    platform: Platform | Missing
    cpu: Cpu | Missing
    memory: Memory | Missing
    pci: tuple[PciFunction, ...] | Missing
    virtio: tuple[VirtioDevice, ...] | Missing
    acpi: tuple[AcpiTable, ...] | Missing
    network: tuple[NetworkInterface, ...] | Missing
    block: tuple[BlockDevice, ...] | Missing
    clock: Clock | Missing
    uefi: Uefi | Missing
    tpm: Tpm | Missing
