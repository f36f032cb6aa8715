"""What is known of a move before it is made. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from host_agent.atlas.state_touching import States
from host_agent.case import last_boot
from host_agent.case.last_boot import LastBoot
from host_agent.case.results import Confirmed, Failed
from host_agent.difference import Difference
from host_agent.domain.definition import Definition
from host_agent.domain.devices import Devices
from host_agent.domain.live_migration import CopyStorage, MigrationResult
from host_agent.evidence.measured import Outlook
from host_agent.evidence.recovery_keys import RecoveryKeys
from host_agent.finding import Finding
from host_agent.firmware.images import Image
from host_agent.machine_types.offers import Offer
from host_agent.missing import Missing


def numbers(version: str) -> tuple[int, ...]:
    """Return a version so that a newer one is greater: (10, 0, 13)."""
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One of the two hosts."""

    name: str
    uuid: str | None
    """libvirt's UUID of the host."""
    qemu: str | None
    """None: not known, as of a release whose package may be any."""
    libvirt: str | None = None

    @property
    def title(self) -> str:
        """Return for example ``node2 (QEMU 10.0.13)``."""
        return f"{self.name} (QEMU {self.qemu})" if self.qemu else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """A domain that the destination already has, and that stands in the way."""

    name: str
    uuid: UUID
    active: bool
    guest_uuid: UUID
    """The UUID that its guest sees, where it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """The QEMU of a target, as far as it can be run from here, and how long one rehearsal takes."""

    seconds: float
    qemu: str | None = None
    """Path of the binary; None: the one that the domain names."""
    root: Path | None = None
    """The root folder of the system that has it; None: this host's."""
    local: bool = False
    """Whether the target is this host."""
    read_esp: bool = False
    """Whether for a TPM the loader is rehearsed, from a copy of its EFI system partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineThere:
    """What a rehearsal says of a guest's next boot there."""

    qemu: str
    """Version of the QEMU that was rehearsed in the place of that one."""
    differences: tuple[Difference, ...]
    """What the guest finds that is not as here."""
    machine: str | None = None
    """The machine type as which it boots there, where that is another one than here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One domain, from where to where, and what both ends say to it."""

    active: Definition
    """What runs on the source."""
    state: str
    job: Missing | None
    """The job of libvirt that runs on it already; None: none."""
    devices: Devices
    source: End
    destination: End
    offer: Offer | Missing
    """The domain's machine type as the destination has it; ``ABSENT``: it has none of that name."""
    near: tuple[str, ...] = ()
    """Machine types of the destination whose names begin with the domain's, or near it."""
    cpu: str | Missing | None = None
    """Why the destination can't give the guest its CPU; None: it can."""
    there: tuple[There, ...] = ()
    """Domains of the destination with this domain's name or UUID, or with its guest's UUID."""
    shared: Mapping[str, bool | None] = field(default_factory=dict)
    """A disk's target → whether other hosts see its contents; None: that can't be told."""
    copy_storage: CopyStorage | None = None
    unsafe: bool = False
    xml: Definition | None = None
    """The XML that the destination is to be given; None: the source's."""
    forecast: tuple[Difference, ...] | Missing
    """What the guest finds there at its next boot that is not as here."""
    states: States | Missing | None = None
    """What the QEMU there makes of the device states that it sends; None: nobody could say."""
    rehearsed: MachineThere | Missing | None = None
    """The same by a rehearsal, which knows the domain's own devices; None: not asked for."""
    sealed: Outlook | Missing | None = None
    """What its first stop and start there does to its TPM; None: it has none, or not asked for."""
    boot: LastBoot = last_boot.NOT_KNOWN
    images: tuple[Image, ...] = ()
    """The firmware images that it runs with, and whether they are there."""
    most_vcpus: int | None = None
    """How many vCPUs the machine type may have there that it goes as; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveReport:
    """What became of a move; None for each step that was not taken."""

    name: str
    uuid: UUID
    source: End
    destination: End
    findings: tuple[Finding, ...]
    """Of the preflight."""
    dry_run: bool
    recovery: RecoveryKeys | None = None
    """Whether it asks for its recovery key; None: not asked for, or it has no UEFI and no TPM."""
    before: Confirmed | Failed | None = None
    result: MigrationResult | None = None
    after: Confirmed | Failed | None = None
