"""What a domain needs of its connection: one to a domain's calls, not the whole of it."""

from typing import Protocol
from uuid import UUID

import libvirt

from host_agent.hypervisor.calls import MonitorCalls


class Access(Protocol):
    """A connection, as far as its domains need it."""

    @property
    def raw(self) -> libvirt.virConnect:
        """The connection as libvirt has it."""

    @property
    def monitor_calls(self) -> MonitorCalls:
        """Calls that reach QEMU's monitor, at most one of a domain at once."""

    def look_up(self, uuid: UUID) -> libvirt.virDomain:
        """Return a domain as libvirt has it; raises ``LibvirtError``."""

    def open_stream(self) -> libvirt.virStream:
        """Return a new non-blocking stream of this connection."""

    def need_writing(self, what: str) -> None:
        """Refuse on a read-only connection; raises ``EvidenceError``."""
