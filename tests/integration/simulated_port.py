"""A virtio-serial port as QEMU and Linux really behave, without either.

The host's end is a unix socket that serves one client at a time (QEMU ``chardev/char-socket.c``);
the guest's end is a stream with the rules of Linux ``drivers/char/virtio_console.c``: bytes that
the host wrote before a guest process opened the port wait for the next one; what the guest writes
while no host is connected is dropped; there is no end of file between two hosts. ``migrate``
exchanges the host's end without an event to the guest, and loses what was on its way.
"""

import contextlib
import os
import socket
import threading
from pathlib import Path


class SimulatedPort:
    """The port; ``close`` ends its thread."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "port")
        self._lock = threading.Lock()
        self._to_guest = bytearray()
        self._host: socket.socket | None = None
        self._reader: GuestEnd | None = None
        self._closed = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._host = client
            self._wake()
            with contextlib.suppress(OSError):
                while data := client.recv(4096):
                    with self._lock:
                        if self._host is not client:
                            break
                        self._to_guest += data
                    self._wake()
            with self._lock:
                if self._host is client:
                    self._host = None
            client.close()
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._reader is not None:
                os.eventfd_write(self._reader.event, 1)

    def open_guest_end(self) -> "GuestEnd":
        """Open the port in the guest; bytes that wait are there to be read."""
        with self._lock:
            assert self._reader is None, "a second opener gets EBUSY"
            self._reader = GuestEnd(self)
        return self._reader

    def migrate(self) -> None:
        """Drop the host's connection and what is on its way; the guest gets no event."""
        with self._lock:
            self._to_guest.clear()
            if self._host is not None:
                # The thread sees the end and accepts the next host.
                self._host.shutdown(socket.SHUT_RDWR)
                self._host = None

    def drop_host(self) -> None:
        """End the host's connection in the middle, bytes already taken stay."""
        with self._lock:
            if self._host is not None:
                self._host.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the port."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_host()
        self._thread.join(10)

    # The guest's end asks these.

    def take(self, size: int) -> bytes | None:
        with self._lock:
            if self._to_guest:
                data = bytes(self._to_guest[:size])
                del self._to_guest[:size]
                return data
            return b"" if self._host is None else None

    def put(self, data: bytes) -> int:
        with self._lock:
            host = self._host
        if host is not None:
            with contextlib.suppress(OSError):
                host.sendall(data)
        # Without a host QEMU drops it, and the guest does not learn of it.
        return len(data)

    def guest_closed(self) -> None:
        with self._lock:
            self._reader = None


class GuestEnd:
    """The guest's end, a ``samemachine.stream.Stream``."""

    def __init__(self, port: SimulatedPort) -> None:
        self._port = port
        self.event = os.eventfd(1, os.EFD_NONBLOCK)

    def fileno(self) -> int:
        return self.event

    def read(self) -> bytes | None:
        return self._port.take(32768)

    def write(self, data: bytes) -> int | None:
        return self._port.put(data)

    def close(self) -> None:
        """Close the port, as the end of the process does."""
        self._port.guest_closed()
        os.close(self.event)
