"""What became of looking at a domain and at a host. Decides nothing."""

from dataclasses import dataclass
from enum import StrEnum

from host_agent.case.case import Case
from host_agent.difference import Prediction
from host_agent.finding import Finding


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
