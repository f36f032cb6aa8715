"""The project's words as frozen dataclasses. Imports nothing of ours; decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from host_agent.difference import Prediction
from host_agent.domain.definition import Declared
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import ProbedTables, Running
from host_agent.finding import Finding
from host_agent.firmware.smbios import Named, Smbios
from host_agent.machine_types.surroundings import Surroundings
from host_agent.missing import Missing, Reason


class Decision(StrEnum):
    """What a verdict says of a domain."""

    VERIFIED = "verified"
    MISMATCH = "mismatch"
    UNVERIFIED = "unverified"


class Depth(StrEnum):
    """How a verdict was reached, deepest first."""

    GUEST = "guest"
    """The guest agent answered."""
    MEMORY = "memory"
    """The host read the booted tables in guest RAM."""
    HOST = "host"
    """Declaration and QEMU process only."""


class Occasion(StrEnum):
    """Why we verify."""

    AUDIT = "audit"
    ARRIVAL = "arrival"
    RESTART = "restart"
    UPGRADE = "upgrade"
    REVERTED = "reverted"
    """It went back to a snapshot, and its definition, with the baseline in it, went with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the guest should see if the declaration is true."""

    source: str
    """``rule``: what is known of QEMU's versions and vendors; ``probe``: QEMU was asked."""
    machine: str
    """The machine type's own name."""
    visible: bool
    """Whether a guest of this architecture and machine can see any of it in SMBIOS."""
    why: str
    """A sentence on what the expectation rests on, or why there is none."""
    manufacturers: frozenset[str] | None = None
    """Any of these is right; None: nothing is expected."""
    products: frozenset[str] | None = None
    product_form: str | None = None
    """A regular expression that is right as well, where a vendor's product changes by version."""
    version: str | None = None
    """What ``<sysinfo>`` puts into the type 1 version; None: nothing, see ``machine_strings``."""
    overridden: frozenset[str] = frozenset()
    """Which of manufacturer, product, version, chassis_version ``<sysinfo>`` sets."""
    decoded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of what ``<sysinfo>`` sets: as the tools in a guest print it, which cut and change it."""
    machine_strings: frozenset[str] = frozenset()
    """How this machine type appears where nothing is overridden: its name, or its description."""
    certain: bool = True
    """Whether the name's conventions are known; where not, a difference is no failure."""
    live_visible: bool = True
    """Whether fw_cfg holds the tables (not in the legacy mode of old machine types)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    """The snapshot from which libvirt says that a domain goes on."""

    name: str
    created: float | None
    """Seconds since 1970-01-01 UTC, by the clock of its host then; None: it is not told."""


_NOWHERE = Missing(reason=Reason.ABSENT, sentence="the host's machine types were not asked for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An active domain, as one host's libvirt showed it at one moment."""

    place: str
    """Tells one libvirtd from another, by whatever URI it was reached."""
    host: str
    """The host's name, as its libvirt says it."""
    name: str
    uuid: UUID
    """The one that its guest sees."""
    state: str
    """libvirt's word: ``running``, ``paused`` …"""
    reason: str
    """libvirt's word for how it came to that."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said of one domain."""

    decision: Decision | None
    """None: the domain does not run, so there is nothing to verify."""
    depth: Depth | None
    """None: not even the QEMU process could be seen."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One domain with its evidence and verdict."""

    case: Case
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A domain that could not be looked at."""

    name: str
    uuid: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The host as far as the connection shows it."""

    uri: str
    name: str
    distribution: str | None
    driver: str
    """libvirt's driver: ``QEMU``, ``Test``."""
    libvirt: str
    hypervisor: str
    """Version of the hypervisor that libvirt would start now."""
    package: str | None
    """The installed QEMU package and its version; None: not to be seen from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAudit:
    """One audited host."""

    host: Host
    results: tuple[Audited | Failed, ...]
    seconds: float
    started: float
    """Seconds since 1970-01-01 UTC."""
    predictions: tuple[Prediction, ...] = ()
    """For the differences that the forecasts found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A verified domain, and what became of its baseline and of the history."""

    audited: Audited
    kept: bool
    """Whether the baseline is now today's state."""
    unwritten: str | None = None
    """The baseline's element where libvirt refused it: to be written later."""
    complaints: tuple[str, ...] = ()
    """What could not be written, in sentences; none of it changes the verdict."""
    salt: bytes | None = None
    """What identifiers are hashed with where any of it is kept; None: they are kept in clear."""
