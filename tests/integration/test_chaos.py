"""Real gRPC through both agents' own code over a simulated port, while everything goes wrong.

Every scenario recovers with the next question, and no question ever gets a wrong answer.
"""

import contextlib
import os
import random
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guest_agent.server import Server
from guest_agent.worker_process import WorkerProcess
from host_agent.guest import link as guest_link
from host_agent.guest.ways import SocketStream
from samemachine.session import MAGIC, Frame, FrameType
from tests.integration.simulated_port import GuestEnd, SimulatedPort

DEADLINE = 20.0


class Guest:
    """The guest agent's own server over the port, in a thread that can be ended at any moment."""

    def __init__(self, port: SimulatedPort) -> None:
        self._port = port
        folder = tempfile.mkdtemp(prefix="samemachine-guest-")
        self._server = Server(WorkerProcess(folder, "no"), 600)
        self._end: GuestEnd | None = None
        self._thread: threading.Thread | None = None
        self._dying: _Mortal | None = None

    def start(self) -> None:
        self._end = self._port.open_guest_end()
        self._dying = _Mortal(self._end)
        self._thread = threading.Thread(target=self._follow, args=(self._dying,), daemon=True)
        self._thread.start()

    def _follow(self, stream: "_Mortal") -> None:
        with contextlib.suppress(_Killed):
            self._server.follow(stream, endless=True)

    def kill(self) -> None:
        """End it as a signal does: nothing is said any more."""
        assert self._dying is not None
        assert self._thread is not None
        assert self._end is not None
        self._dying.kill()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
        self._end.close()

    def close(self) -> None:
        self.kill()
        self._server.close()


class _Killed(Exception):  # noqa: N818 - not an error
    pass


class _Mortal:
    """The port's stream, until the process that uses it is killed."""

    def __init__(self, end: GuestEnd) -> None:
        self._end = end
        self._killed = False

    def kill(self) -> None:
        self._killed = True
        os.eventfd_write(self._end.event, 1)

    def fileno(self) -> int:
        return self._end.fileno()

    def read(self) -> bytes | None:
        if self._killed:
            raise _Killed
        return self._end.read()

    def write(self, data: bytes) -> int | None:
        if self._killed:
            raise _Killed
        return self._end.write(data)

    def close(self) -> None:
        return


@pytest.fixture
def port(tmp_path: Path) -> Iterator[SimulatedPort]:
    port = SimulatedPort(tmp_path)
    yield port
    port.close()


@pytest.fixture
def guest(port: SimulatedPort) -> Iterator[Guest]:
    guest = Guest(port)
    guest.start()
    yield guest
    guest.close()


def ask(port: SimulatedPort) -> None:
    """Ask, and hold the answer against the question."""
    stream = SocketStream.connect(port.path)
    try:
        answer = guest_link.ask(stream, time.monotonic() + DEADLINE)
    finally:
        stream.close()
    assert answer.report.nonce == answer.nonce
    assert len(answer.report.boot.boot_id) == 36


def break_off(port: SimulatedPort, after: float) -> None:
    """A caller that is killed: its connection ends in the middle of whatever it was doing."""
    stream = SocketStream.connect(port.path)
    descriptor = socket.socket(fileno=stream.fileno())
    timer = threading.Timer(after, descriptor.shutdown, (socket.SHUT_RDWR,))
    timer.start()
    with contextlib.suppress(
        guest_link.ClosedError, guest_link.SilentError, guest_link.RefusedError, OSError
    ):
        answer = guest_link.ask(stream, time.monotonic() + DEADLINE)
        assert answer.report.nonce == answer.nonce
    timer.cancel()
    timer.join()
    with contextlib.suppress(OSError):
        descriptor.close()


def test_a_host_that_comes_again_and_again(port: SimulatedPort, guest: Guest) -> None:
    for _ in range(10):
        ask(port)


@pytest.mark.parametrize("seed", range(3))
def test_callers_that_are_killed_in_the_middle(
    port: SimulatedPort, guest: Guest, seed: int
) -> None:
    ask(port)
    moment = random.Random(seed)
    for _ in range(8):
        break_off(port, moment.uniform(0.0, 0.03))
        ask(port)


def test_a_guest_agent_that_starts_late(port: SimulatedPort) -> None:
    """The host asks first; its frames wait in the port."""
    guest = Guest(port)
    starter = threading.Timer(0.7, guest.start)
    starter.start()
    ask(port)
    starter.join()
    guest.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_guest_agent_that_is_restarted_with_stale_bytes(
    port: SimulatedPort, guest: Guest, seed: int
) -> None:
    moment = random.Random(seed)
    ask(port)
    for _ in range(3):
        guest.kill()
        # A caller asks nobody and gives up; its bytes wait, cut anywhere, with noise after them.
        stale = (
            Frame(FrameType.SYN, moment.getrandbits(64)).encode()
            + Frame(FrameType.DATA, moment.getrandbits(64), 0, moment.randbytes(300)).encode()
        )
        noise = stale[: moment.randrange(len(stale))] + moment.choice([b"", MAGIC, b"PRI * HTTP"])
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(port.path)
            caller.sendall(noise)
        guest.start()
        ask(port)


@pytest.mark.parametrize("seed", range(3))
def test_a_migration_without_an_event(port: SimulatedPort, guest: Guest, seed: int) -> None:
    moment = random.Random(seed)
    ask(port)
    for _ in range(6):
        mover = threading.Timer(moment.uniform(0.0, 0.02), port.migrate)
        mover.start()
        stream = SocketStream.connect(port.path)
        with contextlib.suppress(guest_link.ClosedError):
            answer = guest_link.ask(stream, time.monotonic() + DEADLINE)
            assert answer.report.nonce == answer.nonce
        stream.close()
        mover.join()
        ask(port)


def test_an_agent_that_is_killed_while_it_is_asked(port: SimulatedPort, guest: Guest) -> None:
    """The same question is answered by the next agent, over the same connection."""
    ask(port)
    stream = SocketStream.connect(port.path)
    guest.kill()
    starter = threading.Timer(0.5, guest.start)
    starter.start()
    answer = guest_link.ask(stream, time.monotonic() + DEADLINE)
    assert answer.report.nonce == answer.nonce
    stream.close()
    starter.join()
