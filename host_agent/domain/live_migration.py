"""How a domain is moved, how far it has come, and how it ended. Words only; decides nothing."""

from dataclasses import dataclass
from enum import StrEnum


class CopyStorage(StrEnum):
    """What of disks that only the source has is copied in a move."""

    INC = "inc"
    """What differs from a base image that the destination has."""
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOptions:
    """How a domain is moved (libvirt-domain.h, virDomainMigrateFlags)."""

    persistent: bool
    """Whether the destination keeps its definition; the source keeps its own in any case."""
    copy_storage: CopyStorage | None = None
    unsafe: bool = False
    """Whether libvirt's doubts about caches and shared storage are overridden."""
    bandwidth: int | None = None
    """MiB a second at most; None: libvirt's own limit."""
    seconds: float | None = None
    """After so long the move is cancelled; None: never."""
    xml: str | None = None
    """The domain XML that the destination is given; None: the source's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationProgress:
    """How far a move has come, by libvirt's job statistics; bytes."""

    seconds: float
    memory_total: int
    memory_remaining: int
    memory_rate: int
    """Bytes of memory sent in a second."""
    dirty_rate: int
    """Bytes of memory that the guest changes in a second."""
    disk_total: int
    disk_remaining: int
    iteration: int
    """How often memory was gone through."""
    downtime: int
    """Milliseconds that the guest stands still: expected, and in the end measured."""

    @property
    def total(self) -> int:
        """All bytes that are to be moved, as far as it is known by now."""
        return self.memory_total + self.disk_total

    @property
    def remaining(self) -> int:
        """Bytes that are still to be moved."""
        return self.memory_remaining + self.disk_remaining


class MigrationEnd(StrEnum):
    """How a move ended."""

    MOVED = "moved"
    CANCELLED = "cancelled"
    """It was asked to end; the guest stays where it was."""
    FAILED = "failed"
    """libvirt gave it up; the guest stays where it was."""
    LOST = "lost"
    """Where the guest runs now could not be found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationResult:
    """How a move ended, and where the guest is."""

    end: MigrationEnd
    way: str
    """Who led it, and why, in words."""
    seconds: float
    source: str
    """The domain's state there: libvirt's words, ``absent``, or ``unknown``."""
    destination: str
    reason: str | None = None
    """libvirt's own words; of a move that ended well, what it could not finish."""
    final: MigrationProgress | None = None
    """libvirt's statistics of the whole move."""
