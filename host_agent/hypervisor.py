"""libvirt, and the only place that imports it: its errors and constants leave as our own types.

libvirt's events run in one thread of their own, which starts before the first connection. Calls
that may hang with a hung libvirtd or QEMU are bounded in time (``bounded.call``); any call that
reaches QEMU's monitor is made at most once at a time for a domain, and never where a monitor
command is already stuck.
"""

import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import libvirt

from host_agent import bounded
from host_agent.errors import EvidenceError, LibvirtError, LibvirtTimeoutError
from host_agent.model import Missing, Reason

T = TypeVar("T")

CALL_SECONDS = 30.0
"""How long a call that only libvirtd answers may take."""

_MAX_PEEK = 0x8000
_MONITOR_RETRY = 0.05
_STATES = {
    libvirt.VIR_DOMAIN_NOSTATE: "no state",
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "blocked",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "in shutdown",
    libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_PMSUSPENDED: "pmsuspended",
}
_UNSUPPORTED = {libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_OPERATION_UNSUPPORTED}
_DENIED = {libvirt.VIR_ERR_OPERATION_DENIED, libvirt.VIR_ERR_ACCESS_DENIED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a connection says of its host."""

    name: str
    driver: str
    libvirt: str
    hypervisor: str
    capabilities: str
    """The capabilities XML."""


_events_lock = threading.Lock()
_events_running = False


def _start_events() -> None:
    """Start libvirt's event loop; it must be there before a connection is opened."""
    global _events_running  # noqa: PLW0603 - libvirt has one event loop a process
    with _events_lock:
        if _events_running:
            return
        libvirt.virEventRegisterDefaultImpl()
        # Errors are raised; libvirt's own printing of them would go to the user's terminal.
        libvirt.registerErrorHandler(lambda *_: None, None)
        # Without a timer the loop sleeps for ever and never sees what another thread added.
        libvirt.virEventAddTimeout(1000, lambda *_: None, None)
        threading.Thread(target=_run_events, name="libvirt-events", daemon=True).start()
        _events_running = True


def _run_events() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


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

    @classmethod
    def open(cls, uri: str) -> "Hypervisor":
        """Connect; read-only where read-write is refused. Raises ``LibvirtError``."""
        _start_events()
        try:
            return cls(_call(lambda: libvirt.open(uri)), uri, read_only=False)
        except LibvirtTimeoutError:
            raise
        except LibvirtError as refused:
            try:
                connection = _call(lambda: libvirt.openReadOnly(uri))
            except LibvirtError:
                raise LibvirtError(
                    f"{uri}: {refused}; is libvirtd running there, and may you use it "
                    "(root, or the group libvirt)?"
                ) from refused
            return cls(connection, uri, read_only=True)

    def keep_alive(self) -> None:
        """Notice a dead peer of a remote connection after 15 s; other drivers refuse it."""
        try:
            self._connection.setKeepAlive(5, 3)
        except libvirt.libvirtError:
            return

    def facts(self) -> Facts:
        """Return what the connection says of its host; raises ``LibvirtError``."""
        connection = self._connection
        return _call(
            lambda: Facts(
                name=str(connection.getHostname()),
                driver=str(connection.getType()),
                libvirt=_version(connection.getLibVersion()),
                hypervisor=_version(connection.getVersion()),
                capabilities=str(connection.getCapabilities()),
            )
        )

    def domains(self) -> list["Domain"]:
        """Return all domains, running or not, by name; raises ``LibvirtError``."""
        listed = _call(lambda: self._connection.listAllDomains(0))
        domains = [Domain(self, domain) for domain in listed]
        return sorted(domains, key=lambda domain: domain.name)

    def native_arguments(self, xml: str) -> tuple[str, ...]:
        """Return the command line with which libvirt would start a domain of this XML.

        ``virConnectDomainXMLToNative``, format ``qemu-argv``; environment comes first. Raises
        ``EvidenceError``.
        """
        if self.read_only:
            raise EvidenceError(
                Reason.DENIED,
                "QEMU's options at the next start need a read-write connection to libvirt",
                "run as root, or as a member of the group libvirt",
            )
        try:
            native = _monitor_call(
                lambda: self._connection.domainXMLToNative("qemu-argv", xml, 0), CALL_SECONDS
            )
            return tuple(shlex.split(str(native)))
        except bounded.CallTimeoutError as error:
            raise EvidenceError(Reason.HUNG, "libvirt did not turn the XML into options") from error
        except ValueError as error:
            raise EvidenceError(
                Reason.FAILED, "libvirt's command line for the domain can't be read"
            ) from error

    def close(self) -> None:
        """Close the connection; an error on the way out changes nothing."""
        try:
            _call(self._connection.close)
        except LibvirtError:
            return

    def open_stream(self) -> libvirt.virStream:
        """Return a new non-blocking stream of this connection."""
        return self._connection.newStream(libvirt.VIR_STREAM_NONBLOCK)


class Domain:
    """One domain of one connection."""

    def __init__(self, hypervisor: Hypervisor, domain: libvirt.virDomain) -> None:
        self._hypervisor = hypervisor
        self._domain = domain
        self.name = str(domain.name())
        self.uuid = UUID(domain.UUIDString())
        self._monitor_call_outstanding = False

    def state(self) -> str:
        """Return libvirt's word for the state; raises ``LibvirtError``."""
        return _STATES.get(_call(self._domain.state)[0], "no state")

    def id(self) -> int | None:
        """Return libvirt's number of this run of the domain; None where it does not run."""
        number = int(_call(self._domain.ID))
        return None if number < 0 else number

    def xml(self, *, inactive: bool) -> str:
        """Return the active or the persistent XML; raises ``LibvirtError``."""
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE if inactive else 0
        return str(_call(lambda: self._domain.XMLDesc(flags)))

    def is_active(self) -> bool:
        """Tell whether the domain runs; raises ``LibvirtError``."""
        return bool(_call(self._domain.isActive))

    def is_persistent(self) -> bool:
        """Tell whether the domain has a persistent XML; raises ``LibvirtError``."""
        return bool(_call(self._domain.isPersistent))

    def monitor_trouble(self, seconds: float) -> Missing | None:
        """Say why QEMU's monitor must not be asked now; None: it may be asked.

        Another client's command is waited for, up to ``seconds``. ``virDomainGetControlInfo``
        itself does not reach the monitor.
        """
        if self._monitor_call_outstanding:
            return Missing(reason=Reason.HUNG, sentence="QEMU has not answered its monitor")
        until = time.monotonic() + seconds
        while True:
            try:
                state, _, milliseconds = _call(lambda: self._domain.controlInfo(0))
            except LibvirtError:
                # A driver without it (test, lxc) refuses the monitor call itself, with its reason.
                return None
            if state == libvirt.VIR_DOMAIN_CONTROL_OK:
                return None
            if state == libvirt.VIR_DOMAIN_CONTROL_JOB:
                return Missing(
                    reason=Reason.BUSY,
                    sentence="a job of libvirt is running on the domain (a migration?)",
                    remedy="wait until it has ended: virsh domjobinfo",
                )
            if time.monotonic() >= until or milliseconds / 1000 > seconds:
                return Missing(
                    reason=Reason.HUNG,
                    sentence=f"QEMU has not answered its monitor for {milliseconds / 1000:.0f} s",
                    remedy="look at the QEMU process: is it stopped, or waiting for storage?",
                )
            time.sleep(_MONITOR_RETRY)

    def peek_memory(self, address: int, length: int, seconds: float) -> bytes:
        """Return bytes of the guest's physical memory (``virDomainMemoryPeek``).

        Raises ``EvidenceError`` with the reason: denied, unsupported, hung, failed.
        """
        if self._hypervisor.read_only:
            raise EvidenceError(
                Reason.DENIED,
                "guest memory needs a read-write connection to libvirt",
                "run as root, or as a member of the group libvirt",
            )
        trouble = self.monitor_trouble(seconds)
        if trouble is not None:
            raise EvidenceError(trouble.reason, trouble.sentence, trouble.remedy)
        data = b""
        while len(data) < length:
            data += self._peek(address + len(data), min(_MAX_PEEK, length - len(data)), seconds)
        return data

    def _peek(self, address: int, length: int, seconds: float) -> bytes:
        self._monitor_call_outstanding = True
        try:
            data: bytes = _monitor_call(
                lambda: self._domain.memoryPeek(address, length, libvirt.VIR_MEMORY_PHYSICAL),
                seconds,
            )
        except bounded.CallTimeoutError as error:
            # It stays outstanding: a second call would wait behind the first, and hold more.
            raise EvidenceError(
                Reason.HUNG,
                f"QEMU did not answer its monitor within {seconds:.0f} s",
                "look at the QEMU process: is it stopped, or waiting for storage?",
            ) from error
        except BaseException:
            self._monitor_call_outstanding = False
            raise
        self._monitor_call_outstanding = False
        if len(data) != length:
            raise EvidenceError(Reason.FAILED, "libvirt returned less memory than was asked for")
        return data

    def open_channel(self, name: str, seconds: float) -> "GuestStream":
        """Open a channel through libvirt (``virDomainOpenChannel``).

        It freezes libvirtd where QEMU does not accept: see ``dialling`` for when not to call it.
        Raises ``EvidenceError``.
        """
        if self._hypervisor.read_only:
            raise EvidenceError(
                Reason.DENIED,
                "a channel needs a read-write connection to libvirt",
                "run as root, or as a member of the group libvirt",
            )
        stream = self._hypervisor.open_stream()
        try:
            _monitor_call(lambda: self._domain.openChannel(name, stream, 0), seconds)
        except bounded.CallTimeoutError as error:
            raise EvidenceError(
                Reason.HUNG, f"libvirt did not open the channel within {seconds:.0f} s"
            ) from error
        return GuestStream(stream)


class GuestStream:
    """A non-blocking libvirt stream; ``watch`` calls back from libvirt's event thread."""

    def __init__(self, stream: libvirt.virStream) -> None:
        self._stream = stream
        self._watched = False

    def watch(self, ready: Callable[[], None], *, readable: bool, writable: bool) -> None:
        """Call ``ready`` whenever the stream is readable, writable if asked for, or over."""
        events = libvirt.VIR_STREAM_EVENT_HANGUP | libvirt.VIR_STREAM_EVENT_ERROR
        events |= libvirt.VIR_STREAM_EVENT_READABLE if readable else 0
        events |= libvirt.VIR_STREAM_EVENT_WRITABLE if writable else 0
        try:
            if self._watched:
                self._stream.eventUpdateCallback(events)
            else:
                self._stream.eventAddCallback(events, lambda *_: ready(), None)
                self._watched = True
        except libvirt.libvirtError:
            # The stream is over; read and write say so.
            ready()

    def read(self, size: int) -> bytes | None:
        """Return bytes, ``b""`` where the stream is over, None where none are there yet."""
        try:
            data: Any = self._stream.recv(size)
        except libvirt.libvirtError:
            return b""
        return None if isinstance(data, int) else bytes(data)

    def write(self, data: bytes) -> int | None:
        """Return how many bytes were taken, None where the stream is over."""
        try:
            taken = int(self._stream.send(data))
        except libvirt.libvirtError:
            return None
        return max(taken, 0)

    def close(self) -> None:
        """Give the channel back; the callback goes before the stream does."""
        try:
            if self._watched:
                self._stream.eventRemoveCallback()
            self._stream.abort()
        except libvirt.libvirtError:
            return


def _version(number: int) -> str:
    """Turn libvirt's number into text: 9000000 is 9.0.0 (``virConnectGetLibVersion``)."""
    return f"{number // 1000000}.{number // 1000 % 1000}.{number % 1000}"


def _call(function: Callable[[], T]) -> T:
    try:
        return bounded.call(function, CALL_SECONDS)
    except bounded.CallTimeoutError as error:
        raise LibvirtTimeoutError(
            f"libvirt did not answer within {CALL_SECONDS:.0f} s; is libvirtd hung?"
        ) from error
    except libvirt.libvirtError as error:
        raise LibvirtError(_sentence(error)) from error


def _monitor_call(function: Callable[[], T], seconds: float) -> T:
    try:
        return bounded.call(function, seconds)
    except libvirt.libvirtError as error:
        code = error.get_error_code()
        reason = (
            Reason.UNSUPPORTED
            if code in _UNSUPPORTED
            else Reason.DENIED
            if code in _DENIED
            else Reason.FAILED
        )
        raise EvidenceError(reason, _sentence(error)) from error


def _sentence(error: libvirt.libvirtError) -> str:
    return str(error.get_error_message() or error).strip().replace("\n", " ")
