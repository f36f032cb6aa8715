"""The resident's handle on the gRPC worker: starts it, connects to it, ends it.

gRPC in memory costs 30 MiB and wakes several times a second even when nobody asks. So the resident
never imports it: ``guest_agent.worker`` runs as a process of its own while sessions come. Two pipes
join them: a line "ready" comes out when the worker's socket listens, and the worker ends when its
standard input does, so it never outlives the resident. Its standard output ends when it does.
"""

import os
import select
import signal
import socket
import time

from guest_agent import interpreter
from guest_agent.errors import WorkerError
from samemachine.pump import DescriptorStream

START_TIMEOUT = 30.0
"""Seconds that a worker may take until it listens; importing gRPC takes 2 in a slow guest."""

_STOP_TIMEOUT = 5.0
_READY = b"ready\n"


class WorkerProcess:
    """Starts the worker when its first connection is wanted, and again after it died.

    ``folder`` is for its socket alone, and nobody else may enter it; ``settings`` are what
    the worker is called with beside it.
    """

    def __init__(self, folder: str, *settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._process: _Process | None = None
        self.socket = f"{folder}/grpc"
        """Path of the worker's unix socket; nobody listens before the first connection."""

    @property
    def running(self) -> bool:
        """Whether there is a process to stop."""
        return self._process is not None

    def connect(self) -> DescriptorStream:
        """Return a new connection to the gRPC server; raises ``WorkerError``."""
        if self._process is None or self._process.read(0.0) == b"":
            self.stop()
            self._start()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.socket)
        except OSError as error:
            connection.close()
            raise WorkerError(f"the gRPC worker can't be reached: {error}") from error
        return DescriptorStream.of_socket(connection)

    def stop(self) -> None:
        """End the process, gently first; does nothing where there is none."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def close(self) -> None:
        """End the process and remove the socket's folder."""
        self.stop()
        self._remove_socket()
        os.rmdir(self._folder)

    def _start(self) -> None:
        self._remove_socket()
        command = interpreter.command("guest_agent.worker", self.socket, *self._settings)
        try:
            self._process = process = _Process(command)
        except OSError as error:
            raise WorkerError(f"the gRPC worker can't be started: {error}") from error
        said = process.read(START_TIMEOUT)
        if said != _READY:
            code = process.stop()
            self._process = None
            how = f"did not start in {START_TIMEOUT:.0f} s" if said is None else f"exited {code}"
            raise WorkerError(f"the gRPC worker {how}")

    def _remove_socket(self) -> None:
        try:
            os.unlink(self.socket)
        except FileNotFoundError:
            pass


class _Process:
    """A child with pipes for its standard input and output."""

    def __init__(self, command: "list[str]") -> None:
        theirs_in, self._stdin = os.pipe()
        self._stdout, theirs_out = os.pipe()
        try:
            self._pid = os.posix_spawn(
                command[0],
                command,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, theirs_in, 0),
                    (os.POSIX_SPAWN_DUP2, theirs_out, 1),
                ],
            )
        except OSError:
            os.close(self._stdin)
            os.close(self._stdout)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def read(self, seconds: float) -> "bytes | None":
        """Return what it says within that time; empty: it has ended; None: nothing came."""
        if not select.select([self._stdout], [], [], seconds)[0]:
            return None
        return os.read(self._stdout, 64)

    def stop(self) -> int:
        """End it, gently first, and return its exit code."""
        os.close(self._stdin)
        until = time.monotonic() + _STOP_TIMEOUT
        while said := self.read(max(0.0, until - time.monotonic())):
            pass
        if said is None:
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._stdout)
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)
