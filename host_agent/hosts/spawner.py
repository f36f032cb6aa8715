"""A process from which others are forked: it has loaded what they need, and has asked nobody yet.

It is a Python of its own, since a program that has threads, and connections of libvirt and gRPC,
can't be forked. Each byte that it gets comes with a socket; a process is forked for it, which is
told there what to do. What it is told comes from who started it, and from nobody else.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection

_PROGRAM = (
    f"import sys; sys.path[:] = sys.argv[2:]; from {__name__} import serve; serve(int(sys.argv[1]))"
)
_MODULES_BYTES = 1 << 16
_NEXT = b"\n"

Task = Callable[[Connection], None]
"""What a forked process does; it may say things over its connection, and ends when it returns."""


class Spawner:
    """Starts processes; all of them end with it, and it ends with us."""

    def __init__(self, modules: Sequence[str]) -> None:
        """``modules``: what the processes need loaded."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Isolated from the environment, with the very path that we have.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM, str(theirs.fileno()), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control.send(",".join(modules).encode() or b",")

    def start(self, task: Task) -> Connection:
        """Have a task done in a process of its own, and return the connection to it."""
        ours, theirs = socket.socketpair()
        with theirs:
            connection = Connection(ours.detach())
            socket.send_fds(self._control, [_NEXT], [theirs.fileno()])
        connection.send_bytes(pickle.dumps(task))
        return connection

    def close(self) -> None:
        """End it; what it started ends as soon as its connection is closed."""
        self._control.close()
        self._process.wait()


def serve(descriptor: int) -> None:
    """Fork for each socket that comes, until nobody can send one any more."""
    control = socket.socket(fileno=descriptor)
    for name in control.recv(_MODULES_BYTES).decode().split(","):
        if name:
            import_module(name)
    # Nobody waits for those that are forked.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        mark, descriptors, _, _ = socket.recv_fds(control, len(_NEXT), 1)
        if not mark:
            return
        if os.fork() == 0:
            control.close()
            _forked(descriptors[0])
        os.close(descriptors[0])


def _forked(descriptor: int) -> None:
    """Do what is told, and end without waiting for whatever hangs."""
    try:
        # No terminal is ours, so that ssh asks none for a password.
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ["SSH_ASKPASS_REQUIRE"] = "never"
        connection = Connection(descriptor)
        task: Task = pickle.loads(connection.recv_bytes())  # noqa: S301 - of who started us
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        task(connection)
    finally:
        os._exit(0)


def _end_with(connection: Connection) -> None:
    """End when the other end does, which says nothing more."""
    with suppress(EOFError, OSError):
        connection.recv_bytes()
    os._exit(1)
