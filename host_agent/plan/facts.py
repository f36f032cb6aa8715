"""What a plan is made of: places, domains, what is asked of both, and the answers. Decides nothing.

A *site* is where domains are or are to go: a host, an atlas, a release. A *hop* is one move of all
domains to the next site.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from host_agent.atlas.atlas import Atlas
from host_agent.case import last_boot
from host_agent.case.last_boot import LastBoot
from host_agent.case.results import Failed
from host_agent.difference import Difference
from host_agent.domain.definition import Definition
from host_agent.domain.devices import Devices
from host_agent.domain.live_migration import CopyStorage
from host_agent.domain.snapshots import Snapshot
from host_agent.evidence.measured import Outlook
from host_agent.evidence.running import Running
from host_agent.finding import Finding
from host_agent.firmware.images import Image
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.target import Target
from host_agent.migrate.facts import End, MachineThere, Move, Under
from host_agent.missing import Missing

Native = Callable[[str], tuple[str, ...] | Missing]
"""Returns the command line that a libvirt would start a domain of this XML with."""


class Answer(StrEnum):
    """What becomes of a domain on the way to a site."""

    LIVE = "live"
    """It moves while it runs."""
    START = "start"
    """It does not run, and starts there."""
    RESTART = "restart"
    """It must be stopped here and started there."""
    RAISE = "raise"
    """Its machine type must be raised first."""
    CANNOT = "cannot"
    UNKNOWN = "cannot tell"


class Kind(StrEnum):
    """What a site is, and so how much can be asked of it."""

    HOST = "host"
    """A libvirt that answers."""
    ATLAS = "atlas"
    RELEASE = "release"


Offers = Mapping[str, Offer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where domains are, or are to go."""

    name: str
    kind: Kind
    end: End
    offers: Mapping[tuple[str, str], Offers]
    """(libvirt's architecture, emulator) → its machine types; without an emulator: of any."""
    whole: bool = True
    """Whether these are all; of some releases only the distribution's own are established."""
    release: str | None = None
    """``debian:trixie``; None: not known."""
    atlases: Mapping[str, Atlas] = field(default_factory=dict)
    """libvirt's architecture → what its QEMU shows guests, of an atlas or a release."""

    def offered(self, definition: Definition) -> Offers | None:
        """Return the machine types for a domain; None: none are known."""
        architecture = definition.architecture
        return self.offers.get((architecture, definition.emulator or "")) or self.offers.get(
            (architecture, "")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One domain, wherever it is to go."""

    active: Definition | None
    """None: it does not run."""
    persistent: Definition | None
    """None: its definition ends with its run."""
    state: str
    devices: Devices
    """Of what runs, else of what is defined."""
    start: Devices
    """Of what is defined, else of what runs."""
    shared: Mapping[str, bool | None] = field(default_factory=dict)
    """A disk's target → whether other hosts see its contents; None: that can't be told."""
    saved: Definition | Missing | None = None
    """The guest that the next start would restore; None: there is none."""
    saved_devices: Devices | None = None
    """Of the saved guest."""
    snapshots: tuple[Snapshot, ...] | Missing = ()
    boot: LastBoot = last_boot.NOT_KNOWN
    """Of the guest that runs, or that was saved."""
    arguments: tuple[str, ...] | Missing | None = None
    """With which its libvirt would start it as it runs; None: it does not run."""
    start_xml: str | None = None
    """The persistent XML; None: there is none, or not as it will be."""
    xml: str | None = None
    """The active XML, else the persistent one, as its libvirt wrote it where the plan begins."""
    native: Native | None = None
    """Asks that libvirt with which command line it would start a domain of an XML."""
    process: Running | None = None
    """What runs it; None: it does not run, or is not to be seen."""

    @property
    def definition(self) -> Definition:
        """The active XML, else the persistent one."""
        definition = self.active or self.persistent
        if definition is None:
            raise ValueError("a domain has an active or a persistent XML")
        return definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One domain and one site: all that decides whether the one gets to the other."""

    subject: Subject
    kind: Kind
    move: Move
    """Its forecast compares the machine type that it moves with, on both sides."""
    next_start: Offer | Missing | None = None
    """The persistent machine type there, where that is another than the active one."""
    start_cpu: str | Missing | None = None
    """Why a start there can't have the persistent CPU; None: it can."""
    saved: Offer | Missing | None = None
    """The saved guest's machine type there; None: there is none."""
    unseen_roms: frozenset[str] = frozenset()
    """Its option ROMs that the atlases of both sides do not have."""
    start_images: tuple[Image, ...] = ()
    """The firmware images that a start needs, and whether they are there."""
    start: Missing | None = None
    """Why it will not start there, in QEMU's own words; None: nothing speaks against it.

    Any other reason than ``NO_START``: it could not be asked.
    """
    raised: Target
    """The machine type to raise it to."""
    outlook: tuple[Difference, ...] | Missing
    """What the guest finds there at its next boot that is not as here."""
    rehearsed: MachineThere | Missing | None = None
    """What a rehearsal says of that; None: none was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What becomes of one domain on one hop."""

    definition: Definition
    source: str
    """The name of the site that it is on."""
    state: str
    active: bool
    answer: Answer
    raise_to: str | None
    """Where the answer is ``raise``."""
    findings: tuple[Finding, ...]
    outlook: tuple[Difference, ...] | Missing
    rehearsed: MachineThere | Missing | None = None
    """What of the outlook is by a rehearsal; None: none was asked for."""
    sealed: Outlook | Missing | None = None
    """What its first stop and start there does to its TPM; None: it has none, or not asked for."""

    @property
    def name(self) -> str:
        """The name that libvirt has for it."""
        return self.definition.name

    @property
    def uuid(self) -> UUID:
        """Its UUID."""
        return self.definition.uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Whether the releases of two sites are a supported path."""

    source: str
    supported: bool | None
    """None: not known."""
    why: str
    around: tuple[str, ...] = ()
    """Releases to go through instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Above which machine type nothing may be raised while hosts are mixed."""

    family: str
    newest: str
    """That every site has."""
    until: tuple[str, ...]
    """Sites that have nothing newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One move of all domains to one site."""

    sources: tuple[Site, ...]
    target: Site
    ways: tuple[Way, ...]
    planned: tuple[Planned | Failed, ...]
    limits: tuple[Limit, ...] = ()
    compared: tuple[str, ...] = ()
    """By what is said what guests will see."""
    unchecked: tuple[str, ...] = ()
    """What could not be compared, beside what is said of each domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is planned."""

    uris: Sequence[str]
    """Where the domains are."""
    goals: Sequence[str]
    """Where they are to go, one after the other: URIs, files of atlases, releases."""
    on: date
    """The day, for the releases' support."""
    names: Sequence[str] = ()
    """Names, display names or UUIDs of domains; none: all of them."""
    at_once: int = 8
    copy_storage: CopyStorage | None = None
    unsafe: bool = False
    atlas: Atlas | None = None
    """Of the first goal, where that is a host."""
    under: Sequence[Under] | None = None
    """Each goal's QEMU, as it is rehearsed; None: it was not asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that was asked for."""

    hops: tuple[Hop, ...]
    seconds: float
    staying: tuple[str, ...] = ()
    """Names of sources that are the first target itself: their domains are where they are to be."""
    unreachable: tuple[str, ...] = ()
    """Sources that could not be asked, in sentences."""
