"""Many guests that answer, in a process of their own: each its own socket, one real gRPC server.

``python -m tests.bench.guests FOLDER NUMBER [SECONDS]`` makes ``FOLDER/0``, ``FOLDER/1`` ...:
QEMU's sockets of their channels; behind each is the guest agent's own pump. ``FOLDER/grpc`` is the
server itself, for the bare calls. ``SECONDS`` is what each answer takes. Prints a line once it
listens, and ends when its standard input does.

Of which guest a report is the server sees by the name that the pump gives its end of the
connection.
"""

import contextlib
import resource
import selectors
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from samemachine.pump import DescriptorStream, Pump
from samemachine.session import GuestSession
from samemachine.stream import Stream
from samemachine.v1 import guest_pb2
from tests.hostile.guests import answer

AT_ONCE = 16
_MARK = "samemachine-bench-"
_SECONDS = 60


class Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Answers with what was serialized before, and the nonce."""

    def __init__(self, number: int, seconds: float) -> None:
        self._seconds = seconds
        self._reports = [answer(one).SerializeToString() for one in range(number)]

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._handle)

    def _handle(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        nonce = guest_pb2.GetReportRequest.FromString(raw).nonce
        time.sleep(self._seconds)
        _, _, which = context.peer().partition(_MARK)
        # One message after the other in the same bytes is their merger.
        return (
            self._reports[int(which.split("-")[0] if which else 0)]
            + guest_pb2.Report(nonce=nonce).SerializeToString()
        )


def serve(folder: Path, number: int, seconds: float = 0.0) -> None:
    """Serve until standard input ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = grpc.server(
        ThreadPoolExecutor(max_workers=AT_ONCE), handlers=[Service(number, seconds)]
    )
    server.add_insecure_port(f"unix:{folder}/grpc")
    server.start()
    listeners = selectors.DefaultSelector()
    for one in range(number):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / str(one)))
        listener.listen(1)
        listeners.register(listener, selectors.EVENT_READ, one)
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    threading.Thread(target=_accept, args=(listeners, pool, folder), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    server.stop(None).wait()


def _accept(listeners: selectors.BaseSelector, pool: ThreadPoolExecutor, folder: Path) -> None:
    while True:
        for key, _ in listeners.select():
            assert isinstance(key.fileobj, socket.socket)
            connection, _ = key.fileobj.accept()
            pool.submit(_pumped, connection, folder, key.data)


def _pumped(connection: socket.socket, folder: Path, which: int) -> None:
    """The guest agent's own pump, for one connection."""

    def connect() -> Stream:
        inner = socket.socket(socket.AF_UNIX)
        inner.bind(f"\0{_MARK}{which}-{time.monotonic_ns()}")
        inner.connect(str(folder / "grpc"))
        return DescriptorStream.of_socket(inner)

    with contextlib.closing(DescriptorStream.of_socket(connection)) as stream:
        pump = Pump(stream, GuestSession(), connect)
        try:
            pump.run(time.monotonic() + _SECONDS)
        finally:
            pump.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), *map(float, sys.argv[3:]))
