"""A domain's definition and its run: defined, shut down, started; and what stands in the way.

libvirt-domain.h: virDomainDefineXMLFlags, virDomainShutdownFlags, virDomainCreate.
"""

from collections.abc import Callable

import libvirt

from host_agent import bounded
from host_agent.errors import EvidenceError, LibvirtError
from host_agent.hypervisor.access import Access
from host_agent.hypervisor.calls import call, evidence_call, lacks_support, sentence

START_SECONDS = 300.0
"""How long a start may take: huge pages and passthrough devices take their time."""
_STOP_SECONDS = 60.0


class Lifecycle:
    """What changes a domain's definition or run. One that is asked twice does no harm."""

    def __init__(self, access: Access, domain: libvirt.virDomain) -> None:
        self._access = access
        self._domain = domain

    def definition(self) -> str:
        """Return the persistent XML with its secrets: never shown. Raises ``LibvirtError``."""
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        return str(call(lambda: self._domain.XMLDesc(flags)))

    def define(self, xml: str) -> None:
        """Make this the persistent XML; what runs stays as it is. Raises ``LibvirtError``."""
        # libvirt keeps the domain's id, its run and its firmware variables.
        call(lambda: self._access.raw.defineXML(xml))

    def ask_to_shut_down(self, *, by_acpi: bool = False) -> None:
        """Ask the guest to shut down; it may take its time, or refuse. Raises ``LibvirtError``.

        By its qemu-guest-agent where it has one, else by ACPI; one whose agent takes the request
        and does nothing (``qemuDomainShutdownFlagsAgent``) is asked by ACPI where that is said.
        """
        flags = libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN if by_acpi else 0
        self._slowly(lambda: self._domain.shutdownFlags(flags), _STOP_SECONDS)

    def power_off(self) -> None:
        """End the run at once: QEMU writes out what it holds, the guest can't.

        Raises ``LibvirtError``.
        """
        flags = libvirt.VIR_DOMAIN_DESTROY_GRACEFUL
        self._slowly(lambda: self._domain.destroyFlags(flags), _STOP_SECONDS)

    def start(self) -> None:
        """Start it by its persistent XML; raises ``LibvirtError``."""
        self._slowly(self._domain.create, START_SECONDS)

    def has_managed_save(self) -> bool:
        """Tell whether the next start restores a saved guest; raises ``LibvirtError``."""
        try:
            return bool(call(lambda: self._domain.hasManagedSaveImage(0)))
        except LibvirtError as error:
            if lacks_support(error):
                return False
            raise

    def _slowly(self, function: Callable[[], object], seconds: float) -> None:
        try:
            evidence_call(function, seconds)
        except bounded.CallTimeoutError as error:
            raise LibvirtError(f"libvirt did not answer within {seconds:.0f} s") from error
        except EvidenceError as error:
            cause = error.__cause__
            words = sentence(cause) if isinstance(cause, libvirt.libvirtError) else str(error)
            raise LibvirtError(words) from error
