"""Ways to a domain's channel: QEMU's own socket on this host, or a stream through libvirt.

Both give a ``samemachine.pump.Stream``. Only the first can never freeze libvirtd.
"""

import errno
import fcntl
import os
import socket
import struct
import termios

from host_agent.errors import EvidenceError
from host_agent.hypervisor import GuestStream
from host_agent.missing import Reason
from samemachine.pump import DescriptorStream

_CHUNK = 32768


class SocketStream(DescriptorStream):
    """QEMU's socket of a channel, connected without waiting."""

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
        """How many bytes QEMU has not read yet (SIOCOUTQ, unix(7))."""
        answer = fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return int(struct.unpack("i", answer)[0])


class LibvirtStream:
    """A channel opened through libvirt, as a stream that can be polled.

    libvirt's event thread only signals an eventfd; reading and writing happen in the thread of the
    pump. A readable stream calls back again and again until it is read, so the watch is taken back
    at each call and set again when there is nothing left to read.
    """

    def __init__(self, stream: GuestStream) -> None:
        self._stream = stream
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closed = False
        stream.watch(self._signal, readable=True, writable=False)

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
