"""libvirt's numbers for states, for how a domain came to them, and for events, as words.

libvirt ``include/libvirt/libvirt-domain.h``: virDomainState, virDomain*Reason, virDomainEvent*.
"""

import libvirt

_NO_STATE = "no state"
STATES = {
    libvirt.VIR_DOMAIN_NOSTATE: _NO_STATE,
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "blocked",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "in shutdown",
    libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_PMSUSPENDED: "pmsuspended",
}
MIGRATED = "migrated"
MIGRATION_CANCELLED = "migration cancelled"
REASONS = {
    libvirt.VIR_DOMAIN_RUNNING: {
        libvirt.VIR_DOMAIN_RUNNING_BOOTED: "booted",
        libvirt.VIR_DOMAIN_RUNNING_MIGRATED: MIGRATED,
        libvirt.VIR_DOMAIN_RUNNING_RESTORED: "restored",
        libvirt.VIR_DOMAIN_RUNNING_FROM_SNAPSHOT: "from snapshot",
        libvirt.VIR_DOMAIN_RUNNING_UNPAUSED: "unpaused",
        libvirt.VIR_DOMAIN_RUNNING_MIGRATION_CANCELED: MIGRATION_CANCELLED,
        libvirt.VIR_DOMAIN_RUNNING_SAVE_CANCELED: "save cancelled",
        libvirt.VIR_DOMAIN_RUNNING_WAKEUP: "woken up",
        libvirt.VIR_DOMAIN_RUNNING_CRASHED: "crashed",
        libvirt.VIR_DOMAIN_RUNNING_POSTCOPY: "post-copy",
        libvirt.VIR_DOMAIN_RUNNING_POSTCOPY_FAILED: "post-copy failed",
    },
    libvirt.VIR_DOMAIN_PAUSED: {
        libvirt.VIR_DOMAIN_PAUSED_USER: "paused",
        libvirt.VIR_DOMAIN_PAUSED_MIGRATION: "migration",
        libvirt.VIR_DOMAIN_PAUSED_SAVE: "save",
        libvirt.VIR_DOMAIN_PAUSED_DUMP: "dump",
        libvirt.VIR_DOMAIN_PAUSED_IOERROR: "I/O error",
        libvirt.VIR_DOMAIN_PAUSED_WATCHDOG: "watchdog",
        libvirt.VIR_DOMAIN_PAUSED_FROM_SNAPSHOT: "from snapshot",
        libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN: "shutting down",
        libvirt.VIR_DOMAIN_PAUSED_SNAPSHOT: "snapshot",
        libvirt.VIR_DOMAIN_PAUSED_CRASHED: "crashed",
        libvirt.VIR_DOMAIN_PAUSED_STARTING_UP: "starting up",
        libvirt.VIR_DOMAIN_PAUSED_POSTCOPY: "post-copy",
        libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED: "post-copy failed",
    },
    libvirt.VIR_DOMAIN_SHUTDOWN: {
        libvirt.VIR_DOMAIN_SHUTDOWN_USER: "shutdown",
    },
    libvirt.VIR_DOMAIN_SHUTOFF: {
        libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN: "shutdown",
        libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED: "destroyed",
        libvirt.VIR_DOMAIN_SHUTOFF_CRASHED: "crashed",
        libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED: MIGRATED,
        libvirt.VIR_DOMAIN_SHUTOFF_SAVED: "saved",
        libvirt.VIR_DOMAIN_SHUTOFF_FAILED: "failed",
        libvirt.VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT: "from snapshot",
        libvirt.VIR_DOMAIN_SHUTOFF_DAEMON: "daemon",
    },
    libvirt.VIR_DOMAIN_CRASHED: {
        libvirt.VIR_DOMAIN_CRASHED_PANICKED: "panicked",
    },
}
UNKNOWN = "unknown"
"""The reason that libvirt has none for, or that is newer than this table."""


def words(state: int, reason: int) -> tuple[str, str]:
    """Return libvirt's words for a state and its reason."""
    return STATES.get(state, _NO_STATE), REASONS.get(state, {}).get(reason, UNKNOWN)
