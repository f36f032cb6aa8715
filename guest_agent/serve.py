"""The command ``serve``: opens where the host asks, then becomes the resident, ``server``.

What is read and imported for that is gone with it, and every error is told before.
"""

import os
import signal
import socket
import stat
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from guest_agent import interpreter, virtio_port
from guest_agent.config import Config
from guest_agent.errors import PortError, WorkerError


def serve_port(config: Config) -> NoReturn:
    """Serve the virtio-serial port.

    Raises ``PortError`` where there is no such port or another program holds it.
    """
    device = virtio_port.find(config.port)
    _become_resident("port", virtio_port.open_port(device), device, config)


def serve_socket(path: Path, config: Config) -> NoReturn:
    """Serve a unix socket, one connection at a time as QEMU's own.

    Raises ``PortError`` where it can't listen there.
    """
    _become_resident("socket", _listen(path), path, config)


def _become_resident(kind: str, descriptor: int, path: Path, config: Config) -> NoReturn:
    try:
        # 0700: no other user of the guest reaches gRPC's socket in it.
        folder = tempfile.mkdtemp(prefix="samemachine-guest-")
    except OSError as error:
        raise WorkerError(f"there is no place for the gRPC worker's socket: {error}") from error
    sys.stderr.write(f"samemachine-guest: waiting on {path}\n")
    os.set_inheritable(descriptor, True)
    # Until the resident can clean up it is not to be ended.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    resident = (kind, str(descriptor), str(path.absolute()), folder, str(config.idle_seconds))
    worker = ("yes" if config.refresh_fw_cfg else "no", *config.off)
    command = interpreter.command("guest_agent.server", *resident, *worker)
    os.execv(command[0], command)  # noqa: S606 - without a shell is right


def _listen(path: Path) -> int:
    try:
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        raise PortError(f"{path}: {error.strerror}") from error
    finally:
        os.umask(before)
    listener.listen(1)
    return listener.detach()
