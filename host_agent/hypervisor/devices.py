"""Devices of a domain, plugged in and out of its definition and of its run.

libvirt changes just that element (virDomainAttachDeviceFlags, virDomainDetachDeviceFlags): nobody
reads and writes the whole definition, so nothing else of it changes, and nothing that somebody else
changes meanwhile is lost.
"""

from collections.abc import Callable

import libvirt

from host_agent import bounded
from host_agent.errors import EvidenceError, LibvirtError
from host_agent.hypervisor.calls import evidence_call

_SECONDS = 30.0


class Devices:
    """What changes a domain's devices."""

    def __init__(self, domain: libvirt.virDomain) -> None:
        self._domain = domain

    def plug(self, element: str, *, live: bool) -> None:
        """Add a device to the run, or to the persistent XML; raises ``LibvirtError``."""
        self._change(self._domain.attachDeviceFlags, element, live=live)

    def unplug(self, element: str, *, live: bool) -> None:
        """Take a device out, the element as the XML has it; raises ``LibvirtError``."""
        self._change(self._domain.detachDeviceFlags, element, live=live)

    def _change(self, change: Callable[[str, int], object], element: str, *, live: bool) -> None:
        flag = libvirt.VIR_DOMAIN_AFFECT_LIVE if live else libvirt.VIR_DOMAIN_AFFECT_CONFIG
        try:
            evidence_call(lambda: change(element, flag), _SECONDS)
        except bounded.CallTimeoutError as error:
            raise LibvirtError(
                f"libvirt did not answer within {_SECONDS:.0f} s; it may still be doing it"
            ) from error
        except EvidenceError as error:
            raise LibvirtError(str(error)) from error
