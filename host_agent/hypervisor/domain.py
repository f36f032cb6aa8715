"""One domain of one connection."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import libvirt

from host_agent import bounded
from host_agent.errors import EvidenceError, LibvirtError
from host_agent.hypervisor import states
from host_agent.hypervisor.access import Access
from host_agent.hypervisor.calls import call, evidence_call, lacks_support
from host_agent.hypervisor.devices import Devices
from host_agent.hypervisor.guest_stream import GuestStream
from host_agent.hypervisor.lifecycle import Lifecycle
from host_agent.missing import Missing, Reason

T = TypeVar("T")

METADATA_SECONDS = 5.0
"""How long libvirt may take to write metadata."""
_MAX_PEEK = 0x100000
"""Bytes of one call; libvirt takes 4 MiB (``REMOTE_DOMAIN_MEMORY_PEEK_BUFFER_MAX``)."""
_MONITOR_RETRY = 0.05
_JOB = Missing(
    reason=Reason.BUSY,
    sentence="a job of libvirt is running on the domain (a migration?)",
    remedy="wait until it has ended: virsh domjobinfo",
)
_HUNG = "look at the QEMU process: is it stopped, or waiting for storage?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What libvirt says of a domain, asked at one go."""

    active: str | None
    """The XML of what runs; None: the domain is not running."""
    persistent: str | None
    """The XML of the next start; None: the domain is transient."""
    state: str
    reason: str
    id: int | None
    """libvirt's number of this run; None: not running."""


