"""The last verified observation of a domain, with what travels beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from host_agent.evidence.observation import Observation

NAMESPACE = "urn:samemachine:baseline:1"
"""Of the element in a domain's ``<metadata>`` that is its baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verification of a domain, as its baseline's trail has it."""

    time: float
    """Seconds since 1970-01-01 UTC."""
    host: str
    qemu: str | None
    """Version of the QEMU that ran the domain."""
    occasion: str
    verdict: str
    process: str | None = None
    """The QEMU process under the guest (``Running.process``); None: it was not to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """When a group of evidence was taken that a baseline has from an earlier one; as there."""

    taken: float
    host: str
    qemu: str | None
    booted_qemu: str | None
    process: str | None
    boot_id: str | None
    kernel: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The last verified observation of a domain, with what travels beside it."""

    uuid: UUID
    taken: float
    """Seconds since 1970-01-01 UTC."""
    host: str
    qemu: str | None
    """Version of the QEMU that ran the domain then."""
    booted_qemu: str | None
    """Version of the QEMU that the guest had booted under, before it moved; None: not known."""
    machine: str | None
    product: str | None
    observation: Observation
    """Of a domain without a guest agent: the booted tables only, as the host read them."""
    options: str | None
    """What decided QEMU's tables (``options.to_text``); None: it was not to be seen."""
    devices: str | None = None
    """Which devices QEMU was started with (``kept_rehearsal.to_text``); None: as ``options``."""
    trail: tuple[Event, ...] = ()
    """Oldest first."""
    salt: bytes | None = None
    """What its identifiers are hashed with; None: they are kept in clear."""
    process: str | None = None
    """The QEMU process under the guest then (``Running.process``); None: not known."""
    older: Mapping[str, Older] = field(default_factory=dict)
    """Groups of its observation (names of ``guest.proto``) that are older than it."""
    instead_of: str | None = None
    """Why it is the ledger's copy: what is wrong with the one in the XML. None: it is that one."""
