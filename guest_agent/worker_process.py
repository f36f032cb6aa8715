"""The resident's handle on the gRPC worker: starts it, connects to it, ends it.

gRPC in memory costs 30 MiB and wakes several times a second even when nobody asks. So the resident
never imports it: ``guest_agent.worker`` runs as a process of its own while sessions come. A pipe
joins the two: a line "ready" comes out when the worker's socket listens, and the worker ends when
its standard input does, so it never outlives the resident.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from select import select
from typing import Optional

from guest_agent.config import Config
from guest_agent.errors import WorkerError
from samemachine.pump import DescriptorStream

START_TIMEOUT = 30.0
"""Seconds that a worker may take until it listens; importing gRPC takes 2 in a slow guest."""

_STOP_TIMEOUT = 5.0
_READY = b"ready\n"


class WorkerProcess:
    """Starts the worker when its first connection is wanted, and again after it died."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._process: Optional[subprocess.Popen[bytes]] = None
        # 0700: no other user of the guest reaches the server.
        self._directory = tempfile.mkdtemp(prefix="samemachine-guest-")
        self.socket = str(Path(self._directory, "grpc"))
        """Path of the worker's unix socket; nobody listens before the first connection."""

    @property
    def running(self) -> bool:
        """Whether there is a process to stop."""
        return self._process is not None

    def connect(self) -> DescriptorStream:
        """Return a new connection to the gRPC server; raises ``WorkerError``."""
        if self._process is None or self._process.poll() is not None:
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
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End the process and remove the socket's directory."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _start(self) -> None:
        Path(self.socket).unlink(missing_ok=True)
        # The working folder must not be a place to import from: it may be anybody's.
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "guest_agent.worker",
                self.socket,
                json.dumps(asdict(self._config)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={**os.environ, "PYTHONPATH": path},
        )
        if not self._becomes_ready(self._process, time.monotonic() + START_TIMEOUT):
            code = self._process.poll()
            self.stop()
            how = f"did not start in {START_TIMEOUT:.0f} s" if code is None else f"exited {code}"
            raise WorkerError(f"the gRPC worker {how}")

    @staticmethod
    def _becomes_ready(process: "subprocess.Popen[bytes]", deadline: float) -> bool:
        pipe = process.stdout
        if pipe is None:
            return False
        readable, _, _ = select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        return bool(readable) and pipe.readline() == _READY
