"""Everything that one domain is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from host_agent.case.doubles import Sighting
from host_agent.case.expectation import Expectation
from host_agent.domain.definition import Declared
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware.smbios import Named, Smbios
from host_agent.machine_types.surroundings import Surroundings
from host_agent.missing import Missing, Reason

if TYPE_CHECKING:
    # Few audits rehearse.
    from host_agent.evidence.measured import Measured
    from host_agent.evidence.nvram import Nvram
    from host_agent.evidence.partitions import Partitions
    from host_agent.evidence.rehearsal_diff import Compared
    from host_agent.evidence.tpm_state import TpmState


class Occasion(StrEnum):
    """Why we verify."""

    AUDIT = "audit"
    ARRIVAL = "arrival"
    RESTART = "restart"
    UPGRADE = "upgrade"
    REVERTED = "reverted"
    """It went back to a snapshot, and its definition, with the baseline in it, went with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """The snapshot from which libvirt says that a domain goes on."""

    name: str
    created: float | None
    """Seconds since 1970-01-01 UTC, by the clock of its host then; None: it is not told."""


_NOT_READ = Missing(reason=Reason.ABSENT, sentence="the firmware's variables were not asked for")
_NO_TPM = Missing(reason=Reason.ABSENT, sentence="the state of a TPM was not looked for")
_NOWHERE = Missing(reason=Reason.ABSENT, sentence="the host's machine types were not asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that the checks judge one domain by."""

    declared: Declared
    expected: Expectation | Missing
    running: Running | Missing
    memory: Smbios | Missing
    """Booted tables that the host read in guest RAM."""
    observation: Observation | Missing
    now: ProbedTables | Missing
    """What the running QEMU builds with the options it was started with."""
    next_start: ProbedTables | Missing
    """What the installed QEMU will build with the persistent XML."""
    baseline: Baseline | Missing
    forecast: ProbedTables | Missing
    """What the running QEMU builds with the options that the baseline was taken with."""
    host: str = ""
    """This host's name, as libvirt says it; a baseline has that of its own."""
    qemu: str | None = None
    """Version of the QEMU under the guest; None: it is not to be seen."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """This host's alias → machine type's own name, for the domain's emulator."""
    raised_to: str | None = None
    """The machine type that an upgrade, staged or under way, is to give the domain; None: none."""
    occasion: Occasion = Occasion.AUDIT
    surroundings: Surroundings | Missing = _NOWHERE
    """What its host offers, and how long that is supported."""
    elsewhere: tuple[Sighting, ...] = ()
    """What runs with its guest's UUID as well: itself on another of the hosts that were asked, or
    another domain (``<hwuuid>``)."""

    snapshot: SnapshotTaken | None = None
    """The current snapshot, where the domain may have been reverted to it; None: there is none."""
    rehearsal: "Compared | Missing | None" = None
    """The guest held against a rehearsal of what runs; None: it was not asked for."""
    after_boot: "Compared | Missing | None" = None
    """What a rehearsal says that a reboot changes for the guest; None: it was not asked for."""
    after_start: "Compared | Missing | None" = None
    """The same of a stop and start."""
    measured: "Measured | Missing | None" = None
    """What rehearsals say of its TPM's registers; None: it was not asked for, or it has none."""
    nvram: "Nvram | Missing" = _NOT_READ
    """What its UEFI keeps, as the host reads it."""
    template: "Nvram | Missing" = _NOT_READ
    """What a domain with its firmware would get on this host today."""
    tpm: "TpmState | Missing" = _NO_TPM
    """Where the state of its TPM is, as the host sees it."""
    partitions: "Partitions | Missing | None" = None
    """Which GPT partitions its disks have; None: its disks were not to be read."""
    tpm_clones: tuple[str, ...] = ()
    """Other domains of this host whose guests tell the same endorsement key."""
    newer: Baseline | None = None
    """The ledger's copy, where it is newer than the baseline in the XML."""

    @property
    def booted(self) -> Named | Missing:
        """What the guest booted as: its own tables, else its own decoded DMI, else its memory."""
        if isinstance(self.observation, Observation):
            if isinstance(self.observation.booted, Smbios):
                return self.observation.booted.named
            if isinstance(self.observation.dmi, Named):
                return self.observation.dmi
        return self.memory.named if isinstance(self.memory, Smbios) else self.memory

    @property
    def own(self) -> Named | Missing:
        """What the guest has: as it booted; where no firmware left that, as it is served now."""
        booted = self.booted
        return self.live if isinstance(booted, Missing) and self._is_served_only else booted

    @property
    def own_tables(self) -> Smbios | Missing:
        """The bytes of ``own``."""
        booted, seen = self.booted_tables, self.observation
        if isinstance(booted, Missing) and self._is_served_only:
            return seen if isinstance(seen, Missing) else seen.live
        return booted

    @property
    def _is_served_only(self) -> bool:
        return isinstance(self.expected, Expectation) and not self.expected.booted_visible

    @property
    def booted_tables(self) -> Smbios | Missing:
        """The bytes that the guest booted with: as it read them, else as the host did."""
        if isinstance(self.observation, Observation):
            if isinstance(self.observation.booted, Smbios):
                return self.observation.booted
            return self.memory if isinstance(self.memory, Smbios) else self.observation.booted
        return self.memory

    @property
    def live(self) -> Named | Missing:
        """What the QEMU process under the guest serves now; only the guest can read it."""
        if isinstance(self.observation, Missing):
            return self.observation
        live = self.observation.live
        return live.named if isinstance(live, Smbios) else live
