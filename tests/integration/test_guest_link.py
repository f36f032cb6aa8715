"""gRPC's own socket on the host: nobody else reaches it, and nothing of it stays."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from host_agent.guest.link import SilentError, ask
from samemachine.pump import DescriptorStream, Pump
from samemachine.session import GuestSession
from samemachine.v1 import guest_pb2

_EARLIER = b"an earlier question"
CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def doors() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("samemachine-link-*"))


def test_no_other_user_reaches_it_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other programs of this machine have doors of their own meanwhile.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = doors()
    abstract = Path("/proc/net/unix").read_text(encoding="utf-8").count("@samemachine")
    ours, theirs = socket.socketpair()
    stream = DescriptorStream.of_socket(ours)
    ended: list[Exception] = []

    def run() -> None:
        try:
            ask(stream, time.monotonic() + 3)
        except SilentError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 2
    while not (mine := doors() - before) and time.monotonic() < until:
        time.sleep(0.01)
    (door,) = mine
    assert stat.S_IMODE(door.stat().st_mode) == 0o700
    assert Path("/proc/net/unix").read_text(encoding="utf-8").count("@samemachine") == abstract
    if os.geteuid() == 0:
        other = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"]
        done = subprocess.run(
            [*other, sys.executable, "-c", CONNECT, str(door / "grpc")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "PermissionError" in done.stderr
    thread.join()
    assert len(ended) == 1
    assert doors() == before
    stream.close()
    theirs.close()


def test_a_long_path_is_no_trouble(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 200)
    place.mkdir()
    program = (
        "import socket, time; from host_agent.guest.link import SilentError, ask\n"
        "from samemachine.pump import DescriptorStream\n"
        "ours, theirs = socket.socketpair()\n"
        "try: ask(DescriptorStream.of_socket(ours), time.monotonic() + 1)\n"
        "except SilentError: print('silent')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert done.stdout == "silent\n"
    assert list(place.iterdir()) == []


@contextlib.contextmanager
def guest(
    tmp_path: Path, answer: Callable[..., bytes], told: Callable[[], None], most: int | None = None
) -> Iterator[tuple[DescriptorStream, str]]:
    """A guest that answers session after session: the host's end of its channel, and its server.

    ``told`` hears of each session, ``most`` calls are answered at once.
    """
    inner, over = str(tmp_path / "grpc"), threading.Event()

    class Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(
        ThreadPoolExecutor(max_workers=2), handlers=[Service()], maximum_concurrent_rpcs=most
    )
    server.add_insecure_port(f"unix:{inner}")
    server.start()

    def connect() -> DescriptorStream:
        told()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(inner)
        return DescriptorStream.of_socket(connection)

    ours, theirs = socket.socketpair()
    pump = Pump(DescriptorStream.of_socket(theirs), GuestSession(), connect, endless=True)

    def carry() -> None:
        while not over.is_set() and pump.step(time.monotonic() + 0.1):
            pass

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    with contextlib.closing(DescriptorStream.of_socket(ours)) as stream:
        try:
            yield stream, inner
        finally:
            over.set()
            thread.join()
            pump.close()
            server.stop(None).wait()


def report_for(raw: bytes) -> bytes:
    nonce = guest_pb2.GetReportRequest.FromString(raw).nonce
    return guest_pb2.Report(nonce=nonce).SerializeToString()


def test_an_agent_that_is_still_busy_with_what_was_given_up(tmp_path: Path) -> None:
    """As after an attempt whose time was over: it is asked again, not called a liar."""
    sessions: list[int] = []
    asked, release = threading.Event(), threading.Event()

    def answer(raw: bytes, _: grpc.ServicerContext) -> bytes:
        if raw != _EARLIER:
            return report_for(raw)
        asked.set()
        release.wait(60)
        return b""

    def told() -> None:
        sessions.append(1)
        if len(sessions) > 1:
            release.set()

    with (
        guest(tmp_path, answer, told, most=1) as (stream, inner),
        grpc.insecure_channel(f"unix:{inner}") as channel,
    ):
        earlier = channel.unary_unary("/x/y", None, None).future(_EARLIER)
        assert asked.wait(60)
        assert ask(stream, time.monotonic() + 60).report.nonce
        assert len(sessions) > 1
        earlier.result(60)


@pytest.mark.parametrize("code", [grpc.StatusCode.CANCELLED, grpc.StatusCode.ABORTED])
def test_a_server_that_ends_while_it_is_asked(tmp_path: Path, code: grpc.StatusCode) -> None:
    sessions: list[int] = []

    def answer(raw: bytes, context: grpc.ServicerContext) -> bytes:
        if len(sessions) == 1:
            context.abort(code, "the end")
        return report_for(raw)

    with guest(tmp_path, answer, lambda: sessions.append(1)) as (stream, _):
        assert ask(stream, time.monotonic() + 60).report.nonce
    assert len(sessions) == 2
