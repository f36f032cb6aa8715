"""The pump: joins a framed byte stream to the unix socket that gRPC uses, on either side.

No ready-made grpcio can adopt a file descriptor or speak over a virtio-serial port, so gRPC talks
to a unix socket of its own and the pump carries the bytes, framed by ``session``. All descriptors
are polled edge-triggered: a virtio-serial port without a host end reports a hang-up for ever, and
a level-triggered poll would spin on it (Linux ``drivers/char/virtio_console.c: port_fops_poll``).
"""

import errno
import os
import select
import time

from samemachine.session import Closed, Event, GuestSession, HostSession, Opened, Payload

# What only types need is larger than all of this: see ``session``.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from samemachine.stream import Stream

_CHUNK = 32768
# One write of at most 32 KiB is all or nothing on a virtio-serial port.
_PENDING_MAX = 4 * _CHUNK
_ET = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_AGAIN = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR}
_GONE = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN}


class PumpError(Exception):
    """The pump had to stop. It says why in one sentence."""


class BudgetError(PumpError):
    """The peer sent more bytes than it was allowed."""

    def __init__(self, budget: int) -> None:
        super().__init__(f"more than {budget} bytes came from the guest in one call")
        self.budget = budget


class DescriptorStream:
    """A stream over a raw descriptor that this object owns: a socket's or a port's."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor

    @classmethod
    def of_socket(cls, connection: "socket.socket") -> "DescriptorStream":
        """Take the descriptor of a connected socket over."""
        return cls(connection.detach())

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        return self._descriptor

    def read(self) -> "bytes | None":
        """Return bytes, ``b""`` where the other end is gone, None where none are there yet."""
        try:
            return os.read(self._descriptor, _CHUNK)
        except OSError as error:
            if error.errno in _AGAIN:
                return None
            if error.errno in _GONE:
                return b""
            raise

    def write(self, data: bytes) -> "int | None":
        """Return how many bytes were taken, None where the other end is gone."""
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            if error.errno in _AGAIN:
                return 0
            if error.errno in _GONE:
                return None
            raise

    def close(self) -> None:
        """Give the descriptor back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _Side:
    """One stream with what is known of its readiness and what waits to be written to it."""

    def __init__(self, stream: "Stream") -> None:
        self.stream = stream
        self.readable = self.writable = True
        self.pending = bytearray()

    def flush(self) -> bool:
        """Write what can be written; False where the other end is gone."""
        while self.pending and self.writable:
            written = self.stream.write(bytes(self.pending[:_CHUNK]))
            if written is None:
                return False
            if written == 0:
                self.writable = False
            del self.pending[:written]
        return True

    @property
    def full(self) -> bool:
        return len(self.pending) > _PENDING_MAX

    def read(self) -> "bytes | None":
        data = self.stream.read() if self.readable else None
        if not data:
            self.readable = False
        return data


class Pump:
    """Carries one session after another between a framed stream and gRPC's sockets.

    ``open_inner`` is called when a session opens and gives gRPC's end of it, or None where there is
    none to be had. With ``endless``, a framed stream whose other end is gone is waited on (a
    virtio-serial port); otherwise the pump ends with it (a socket). ``budget`` bounds the bytes
    taken from the framed stream. The streams are closed by whoever opened them, the inner ones by
    the pump.
    """

    def __init__(
        self,
        framed: "Stream",
        session: "HostSession | GuestSession",
        open_inner: "Callable[[], Stream | None]",
        *,
        endless: bool = False,
        budget: "int | None" = None,
        clock: "Callable[[], float]" = time.monotonic,
    ) -> None:
        self._framed = _Side(framed)
        self._session = session
        self._open_inner = open_inner
        self._endless = endless
        self._budget = budget
        self._clock = clock
        self._inner: _Side | None = None
        self._epoll = select.epoll()
        self._epoll.register(framed.fileno(), _ET)
        self._absent = False
        self.received = 0
        self.ended: str | None = None

    @property
    def busy(self) -> bool:
        """Whether a session is open."""
        return self._session.session is not None

    def close(self) -> None:
        """Close the inner connection and the poll set; the framed stream stays its owner's."""
        self._drop_inner()
        self._epoll.close()

    def step(self, until: "float | None" = None) -> bool:
        """Wait for something to happen, but not past ``until``, and carry on.

        Returns whether the pump goes on; where not, ``ended`` says why. Raises ``BudgetError``.
        """
        self._carry(until)
        if self.ended is None:
            self._wait(until)
            self._carry(until)
        return self.ended is None

    def run(self, until: float) -> None:
        """Carry until the pump ends or ``until`` is past."""
        while self.step(until) and self._clock() < until:
            pass

    def flush(self) -> None:
        """Write what can be written without waiting, such as a last FIN."""
        self._framed.pending += self._session.take()
        self._framed.flush()

    # What follows moves bytes until nothing more can be moved without waiting, or time is up: a
    # peer that never pauses must not keep the caller from its deadline.

    def _carry(self, until: "float | None") -> None:
        self._apply(self._session.tick(self._clock()))
        moved = True
        while moved and self.ended is None:
            moved = self._from_framed()
            moved = self._from_inner() or moved
            self._write()
            if until is not None and self._clock() >= until:
                return

    def _from_framed(self) -> bool:
        if self._inner is not None and self._inner.full:
            return False
        data = self._framed.read()
        if data is None:
            return False
        if not data:
            self._framed_gone()
            return False
        self._absent = False
        self.received += len(data)
        if self._budget is not None and self.received > self._budget:
            raise BudgetError(self._budget)
        self._apply(self._session.receive(data, self._clock()))
        return True

    def _from_inner(self) -> bool:
        if self._inner is None or self._framed.full:
            return False
        data = self._inner.read()
        if data is None:
            return False
        if data:
            self._session.send(data)
            return True
        self._inner_gone()
        return False

    def _write(self) -> None:
        self._framed.pending += self._session.take()
        if not self._framed.flush():
            self._framed_gone()
        if self._inner is not None and not self._inner.flush():
            self._inner_gone()

    def _apply(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Payload):
                if self._inner is not None:
                    self._inner.pending += event.data
                continue
            self._drop_inner()
            if isinstance(event, Opened):
                # The ACK must not wait for what opening the inner end may take.
                self.flush()
                self._take_inner(self._open_inner())
            elif isinstance(event, Closed) and not self._endless:
                self.ended = event.reason

    def _take_inner(self, stream: "Stream | None") -> None:
        if stream is None:
            self._inner_gone()
            return
        self._inner = _Side(stream)
        self._epoll.register(stream.fileno(), _ET)

    def _inner_gone(self) -> None:
        self._drop_inner()
        self._session.inner_closed()
        if isinstance(self._session, HostSession):
            self.flush()
            self.ended = "the caller is done"

    def _drop_inner(self) -> None:
        if self._inner is not None:
            inner, self._inner = self._inner, None
            # Bytes that gRPC's end sent before it closed are still to be delivered.
            inner.flush()
            self._epoll.unregister(inner.stream.fileno())
            inner.stream.close()

    def _framed_gone(self) -> None:
        self._framed.pending.clear()
        if not self._endless:
            self.ended = "the channel was closed"
        if not self._absent:
            self._absent = True
            self._apply(self._session.peer_gone())

    def _wait(self, until: "float | None") -> None:
        due = [at for at in (until, self._session.next_at()) if at is not None]
        timeout = max(0.0, min(due) - self._clock()) if due else None
        for descriptor, _ in self._epoll.poll(timeout):
            for side in (self._framed, self._inner):
                if side is not None and side.stream.fileno() == descriptor:
                    side.readable = side.writable = True
