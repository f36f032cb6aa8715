"""libvirt's events as ``DomainEvent``. Callbacks run in libvirt's event thread and only hand over.

virConnectDomainEventRegisterAny of libvirt-domain.h, and QEMU's own VSERPORT_CHANGE for the ports
of our channel: libvirt's event for an agent (VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE) is that of the
qemu-guest-agent alone.
"""

import json
import time
from collections.abc import Callable
from uuid import UUID

import libvirt
import libvirt_qemu

from host_agent.domain.event import DomainEvent, EventKind
from host_agent.errors import LibvirtError
from host_agent.hypervisor.arrivals import Arrivals
from host_agent.hypervisor.calls import call

Sink = Callable[[DomainEvent], None]
"""Takes an event and returns at once: no call to libvirt, no waiting."""

_K = EventKind
_UNKNOWN = "unknown"
# (event, detail) → what it means and libvirt's word; the detail None stands for any other.
_LIFECYCLE: dict[int, tuple[EventKind | None, dict[int, tuple[EventKind | None, str]]]] = {
    libvirt.VIR_DOMAIN_EVENT_DEFINED: (_K.DEFINED, {
        libvirt.VIR_DOMAIN_EVENT_DEFINED_ADDED: (_K.DEFINED, "added"),
        libvirt.VIR_DOMAIN_EVENT_DEFINED_UPDATED: (_K.DEFINED, "updated"),
        libvirt.VIR_DOMAIN_EVENT_DEFINED_RENAMED: (_K.DEFINED, "renamed"),
        libvirt.VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT: (_K.DEFINED, "from snapshot"),
    }),
    libvirt.VIR_DOMAIN_EVENT_UNDEFINED: (_K.UNDEFINED, {
        libvirt.VIR_DOMAIN_EVENT_UNDEFINED_REMOVED: (_K.UNDEFINED, "removed"),
        libvirt.VIR_DOMAIN_EVENT_UNDEFINED_RENAMED: (_K.UNDEFINED, "renamed"),
    }),
    libvirt.VIR_DOMAIN_EVENT_STARTED: (_K.STARTED, {
        libvirt.VIR_DOMAIN_EVENT_STARTED_BOOTED: (_K.STARTED, "booted"),
        libvirt.VIR_DOMAIN_EVENT_STARTED_MIGRATED: (_K.ARRIVING, "migrated"),
        libvirt.VIR_DOMAIN_EVENT_STARTED_RESTORED: (_K.STARTED, "restored"),
        libvirt.VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT: (_K.STARTED, "from snapshot"),
        # Out of suspend to RAM: the same process, the same boot.
        libvirt.VIR_DOMAIN_EVENT_STARTED_WAKEUP: (_K.RESUMED, "woken up"),
    }),
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED: (_K.SUSPENDED, {
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED: (_K.SUSPENDED, "paused"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED: (_K.SUSPENDED, "migrated"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_IOERROR: (_K.SUSPENDED, "I/O error"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG: (_K.SUSPENDED, "watchdog"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_RESTORED: (_K.SUSPENDED, "restored"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_FROM_SNAPSHOT: (_K.SUSPENDED, "from snapshot"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR: (_K.SUSPENDED, "API error"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY: (_K.SUSPENDED, "post-copy"),
        libvirt.VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED: (_K.SUSPENDED, "post-copy failed"),
    }),
    libvirt.VIR_DOMAIN_EVENT_RESUMED: (_K.RESUMED, {
        libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED: (_K.RESUMED, "unpaused"),
        libvirt.VIR_DOMAIN_EVENT_RESUMED_MIGRATED: (_K.ARRIVED, "migrated"),
        libvirt.VIR_DOMAIN_EVENT_RESUMED_FROM_SNAPSHOT: (_K.RESUMED, "from snapshot"),
        # The guest runs, but not all of its memory is here: it has not arrived yet.
        libvirt.VIR_DOMAIN_EVENT_RESUMED_POSTCOPY: (_K.RESUMED, "post-copy"),
        libvirt.VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED: (_K.RESUMED, "post-copy failed"),
    }),
    libvirt.VIR_DOMAIN_EVENT_STOPPED: (_K.STOPPED, {
        libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: (_K.STOPPED, "shutdown"),
        libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED: (_K.STOPPED, "destroyed"),
        libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: (_K.CRASHED, "crashed"),
        libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED: (_K.DEPARTED, "migrated"),
        libvirt.VIR_DOMAIN_EVENT_STOPPED_SAVED: (_K.STOPPED, "saved"),
        libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: (_K.STOPPED, "failed"),
        libvirt.VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT: (_K.STOPPED, "from snapshot"),
    }),
    # The guest has shut down; STOPPED follows when its process ends.
    libvirt.VIR_DOMAIN_EVENT_SHUTDOWN: (None, {}),
    libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED: (_K.SUSPENDED, {
        libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY: (_K.SUSPENDED, "to RAM"),
        libvirt.VIR_DOMAIN_EVENT_PMSUSPENDED_DISK: (_K.SUSPENDED, "to disk"),
    }),
    libvirt.VIR_DOMAIN_EVENT_CRASHED: (_K.CRASHED, {
        libvirt.VIR_DOMAIN_EVENT_CRASHED_PANICKED: (_K.CRASHED, "panicked"),
        libvirt.VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED: (_K.CRASHED, "crash kernel"),
    }),
}  # fmt: skip
_METADATA = {
    libvirt.VIR_DOMAIN_METADATA_DESCRIPTION: "description",
    libvirt.VIR_DOMAIN_METADATA_TITLE: "title",
}


class Subscription:
    """A sink that is told of all domains of a connection, until it is closed."""

    def __init__(self, connection: libvirt.virConnect, sink: Sink) -> None:
        self._connection = connection
        self._sink = sink
        self._arrivals = Arrivals()
        self._ids: list[int] = []
        self._port_id: int | None = None

    def open(self) -> None:
        """Register; raises ``LibvirtError``."""
        try:
            call(self._register)
        except LibvirtError:
            self.close()
            raise

    def close(self) -> None:
        """Tell nothing any more; an error on the way out changes nothing."""
        try:
            call(self._deregister)
        except LibvirtError:
            return

    def _register(self) -> None:
        for number, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._rebooted),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, self._device_added),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._device_removed),
            (libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, self._metadata_changed),
        ):
            register = self._connection.domainEventRegisterAny
            self._ids.append(register(None, number, callback, None))
        try:
            self._port_id = libvirt_qemu.qemuMonitorEventRegister(
                self._connection, None, "VSERPORT_CHANGE", self._port_changed, None
            )
        except libvirt.libvirtError:
            # Another driver, or a read-only connection: no event of ports.
            self._port_id = None

    def _deregister(self) -> None:
        ids, self._ids = self._ids, []
        port, self._port_id = self._port_id, None
        if port is not None:
            libvirt_qemu.qemuMonitorEventDeregister(self._connection, port)
        for number in ids:
            self._connection.domainEventDeregisterAny(number)

    def _tell(self, domain: libvirt.virDomain, kind: EventKind, detail: str) -> None:
        uuid = UUID(domain.UUIDString())
        kind, detail = self._arrivals.told(uuid, kind, detail)
        self._sink(
            DomainEvent(
                kind=kind, uuid=uuid, name=str(domain.name()), detail=detail, time=time.time()
            )
        )

    def _lifecycle(
        self, _: libvirt.virConnect, domain: libvirt.virDomain, event: int, detail: int, __: object
    ) -> None:
        usual, details = _LIFECYCLE.get(event, (None, {}))
        kind, word = details.get(detail, (usual, _UNKNOWN))
        if kind is not None:
            self._tell(domain, kind, word)

    def _rebooted(self, _: libvirt.virConnect, domain: libvirt.virDomain, __: object) -> None:
        self._tell(domain, _K.REBOOTED, "")

    def _device_added(
        self, _: libvirt.virConnect, domain: libvirt.virDomain, alias: str, __: object
    ) -> None:
        self._tell(domain, _K.DEVICE_ADDED, alias)

    def _device_removed(
        self, _: libvirt.virConnect, domain: libvirt.virDomain, alias: str, __: object
    ) -> None:
        self._tell(domain, _K.DEVICE_REMOVED, alias)

    def _metadata_changed(
        self,
        _: libvirt.virConnect,
        domain: libvirt.virDomain,
        kind: int,
        namespace: str | None,
        __: object,
    ) -> None:
        self._tell(domain, _K.METADATA_CHANGED, namespace or _METADATA.get(kind, _UNKNOWN))

    def _port_changed(
        self,
        _: libvirt.virConnect,
        domain: libvirt.virDomain,
        __: str,
        ___: int,
        ____: int,
        details: str | None,
        _____: object,
    ) -> None:
        try:
            # QEMU qapi/char.json, VSERPORT_CHANGE.
            told = json.loads(details or "")
            alias, opened = str(told["id"]), told["open"] is True
        except (ValueError, KeyError, TypeError):
            return
        self._tell(domain, _K.CHANNEL_OPENED if opened else _K.CHANNEL_CLOSED, alias)
