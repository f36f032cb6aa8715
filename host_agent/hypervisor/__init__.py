"""libvirt, and the only place that imports it: its errors and constants leave as our own types.

libvirt's events run in one thread of their own, which starts before the first connection. Calls
that may hang with a hung libvirtd or QEMU are bounded in time (``bounded.call``); any call that
reaches QEMU's monitor is made at most once at a time for a domain, and never where a monitor
command is already stuck.
"""

from host_agent.hypervisor.connection import Facts, Hypervisor, connected, is_local
from host_agent.hypervisor.domain import Domain
from host_agent.hypervisor.guest_stream import GuestStream
from host_agent.hypervisor.lifecycle import Lifecycle

__all__ = ["Domain", "Facts", "GuestStream", "Hypervisor", "Lifecycle", "connected", "is_local"]
