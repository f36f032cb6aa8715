"""The resident process: waits on its port or socket and hands each session to the gRPC worker.

It sleeps in one poll for as long as the guest runs, so it is small: ``serve`` reads and opens what
there is, and becomes it. What it imports is counted (tests/integration/test_resident.py).
"""

import os
import select
import signal
import socket
import sys
import time

from guest_agent.errors import WorkerError
from guest_agent.worker_process import WorkerProcess
from samemachine.pump import DescriptorStream, Pump
from samemachine.session import GuestSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from samemachine.stream import Stream


class Server:
    """Serves sessions over one stream after another, and ends the worker when they stay away."""

    def __init__(self, worker: WorkerProcess, idle_seconds: float) -> None:
        self._worker = worker
        self._idle_seconds = idle_seconds
        self._busy_at = time.monotonic()

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def follow(self, stream: "Stream", *, endless: bool) -> None:
        """Serve what comes over the stream until it ends; an endless one never does."""
        pump = Pump(stream, GuestSession(), self._connect, endless=endless)
        try:
            while pump.step(self.idle_at()):
                if pump.busy:
                    self._busy_at = time.monotonic()
                self.rest()
        finally:
            pump.close()

    def idle_at(self) -> "float | None":
        """When the worker has been idle long enough; None: there is no worker."""
        return self._busy_at + self._idle_seconds if self._worker.running else None

    def rest(self) -> None:
        """End the worker where nobody has asked for long enough."""
        at = self.idle_at()
        if at is not None and time.monotonic() >= at:
            _say(f"no session for {self._idle_seconds:g} s: ending the gRPC worker")
            self._worker.stop()

    def _connect(self) -> "Stream | None":
        self._busy_at = time.monotonic()
        try:
            return self._worker.connect()
        except WorkerError as error:
            _say(str(error))
            return None


def main(
    kind: str, descriptor: str, path: str, folder: str, idle_seconds: str, *settings: str
) -> None:
    """Serve the ``port`` or the listening ``socket`` that is open as ``descriptor`` until SIGTERM.

    ``path`` is its name, ``folder`` and ``settings`` are the worker's.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _name_itself()
    os.set_inheritable(int(descriptor), False)
    os.chdir("/")
    server = Server(WorkerProcess(folder, *settings), float(idle_seconds))
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        if kind == "port":
            _serve_port(server, int(descriptor), path)
        else:
            _serve_socket(server, int(descriptor), path)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        server.close()


def _name_itself() -> None:
    """Be what ps and top show as the command that it was started as, not as "python3"."""
    try:
        with open("/proc/self/comm", "wb", buffering=0) as name:
            name.write(b"samemachine-guest")
    except OSError:
        pass


def _serve_port(server: Server, descriptor: int, path: str) -> None:
    try:
        server.follow(DescriptorStream(descriptor), endless=True)
    except OSError as error:
        _say(f"{path}: {error.strerror}; was the port unplugged?")
        sys.exit(1)


def _serve_socket(server: Server, descriptor: int, path: str) -> None:
    listener = socket.socket(fileno=descriptor)
    try:
        while True:
            at = server.idle_at()
            timeout = None if at is None else max(0.0, at - time.monotonic())
            if not select.select([listener], [], [], timeout)[0]:
                server.rest()
                continue
            stream = DescriptorStream.of_socket(listener.accept()[0])
            try:
                server.follow(stream, endless=False)
            finally:
                stream.close()
    finally:
        if os.path.exists(path):
            os.unlink(path)


def _say(sentence: str) -> None:
    sys.stderr.write(f"samemachine-guest: {sentence}\n")
