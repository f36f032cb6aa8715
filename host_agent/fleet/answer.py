"""What the fleet's memory may answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from host_agent.difference import Difference
from host_agent.fleet.fold import Change, Stands

Counts = Mapping[str, int]
"""How many domains there are of a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host, and when it was heard last."""

    host: str
    seen: float
    libvirt: str | None
    qemu: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A domain, and on which host it is."""

    host: str
    domain: Stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A change, and on which host it was."""

    host: str
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What stands where, in numbers."""

    hosts: int
    silent: int
    machines: Mapping[str, Counts]
    """By machine type; empty: of no known one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """What is not verified, and which hosts are silent."""

    counts: Counts
    """By verdict, and by the check that is to be named first: ``unverified agent``."""
    domains: tuple[Placed, ...]
    silent: tuple[Host, ...]
    silent_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One of several ways in which a machine type is shown to domains of one shape."""

    qemu: str | None
    host: str
    """One of the hosts that show it so."""
    domains: int
    differences: tuple[Difference, ...] | None
    """Against the first variant; None: the tables are not there to be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameName:
    """A machine type that is not the same machine everywhere, for domains of one shape."""

    machine: str
    shape: str
    variants: tuple[Variant, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The domains of a name, or of a host."""

    name: str
    domains: tuple[Placed, ...]
    most: int
    """How many were asked for at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What changed since a time."""

    since: float
    changes: tuple[Moved, ...]
    number: int
    """How many changes there are; those shown are the newest."""
