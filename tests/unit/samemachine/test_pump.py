"""The pump, over real sockets."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from samemachine.pump import BudgetError, DescriptorStream, Pump
from samemachine.session import Frame, FrameType, GuestSession, HostSession
from samemachine.stream import Stream

SESSION = 77
DEADLINE = 20.0


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(DEADLINE)
    theirs.settimeout(DEADLINE)
    return ours, theirs


class Ends:
    """A host's pump and a guest's, joined by a socket pair; the outer ends are plain sockets."""

    def __init__(self) -> None:
        host_wire, guest_wire = pair()
        self.caller, caller_inner = pair()
        self.server, server_inner = pair()
        self.host_wire = DescriptorStream.of_socket(host_wire)
        self.guest_wire = DescriptorStream.of_socket(guest_wire)
        self.host_session = HostSession(SESSION, time.monotonic())
        self.host = Pump(
            self.host_wire, self.host_session, lambda: DescriptorStream.of_socket(caller_inner)
        )
        self.guest = Pump(
            self.guest_wire, GuestSession(), lambda: DescriptorStream.of_socket(server_inner)
        )


@contextmanager
def running(*pumps: Pump) -> Iterator[None]:
    threads = [
        threading.Thread(target=pump.run, args=(time.monotonic() + DEADLINE,)) for pump in pumps
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
        for pump in pumps:
            pump.close()


def read_all(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = end.recv(65536)
        if not chunk:
            break
        data += chunk
    return data


def test_much_is_carried_both_ways_at_once() -> None:
    ends = Ends()
    there, back = b"question" * 300_000, b"answer" * 300_000
    with running(ends.host, ends.guest):
        # Nobody reads at first, so everything on the way is full.
        senders = [
            threading.Thread(target=ends.caller.sendall, args=(there,)),
            threading.Thread(target=ends.server.sendall, args=(back,)),
        ]
        for sender in senders:
            sender.start()
        assert read_all(ends.server, len(there)) == there
        assert read_all(ends.caller, len(back)) == back
        for sender in senders:
            sender.join()
        ends.caller.close()
        assert ends.server.recv(1) == b""
        ends.guest_wire.close()
        ends.server.close()
    assert ends.host.ended == "the caller is done"


def test_a_server_that_closes_ends_the_callers_session() -> None:
    ends = Ends()
    with running(ends.host):
        guest = threading.Thread(target=ends.guest.run, args=(time.monotonic() + 1,))
        guest.start()
        ends.caller.sendall(b"x")
        assert ends.server.recv(1) == b"x"
        ends.server.sendall(b"last words")
        ends.server.close()
        assert read_all(ends.caller, 100) == b"last words"
        guest.join()
    assert ends.host.ended == "the guest agent ended it"
    ends.guest.close()
    ends.caller.close()


def framed_pump(
    session: HostSession | GuestSession, *, endless: bool = False, budget: int | None = None
) -> tuple[Pump, socket.socket]:
    wire, far = pair()
    stream: Stream = DescriptorStream.of_socket(wire)
    nothing: Callable[[], Stream | None] = lambda: None  # noqa: E731
    return Pump(stream, session, nothing, endless=endless, budget=budget), far


def test_a_peer_that_is_gone_ends_the_pump() -> None:
    pump, far = framed_pump(HostSession(SESSION, time.monotonic()))
    far.close()
    pump.run(time.monotonic() + DEADLINE)
    assert pump.ended == "the channel was closed"
    pump.close()


def test_an_endless_pump_outlives_its_peer_and_does_not_spin() -> None:
    pump, far = framed_pump(GuestSession(), endless=True)
    far.close()
    until = time.monotonic() + 0.5
    steps = 0
    while time.monotonic() < until:
        assert pump.step(until)
        steps += 1
    assert steps < 10
    assert pump.ended is None
    pump.close()


def test_more_than_the_budget_is_an_error() -> None:
    pump, far = framed_pump(HostSession(SESSION, time.monotonic()), budget=1000)
    far.sendall(b"noise" * 300)
    with pytest.raises(BudgetError, match="1000"):
        pump.run(time.monotonic() + DEADLINE)
    pump.close()
    far.close()


class Endless:
    """A peer that never pauses; each look at the clock takes a tenth of a second."""

    def __init__(self, stream: Stream) -> None:
        self.fileno, self.write, self.close = stream.fileno, stream.write, stream.close
        self.reads = 0
        self.now = 0.0

    def read(self) -> bytes | None:
        self.reads += 1
        return b"noise" * 1000

    def clock(self) -> float:
        self.now += 0.1
        return self.now


def test_a_peer_that_never_pauses_does_not_move_the_deadline() -> None:
    wire, far = pair()
    peer = Endless(DescriptorStream.of_socket(wire))
    pump = Pump(peer, HostSession(SESSION, 0.0), lambda: None, clock=peer.clock)
    assert pump.step(3.0)
    assert peer.reads < 40
    assert pump.step(3.0)
    assert peer.reads < 42
    pump.close()
    peer.close()
    far.close()


def test_a_session_without_a_server_is_reset() -> None:
    pump, far = framed_pump(GuestSession(), endless=True)
    far.sendall(Frame(FrameType.SYN, SESSION).encode())
    expected = b"".join(
        frame.encode()
        for frame in (
            Frame(FrameType.RST, 0),
            Frame(FrameType.ACK, SESSION),
            Frame(FrameType.RST, SESSION),
        )
    )
    pump.run(time.monotonic() + 0.3)
    assert read_all(far, len(expected)) == expected
    assert not pump.busy
    pump.close()
    far.close()
