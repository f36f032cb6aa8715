"""One connection to one libvirtd."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import libvirt

from host_agent import asked, bounded
from host_agent.domain import native_cards, shell_words
from host_agent.errors import EvidenceError, LibvirtError, LibvirtTimeoutError
from host_agent.hypervisor import event_loop
from host_agent.hypervisor.calls import (
    CALL_SECONDS,
    MonitorCalls,
    call,
    evidence_call,
    is_incompatible_cpu,
    is_no_domain,
    version,
)
from host_agent.hypervisor.domain import Domain
from host_agent.missing import Reason
from host_agent.uris import place

if TYPE_CHECKING:
    from host_agent.hypervisor.events import Sink, Subscription

QEMU = "QEMU"
"""libvirt's word for its driver."""


T = TypeVar("T")

_CLOSE_REASONS = {
    libvirt.VIR_CONNECT_CLOSE_REASON_ERROR: "an error",
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "libvirtd ended, or closed it",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "libvirtd gave no sign of life",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a connection says of its host."""

    name: str
    driver: str
    libvirt: str
    hypervisor: str
    capabilities: str
    """The capabilities XML."""


def is_local(uri: str) -> bool:
    """Tell whether a URI's libvirtd runs on this very host, so that /proc shows its processes."""
    parts = urlsplit(uri)
    return (
        not parts.netloc and parts.scheme in {"qemu", "qemu+unix"} and "socket=" not in parts.query
    )


class Hypervisor:
    """One connection to one libvirtd."""

    def __init__(self, connection: libvirt.virConnect, uri: str, *, read_only: bool) -> None:
        self._connection = connection
        self.uri = uri
        self.read_only = read_only
        self.monitor_calls = MonitorCalls()
        self._subscriptions: list[Subscription] = []
        self._close_callback = False

    @classmethod
    def open(cls, uri: str) -> "Hypervisor":
        """Connect; read-only where read-write is refused. Raises ``LibvirtError``."""
        event_loop.start()
        with asked.about(place(uri)):
            return cls._opened(uri)

    @classmethod
    def _opened(cls, uri: str) -> "Hypervisor":
        try:
            return cls(call(lambda: libvirt.open(uri)), uri, read_only=False)
        except LibvirtTimeoutError:
            raise
        except LibvirtError as refused:
            try:
                connection = call(lambda: libvirt.openReadOnly(uri))
            except LibvirtError:
                raise LibvirtError(
                    f"{uri}: {refused}; is libvirtd running there, and may you use it "
                    "(root, or the group libvirt)?"
                ) from refused
            return cls(connection, uri, read_only=True)

    @classmethod
    def open_read_only(cls, uri: str) -> "Hypervisor":
        """Connect with no more rights than everybody has; raises ``LibvirtError``."""
        event_loop.start()
        with asked.about(place(uri)):
            return cls(call(lambda: libvirt.openReadOnly(uri)), uri, read_only=True)

    def keep_alive(self) -> None:
        """Notice a dead peer of a remote connection after half a minute; other drivers refuse it.

        A libvirtd waits as long for the other one of a migration (``keepalive_interval`` and
        ``keepalive_count`` in src/qemu/qemu.conf.in); a host that many guests move to is silent for
        longer than one expects. A local one that ends is noticed at once, and to ask it would wake
        us every few seconds.
        """
        if is_local(self.uri):
            return
        try:
            self._connection.setKeepAlive(5, 5)
        except libvirt.libvirtError:
            return

    def on_close(self, callback: Callable[[str], None]) -> None:
        """Tell, once, with the reason, when the connection dies; not when we close it.

        The callback runs in libvirt's event thread: it only hands over. Needs ``keep_alive`` for a
        peer that vanishes. Raises ``LibvirtError``.
        """

        def told(_: libvirt.virConnect, reason: int, __: object) -> None:
            if reason != libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT:
                callback(_CLOSE_REASONS.get(reason, "an unknown reason"))

        call(lambda: self._connection.registerCloseCallback(told, None))
        self._close_callback = True

    def subscribe(self, sink: "Sink") -> "Subscription":
        """Tell of every event of every domain until the subscription is closed.

        ``sink`` runs in libvirt's event thread: it only hands over. Raises ``LibvirtError``.
        """
        from host_agent.hypervisor.events import Subscription  # noqa: PLC0415 - few listen

        subscription = Subscription(self._connection, sink)
        subscription.open()
        self._subscriptions.append(subscription)
        return subscription

    @cached_property
    def host_name(self) -> str:
        """The host's name, as its libvirt says it; raises ``LibvirtError``."""
        return str(call(self._connection.getHostname))

    def facts(self) -> Facts:
        """Return what the connection says of its host; raises ``LibvirtError``."""
        connection = self._connection
        return call(
            lambda: Facts(
                name=str(connection.getHostname()),
                driver=str(connection.getType()),
                libvirt=version(connection.getLibVersion()),
                hypervisor=version(connection.getVersion()),
                capabilities=str(connection.getCapabilities()),
            )
        )

    def domains(self) -> list[Domain]:
        """Return all domains, running or not, by name; raises ``LibvirtError``."""
        listed = call(lambda: self._connection.listAllDomains(0))
        domains = [Domain(self, domain) for domain in listed]
        return sorted(domains, key=lambda domain: domain.name)

    def domain(self, uuid: UUID) -> Domain | None:
        """Return one domain, None where there is none of this UUID; raises ``LibvirtError``."""
        try:
            return Domain(self, self.look_up(uuid))
        except LibvirtError as error:
            if is_no_domain(error):
                return None
            raise

    def native_arguments(self, xml: str) -> tuple[str, ...]:
        """Return the command line with which libvirt would start a domain of this XML.

        ``virConnectDomainXMLToNative``, format ``qemu-argv``; environment comes first. Network
        cards are as the XML has them. Raises ``EvidenceError``.
        """
        self.need_writing("QEMU's options at the next start can't be asked for")
        try:
            native = evidence_call(
                lambda: self._connection.domainXMLToNative("qemu-argv", xml, 0), CALL_SECONDS
            )
            return native_cards.restored(shell_words.split(str(native)), xml)
        except bounded.CallTimeoutError as error:
            raise EvidenceError(Reason.HUNG, "libvirt did not turn the XML into options") from error
        except ValueError as error:
            raise EvidenceError(
                Reason.FAILED, "libvirt's command line for the domain can't be read"
            ) from error

    def domain_capabilities(
        self, emulator: str | None, architecture: str, machine: str | None, virtualization: str
    ) -> str:
        """Return what a QEMU of this host offers to one machine type, as XML.

        ``virConnectGetDomainCapabilities``. Raises ``EvidenceError`` with libvirt's reason where it
        has no such emulator or machine type.
        """
        ask = self._connection.getDomainCapabilities
        return str(self._asked(lambda: ask(emulator, architecture, machine, virtualization, 0)))

    def incompatible_cpu(
        self,
        cpu: str,
        emulator: str | None,
        architecture: str,
        machine: str | None,
        virtualization: str,
    ) -> str | None:
        """Say why this host can't give a guest a CPU, a ``<cpu>`` element; None: it can.

        ``virConnectCompareHypervisorCPU``. Raises ``EvidenceError`` where it can't be compared.
        """
        compare, fail = (
            self._connection.compareHypervisorCPU,
            libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE,
        )
        try:
            result = self._asked(
                lambda: compare(emulator, architecture, machine, virtualization, cpu, fail)
            )
        except EvidenceError as error:
            if is_incompatible_cpu(error):
                return str(error)
            raise
        incompatible = result == libvirt.VIR_CPU_COMPARE_INCOMPATIBLE
        return "the CPU is incompatible with the host's" if incompatible else None

    def _asked(self, function: Callable[[], T]) -> T:
        try:
            return evidence_call(function, CALL_SECONDS)
        except bounded.CallTimeoutError as error:
            raise EvidenceError(Reason.HUNG, "libvirt did not answer; is libvirtd hung?") from error

    def close(self) -> None:
        """Close the connection; an error on the way out changes nothing."""
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()
        try:
            if self._close_callback:
                call(self._connection.unregisterCloseCallback)
            call(self._connection.close)
        except LibvirtError:
            return

    @property
    def raw(self) -> libvirt.virConnect:
        """The connection as libvirt has it, for this package."""
        return self._connection

    def look_up(self, uuid: UUID) -> libvirt.virDomain:
        """Return a domain as libvirt has it, for this package; raises ``LibvirtError``."""
        return call(lambda: self._connection.lookupByUUIDString(str(uuid)))

    def open_stream(self) -> libvirt.virStream:
        """Return a new non-blocking stream of this connection."""
        return self._connection.newStream(libvirt.VIR_STREAM_NONBLOCK)

    def need_writing(self, what: str) -> None:
        """Refuse on a read-only connection; raises ``EvidenceError``."""
        if self.read_only:
            raise EvidenceError(
                Reason.DENIED,
                f"{what}: it needs a read-write connection to libvirt",
                "run as root, or as a member of the group libvirt",
            )


@contextmanager
def connected(uri: str) -> Iterator[Hypervisor]:
    """A connection that is kept alive, and closed at the end; raises ``LibvirtError``.

    Not where the program is interrupted: a libvirtd that hangs would keep it from ending.
    """
    hypervisor = Hypervisor.open(uri)
    try:
        hypervisor.keep_alive()
        yield hypervisor
    except Exception:
        hypervisor.close()
        raise
    hypervisor.close()
