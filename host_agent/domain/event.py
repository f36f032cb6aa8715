"""What libvirt tells of a domain without being asked. Words only; decides nothing."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class EventKind(StrEnum):
    """What happened to a domain."""

    DEFINED = "defined"
    UNDEFINED = "undefined"
    STARTED = "started"
    """A new QEMU process: booted, restored, or from a snapshot; ``detail`` says which."""
    ARRIVING = "arriving"
    """A QEMU waits for a live migration. The guest runs elsewhere: nothing here may be asked."""
    ARRIVED = "arrived"
    """A migrated guest runs here now."""
    DEPARTED = "departed"
    """The guest runs elsewhere now, after a migration."""
    RESUMED = "resumed"
    SUSPENDED = "suspended"
    """``detail`` is ``migrated`` while a migration takes the last step."""
    REBOOTED = "rebooted"
    """By itself or by a reset; the QEMU process is the same."""
    STOPPED = "stopped"
    CRASHED = "crashed"
    """The QEMU process died, or the guest panicked."""
    DEVICE_ADDED = "device added"
    DEVICE_REMOVED = "device removed"
    CHANNEL_OPENED = "channel opened"
    """A program in the guest opened a virtio-serial port: of which device, ``detail`` says."""
    CHANNEL_CLOSED = "channel closed"
    METADATA_CHANGED = "metadata changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainEvent:
    """One event of one domain."""

    kind: EventKind
    uuid: UUID
    name: str
    detail: str
    """libvirt's word for how, a device's alias (``channel1``), or a namespace; may be empty."""
    time: float
    """When it came, by this host's clock: seconds since 1970-01-01 UTC."""
