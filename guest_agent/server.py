"""The resident process: waits on its port or socket and hands each session to the gRPC worker.

It is small and sleeps in one poll; it imports no gRPC (see ``worker_process``).
"""

import contextlib
import logging
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from guest_agent import virtio_port
from guest_agent.config import Config
from guest_agent.errors import PortError, WorkerError
from guest_agent.worker_process import WorkerProcess
from samemachine.pump import DescriptorStream, Pump, Stream
from samemachine.session import GuestSession

_log = logging.getLogger("samemachine-guest")


class Server:
    """Serves sessions over one stream after another, and ends the worker when they stay away."""

    def __init__(self, config: Config) -> None:
        self._worker = WorkerProcess(config)
        self._idle_seconds = config.idle_seconds
        self._busy_at = time.monotonic()

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def follow(self, stream: Stream, *, endless: bool) -> None:
        """Serve what comes over the stream until it ends; an endless one never does."""
        pump = Pump(stream, GuestSession(), self._connect, endless=endless)
        try:
            while pump.step(self.idle_at()):
                if pump.busy:
                    self._busy_at = time.monotonic()
                self.rest()
        finally:
            pump.close()

    def idle_at(self) -> Optional[float]:
        """When the worker has been idle long enough; None: there is no worker."""
        return self._busy_at + self._idle_seconds if self._worker.running else None

    def rest(self) -> None:
        """End the worker where nobody has asked for long enough."""
        at = self.idle_at()
        if at is not None and time.monotonic() >= at:
            _log.info("no session for %g s: ending the gRPC worker", self._idle_seconds)
            self._worker.stop()

    def _connect(self) -> Optional[Stream]:
        self._busy_at = time.monotonic()
        try:
            return self._worker.connect()
        except WorkerError as error:
            _log.error("%s", error)
            return None


def serve_port(config: Config) -> None:
    """Serve the virtio-serial port; returns never.

    Raises ``PortError`` where there is no such port, another program holds it, or it is unplugged.
    """
    device = virtio_port.find(config.port)
    stream = virtio_port.open_port(device)
    with contextlib.closing(stream), contextlib.closing(Server(config)) as server:
        _log.info("waiting on %s", device)
        try:
            server.follow(stream, endless=True)
        except OSError as error:
            raise PortError(f"{device}: {error.strerror}; was the port unplugged?") from error


def serve_socket(path: Path, config: Config) -> None:
    """Serve a unix socket, one connection at a time as QEMU's own; returns never.

    Raises ``PortError`` where it can't listen there.
    """
    with _listener(path) as listener, contextlib.closing(Server(config)) as server:
        _log.info("waiting on %s", path)
        while True:
            at = server.idle_at()
            listener.settimeout(None if at is None else max(0.01, at - time.monotonic()))
            try:
                connection, _ = listener.accept()
            except socket.timeout:
                server.rest()
                continue
            with contextlib.closing(DescriptorStream.of_socket(connection)) as stream:
                server.follow(stream, endless=False)


@contextlib.contextmanager
def _listener(path: Path) -> Iterator[socket.socket]:
    try:
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError as error:
            raise PortError(f"{path}: {error.strerror}") from error
        finally:
            os.umask(before)
        listener.listen(1)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)
