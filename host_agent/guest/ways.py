"""Ways to a domain's channel: one class a way, which is also the stream that it gives.

``WAYS`` lists them, the best first. ``dialler`` takes the first that fits and may be opened; of
those that may block libvirtd it counts the openings.
"""

import errno
import fcntl
import os
import socket
import struct
import termios
import time
from typing import ClassVar, Protocol

from host_agent.domain.definition import CHANNEL_NAME, Channel
from host_agent.errors import EvidenceError
from host_agent.hypervisor import Domain, GuestStream, is_local
from host_agent.missing import Reason
from samemachine.pump import DescriptorStream
from samemachine.stream import Stream

_CHUNK = 32768
_BUSY_RETRY = 0.1
_LEAST_SECONDS = 0.1


class Way(Stream, Protocol):
    """A way to a domain's channel, and the stream over it."""

    may_block: ClassVar[bool]
    """Whether openings that nobody answers can freeze libvirtd."""

    @classmethod
    def fits(cls, uri: str, channel: Channel) -> bool:
        """Tell whether this way can lead there, from the connection's URI and the active XML."""
        ...

    @classmethod
    def open(cls, domain: Domain, channel: Channel, deadline: float) -> "Way":
        """Open it before ``deadline`` (``time.monotonic``).

        Raises ``EvidenceError``; denied or absent: the next way is tried.
        """
        ...

    def untaken(self) -> int:
        """Return how many bytes QEMU has not read yet; 0 where that can't be seen."""
        ...


class SocketStream(DescriptorStream):
    """QEMU's socket of a channel, on this host, connected without waiting."""

    may_block: ClassVar[bool] = False

    @classmethod
    def fits(cls, uri: str, channel: Channel) -> bool:
        """Tell whether QEMU's sockets are this host's, and libvirt says which one it is."""
        return is_local(uri) and channel.path is not None

    @classmethod
    def open(cls, domain: Domain, channel: Channel, deadline: float) -> "SocketStream":  # noqa: ARG003
        """Connect; while others wait for it as well, again and again.

        Denied or absent is it to who is not root, and beside a libvirtd in another mount namespace.
        """
        while True:
            try:
                return cls.connect(channel.path or "")
            except EvidenceError as error:
                if error.missing.reason is not Reason.BUSY or time.monotonic() >= deadline:
                    raise
            time.sleep(_BUSY_RETRY)

    @classmethod
    def connect(cls, path: str) -> "SocketStream":
        """Connect; a full backlog is ``busy`` at once.

        Raises ``EvidenceError``: busy, denied, absent (no such socket here) or failed.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            reason, sentence = {
                errno.EAGAIN: (Reason.BUSY, "other programs hold the channel and wait for it"),
                errno.EACCES: (Reason.DENIED, f"{path} may not be opened"),
                errno.EPERM: (Reason.DENIED, f"{path} may not be opened"),
                errno.ENOENT: (Reason.ABSENT, f"there is no socket {path} here"),
            }.get(error.errno or 0, (Reason.FAILED, f"{path}: {error.strerror or error}"))
            raise EvidenceError(reason, sentence) from error
        return cls(connection.detach())

    def untaken(self) -> int:
        """Return how many bytes QEMU has not read yet (SIOCOUTQ, unix(7))."""
        answer = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])


class LibvirtStream:
    """A channel opened through libvirt, as a stream that can be polled.

    libvirt's event thread only signals an eventfd; reading and writing happen in the thread of the
    pump. A readable stream calls back again and again until it is read, so the watch is taken back
    at each call and set again when there is nothing left to read.
    """

    may_block: ClassVar[bool] = True

    def __init__(self, stream: GuestStream) -> None:
        self._stream = stream
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False
        stream.watch(self._signal, readable=True, writable=False)

    @classmethod
    def fits(cls, uri: str, channel: Channel) -> bool:  # noqa: ARG003 - libvirt finds it
        """Tell that it always fits."""
        return True

    @classmethod
    def open(cls, domain: Domain, channel: Channel, deadline: float) -> "LibvirtStream":  # noqa: ARG003
        """Open the channel by its name (``virDomainOpenChannel``)."""
        seconds = max(_LEAST_SECONDS, deadline - time.monotonic())
        return cls(domain.open_channel(CHANNEL_NAME, seconds))

    def _signal(self) -> None:
        if not self._closed:
            self._stream.watch(self._signal, readable=False, writable=False)
            os.eventfd_write(self._event, 1)

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._event

    def read(self) -> bytes | None:
        """Return bytes, ``b""`` where the other end is gone, None where none are there yet."""
        data = self._stream.read(_CHUNK)
        if data is None:
            self._stream.watch(self._signal, readable=True, writable=False)
        return data

    def write(self, data: bytes) -> int | None:
        """Return how many bytes were taken, None where the other end is gone."""
        taken = self._stream.write(data)
        if taken == 0:
            self._stream.watch(self._signal, readable=True, writable=True)
        return taken

    def close(self) -> None:
        """Give the channel back."""
        if not self._closed:
            self._closed = True
            self._stream.close()
            os.close(self._event)

    def untaken(self) -> int:
        """Return 0: libvirt takes all of it, and what QEMU has of that it does not say."""
        return 0


WAYS: tuple[type[Way], ...] = (
    SocketStream,
    LibvirtStream,
)
"""The best first."""
