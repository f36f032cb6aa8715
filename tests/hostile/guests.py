"""Guests at the far end of the channel: twenty honest ones, and whoever stands beside them."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc

from samemachine.pump import DescriptorStream, Pump
from samemachine.session import GuestSession
from samemachine.stream import Stream
from samemachine.v1 import guest_pb2
from tests.checkout import CHECKOUT
from tests.hostile import http2
from tests.unit.host_agent.shared.cases import NAMED, report, smbios

HONEST = 20
SECONDS = 60.0
"""For a guest that answers, on however busy a machine."""
Serve = Callable[[DescriptorStream], None]
Change = Callable[[guest_pb2.Report], None]
OLDEST = CHECKOUT / ".venv-oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One domain's guest: what it does with a connection, and what the host is told of it."""

    name: str
    uuid: UUID
    serve: Callable[[Path], contextlib.AbstractContextManager[Serve]]
    """Is given a folder of its own."""
    seconds: float = SECONDS
    before: bytes = b""
    """The report that its baseline was taken of; empty: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the host's process said."""

    grpc: str
    results: dict[str, dict[str, Any]]
    order: list[str]
    page: str
    memory: int
    """KiB."""
    errors: str = field(default="")


def uuid(number: int) -> UUID:
    return UUID(int=0x7C1F_0000 << 96 | number)


def answer(number: int, nonce: bytes = b"") -> guest_pb2.Report:
    """What a guest reports for which all is right."""
    found = report("i440fx")
    found.nonce = nonce
    tables = smbios(uuid=uuid(number)).tables
    for group in (found.smbios_booted, found.smbios_live):
        group.tables = tables
    found.dmi.system_uuid = str(uuid(number))
    found.dmi.system_manufacturer = NAMED.manufacturer or ""
    found.dmi.system_product = NAMED.product or ""
    found.dmi.system_version = found.dmi.chassis_version = NAMED.version or ""
    return found


def honest(number: int) -> Guest:
    return reporting(f"honest{number:02}", number, lambda _: None)


def reporting(name: str, number: int, change: Change, **more: Any) -> Guest:
    """A guest that answers as an agent does, with another report."""

    def handle(raw: bytes, _: grpc.ServicerContext) -> bytes:
        found = answer(number, guest_pb2.GetReportRequest.FromString(raw).nonce)
        change(found)
        return found.SerializeToString()

    return saying(name, number, handle, **more)


def saying(
    name: str, number: int, handle: Callable[[bytes, grpc.ServicerContext], bytes], **more: Any
) -> Guest:
    """A guest with a real gRPC server, and any answer."""

    class Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(handle)

    @contextlib.contextmanager
    def serve(folder: Path) -> Iterator[Serve]:
        pool = ThreadPoolExecutor(max_workers=1)
        server = grpc.server(pool, handlers=[Service()])
        server.add_insecure_port(f"unix:{folder}/grpc")
        server.start()
        try:
            yield lambda stream: pumped(stream, folder / "grpc")
        finally:
            server.stop(None).wait()
            pool.shutdown(wait=True)

    return Guest(name=name, uuid=uuid(number), serve=serve, **more)


def by_hand(name: str, number: int, what: http2.Answer) -> Guest:
    """A guest whose HTTP/2 is written by hand."""

    @contextlib.contextmanager
    def serve(folder: Path) -> Iterator[Serve]:
        with http2.server(folder / "grpc", what):
            yield lambda stream: pumped(stream, folder / "grpc")

    return Guest(name=name, uuid=uuid(number), serve=serve)


def raw(name: str, number: int, what: Serve, seconds: float = SECONDS) -> Guest:
    """A guest that does with the channel what it likes."""

    @contextlib.contextmanager
    def serve(folder: Path) -> Iterator[Serve]:
        yield what

    return Guest(name=name, uuid=uuid(number), serve=serve, seconds=seconds)


def pumped(stream: DescriptorStream, inner: Path) -> None:
    """The guest agent's own pump, to the server there."""

    def connect() -> Stream:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(inner))
        return DescriptorStream.of_socket(connection)

    pump = Pump(stream, GuestSession(), connect)
    try:
        pump.run(time.monotonic() + 2 * SECONDS)
    finally:
        pump.close()


@contextlib.contextmanager
def port(folder: Path, guest: Guest) -> Iterator[str]:
    """QEMU's socket of the domain's channel, which serves one connection."""
    folder.mkdir()
    path = str(folder / "port")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    with guest.serve(folder) as serve:

        def accept() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with contextlib.closing(DescriptorStream.of_socket(connection)) as stream:
                    serve(stream)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield path
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(10)


def audit(folder: Path, guests: list[Guest], *, oldest: bool) -> Audit:
    """Audit the domains of these guests in a process of its own, with the one gRPC or the other."""
    with contextlib.ExitStack() as stack:
        given = [
            {
                "name": guest.name,
                "uuid": str(guest.uuid),
                "seconds": guest.seconds,
                "path": stack.enter_context(port(folder / guest.name, guest)),
                "before": guest.before.hex(),
            }
            for guest in guests
        ]
        path = [str(CHECKOUT), str(CHECKOUT / "proto")]
        if oldest:
            # First on the path, so that all else is the same program.
            path.insert(0, str(next(OLDEST.glob("lib/python*/site-packages"))))
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.auditing"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
            cwd=CHECKOUT,
            env={"PYTHONPATH": ":".join(path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return Audit(
        grpc=said["grpc"],
        results={one["name"]: one for one in said["results"]},
        order=said["order"],
        page=said["page"],
        memory=said["memory"],
        errors=done.stderr,
    )