class Domain:
    """One domain of one connection."""

    def __init__(self, access: Access, domain: libvirt.virDomain) -> None:
        self._access = access
        self._domain = domain
        self.name = str(domain.name())
        self.uuid = UUID(domain.UUIDString())

    def state(self) -> tuple[str, str]:
        """Return libvirt's words for the state, and for how the domain came to it.

        Raises ``LibvirtError``.
        """
        state, reason = call(self._domain.state)
        return states.words(state, reason)

    def look(self) -> Look:
        """Return both XMLs, the state and the number; raises ``LibvirtError``."""
        domain, inactive = self._domain, libvirt.VIR_DOMAIN_XML_INACTIVE

        def asked() -> Look:
            active = str(domain.XMLDesc(0)) if domain.isActive() else None
            persistent = str(domain.XMLDesc(inactive)) if domain.isPersistent() else None
            state, reason = states.words(*domain.state())
            number = int(domain.ID())
            return Look(
                active=active,
                persistent=persistent,
                state=state,
                reason=reason,
                id=None if number < 0 else number,
            )

        return call(asked)

    def id(self) -> int | None:
        """Return libvirt's number of this run of the domain; None where it does not run."""
        number = int(call(self._domain.ID))
        return None if number < 0 else number

    def xml(self, *, inactive: bool) -> str:
        """Return the active or the persistent XML; raises ``LibvirtError``."""
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0
        return str(call(lambda: self._domain.XMLDesc(flags)))

    def migratable_xml(self) -> str:
        """Return the active XML as another host may be given it; raises ``LibvirtError``.

        Without what is this run's alone, and with secrets: it is never shown or stored.
        """
        flags = libvirt.VIR_DOMAIN_XML_MIGRATABLE | libvirt.VIR_DOMAIN_XML_SECURE
        return str(call(lambda: self._domain.XMLDesc(flags)))

    def saved_xml(self, seconds: float) -> str | None:
        """Return the XML of the guest that the next start restores; None: there is none.

        ``virDomainManagedSaveGetXMLDesc``; empty where the driver can't show it. Raises
        ``EvidenceError``.
        """
        domain = self._domain
        if not self._asked(lambda: bool(domain.hasManagedSaveImage(0)), seconds, default=False):
            return None
        return self._asked(lambda: str(domain.managedSaveGetXMLDesc(0)), seconds, default="")

    def snapshots_xml(self, seconds: float) -> tuple[str, ...]:
        """Return the XML of each snapshot that libvirt knows; raises ``EvidenceError``."""
        domain = self._domain
        return self._asked(
            lambda: tuple(str(one.getXMLDesc(0)) for one in domain.listAllSnapshots(0)),
            seconds,
            default=(),
        )

    def current_snapshot_xml(self, seconds: float) -> str | None:
        """Return the XML of the snapshot that was taken or reverted to last; None: there is none.

        ``virDomainSnapshotCurrent``. Raises ``EvidenceError``.
        """
        domain = self._domain

        def current() -> str | None:
            if not domain.hasCurrentSnapshot(0):
                return None
            return str(domain.snapshotCurrent(0).getXMLDesc(0))

        return self._asked(current, seconds, default=None)

    @staticmethod
    def _asked(function: Callable[[], T], seconds: float, *, default: T) -> T:
        """``default`` is the answer of a driver that has no such call."""
        try:
            return evidence_call(function, seconds)
        except bounded.CallTimeoutError as error:
            raise EvidenceError(
                Reason.HUNG, f"libvirt did not answer within {seconds:.0f} s"
            ) from error
        except EvidenceError as error:
            if lacks_support(error):
                return default
            raise

    def is_active(self) -> bool:
        """Tell whether the domain runs; raises ``LibvirtError``."""
        return bool(call(self._domain.isActive))

    def is_persistent(self) -> bool:
        """Tell whether the domain has a persistent XML; raises ``LibvirtError``."""
        return bool(call(self._domain.isPersistent))

    def monitor_trouble(self, seconds: float) -> Missing | None:
        """Say why QEMU's monitor must not be asked now; None: it may be asked.

        Another client's command is waited for, up to ``seconds``. ``virDomainGetControlInfo``
        itself does not reach the monitor.
        """
        if self._access.monitor_calls.stuck(self.uuid):
            return Missing(reason=Reason.HUNG, sentence="QEMU has not answered its monitor")
        until = time.monotonic() + seconds
        while True:
            try:
                state, _, milliseconds = call(lambda: self._domain.controlInfo(0))
            except LibvirtError:
                # A driver without it (test, lxc) refuses the monitor call itself, with its reason.
                return None
            if state == libvirt.VIR_DOMAIN_CONTROL_OK:
                return None
            if state == libvirt.VIR_DOMAIN_CONTROL_JOB:
                return _JOB
            if time.monotonic() >= until or milliseconds / 1000 > seconds:
                return Missing(
                    reason=Reason.HUNG,
                    sentence=f"QEMU has not answered its monitor for {milliseconds / 1000:.0f} s",
                    remedy=_HUNG,
                )
            time.sleep(_MONITOR_RETRY)

    def job(self, seconds: float) -> Missing | None:
        """Say that a job (a migration, a save, a backup) runs, or can't be ruled out; None: none.

        ``virDomainGetControlInfo`` alone shows a job only while that job asks the monitor.
        """
        trouble = self.monitor_trouble(seconds)
        if trouble is not None:
            return trouble
        try:
            info = self._access.monitor_calls.call(self.uuid, self._domain.jobInfo, seconds)
        except bounded.CallTimeoutError:
            return Missing(
                reason=Reason.HUNG,
                sentence=f"QEMU did not answer its monitor within {seconds:.0f} s",
                remedy=_HUNG,
            )
        except EvidenceError as error:
            if lacks_support(error) or not self.is_active():
                return None
            # On the destination of a migration libvirt refuses to tell how far it has come.
            refused = error.missing.reason is Reason.UNSUPPORTED
            return _JOB if refused else error.missing
        return None if info[0] == libvirt.VIR_DOMAIN_JOB_NONE else _JOB

    def set_metadata(
        self,
        element: str,
        key: str,
        namespace: str,
        *,
        live: bool,
        persistent: bool,
        seconds: float = METADATA_SECONDS,
    ) -> None:
        """Put an element into the domain's ``<metadata>`` (``virDomainSetMetadata``).

        ``key`` is the prefix that libvirt gives the namespace. Refused while a job runs: libvirt
        would wait 30 s for it. A write that did not return in time may still be done. Raises
        ``EvidenceError``.
        """
        flags = _affect(live=live, persistent=persistent)
        self._write_metadata((element, key, namespace, flags), seconds)

    def remove_metadata(
        self, namespace: str, *, live: bool, persistent: bool, seconds: float = METADATA_SECONDS
    ) -> None:
        """Remove the element of a namespace from ``<metadata>``; raises ``EvidenceError``.

        One that is not there is no error.
        """
        flags = _affect(live=live, persistent=persistent)
        self._write_metadata((None, None, namespace, flags), seconds)

    def _write_metadata(
        self, what: tuple[str | None, str | None, str, int], seconds: float
    ) -> None:
        self._access.need_writing("metadata can't be written")
        job = self.job(seconds)
        if job is not None:
            raise EvidenceError(job.reason, job.sentence, job.remedy)
        write = self._domain.setMetadata
        try:
            self._access.monitor_calls.call(
                self.uuid, lambda: write(libvirt.VIR_DOMAIN_METADATA_ELEMENT, *what), seconds
            )
        except bounded.CallTimeoutError as error:
            raise EvidenceError(
                Reason.BUSY,
                f"libvirt did not write the metadata within {seconds:.0f} s",
                _JOB.remedy,
            ) from error

    def lifecycle(self) -> Lifecycle:
        """Return what changes its definition and its run; raises ``EvidenceError``."""
        self._access.need_writing("the domain can't be changed")
        return Lifecycle(self._access, self._domain)

    def devices(self) -> Devices:
        """Return what plugs devices in and out; raises ``EvidenceError`` where we may not."""
        self._access.need_writing("the domain can't be changed")
        return Devices(self._domain)

    def peek_memory(self, address: int, length: int, seconds: float) -> bytes:
        """Return bytes of the guest's physical memory (``virDomainMemoryPeek``).

        Raises ``EvidenceError`` with the reason: denied, unsupported, hung, failed.
        """
        self._access.need_writing("guest memory can't be read")
        trouble = self.monitor_trouble(seconds)
        if trouble is not None:
            raise EvidenceError(trouble.reason, trouble.sentence, trouble.remedy)
        data = b""
        while len(data) < length:
            data += self._peek(address + len(data), min(_MAX_PEEK, length - len(data)), seconds)
        return data

    def _peek(self, address: int, length: int, seconds: float) -> bytes:
        peek, physical = self._domain.memoryPeek, libvirt.VIR_MEMORY_PHYSICAL
        try:
            # One that timed out stays outstanding: a second would wait behind it, and hold more.
            data: bytes = self._access.monitor_calls.call(
                self.uuid, lambda: peek(address, length, physical), seconds
            )
        except bounded.CallTimeoutError as error:
            raise EvidenceError(
                Reason.HUNG, f"QEMU did not answer its monitor within {seconds:.0f} s", _HUNG
            ) from error
        if len(data) != length:
            raise EvidenceError(Reason.FAILED, "libvirt returned less memory than was asked for")
        return data

    def need_channels(self) -> None:
        """Refuse where no channel can be opened; raises ``EvidenceError``."""
        self._access.need_writing("a channel can't be opened")

    def open_channel(self, name: str, seconds: float) -> GuestStream:
        """Open a channel through libvirt (``virDomainOpenChannel``).

        It freezes libvirtd where QEMU does not accept: ``guest/dialler`` knows when not to.
        Raises ``EvidenceError``.
        """
        self.need_channels()
        stream = self._access.open_stream()
        try:
            evidence_call(lambda: self._domain.openChannel(name, stream, 0), seconds)
        except bounded.CallTimeoutError as error:
            raise EvidenceError(
                Reason.HUNG, f"libvirt did not open the channel within {seconds:.0f} s"
            ) from error
        return GuestStream(stream)


def _affect(*, live: bool, persistent: bool) -> int:
    flags = libvirt.VIR_DOMAIN_AFFECT_LIVE if live else 0
    flags |= libvirt.VIR_DOMAIN_AFFECT_CONFIG if persistent else 0
    return int(flags)
