"""What a hostile or broken guest can answer: each is refused, escaped or given up in time.

The guest is a real gRPC server behind the guest's own session frames; its answers are scripted.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from host_agent.evidence.decode import DecodeError, decode
from host_agent.evidence.observation import Observation
from host_agent.firmware.smbios import Named
from host_agent.guest import link as guest_link
from host_agent.guest.ways import SocketStream
from host_agent.missing import Missing, Reason
from samemachine.pump import DescriptorStream, Pump
from samemachine.session import Frame, FrameType, GuestSession
from samemachine.stream import Stream
from samemachine.v1 import guest_pb2

Handler = Callable[[bytes, grpc.ServicerContext], bytes]
"""Raw request → raw response."""


@contextlib.contextmanager
def scripted(folder: Path, handler: Handler) -> Iterator[str]:
    """Serve one handler on a unix socket that stands for QEMU's; yields its path."""

    class Service(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(handler)

    server = grpc.server(ThreadPoolExecutor(max_workers=2), handlers=[Service()])
    inner = str(folder / "grpc")
    server.add_insecure_port(f"unix:{inner}")
    server.start()

    def connect() -> Stream:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(inner)
        return DescriptorStream.of_socket(connection)

    with serving(folder, lambda stream: run(Pump(stream, GuestSession(), connect))) as path:
        yield path
    server.stop(None).wait()


def run(pump: Pump) -> None:
    try:
        pump.run(time.monotonic() + 30)
    finally:
        pump.close()


@contextlib.contextmanager
def serving(folder: Path, serve: Callable[[DescriptorStream], None]) -> Iterator[str]:
    """Hand one connection to ``serve``."""
    path = str(folder / "port")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)

    def accept() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            stream = DescriptorStream.of_socket(connection)
            with contextlib.closing(stream):
                serve(stream)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield path
    finally:
        listener.close()
        thread.join()


def ask(path: str, seconds: float = 10.0) -> Observation:
    stream = SocketStream.connect(path)
    try:
        answer = guest_link.ask(stream, time.monotonic() + seconds)
        return decode(answer.report, answer.nonce, answer.seconds, time.time())
    finally:
        stream.close()


def report_for(raw: bytes) -> guest_pb2.Report:
    return guest_pb2.Report(
        nonce=guest_pb2.GetReportRequest.FromString(raw).nonce, agent_version="0.1.0"
    )


def test_a_right_answer_is_taken(tmp_path: Path) -> None:
    with scripted(tmp_path, lambda raw, _: report_for(raw).SerializeToString()) as path:
        assert ask(path).agent_version == "0.1.0"


def test_another_nonce_is_refused(tmp_path: Path) -> None:
    answer = guest_pb2.Report(nonce=b"x" * 32).SerializeToString()
    with (
        scripted(tmp_path, lambda raw, _: answer) as path,
        pytest.raises(DecodeError, match="another nonce"),
    ):
        ask(path)


def large(size: int) -> Handler:
    def answer(raw: bytes, _: grpc.ServicerContext) -> bytes:
        report = report_for(raw)
        report.smbios_booted.tables = b"x" * size
        return report.SerializeToString()

    return answer


@pytest.mark.parametrize("size", [1024 * 1024, 8 * 1024 * 1024])
def test_more_than_a_mebibyte_is_refused(tmp_path: Path, size: int) -> None:
    with (
        scripted(tmp_path, large(size)) as path,
        pytest.raises(guest_link.RefusedError, match=r"more than 1048576|too much"),
    ):
        ask(path)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x12\x03\xff\xfe\xfd",  # agent_version, not UTF-8
        b"\x5a\x05\x12\x03\xc3\x28\xa0",  # dmi.system_manufacturer, not UTF-8
        b"\xff\xff\xff\xff",
        b"\x0a\x7f",
        b"<html>",
    ],
)
def test_bytes_that_are_no_report_are_refused(tmp_path: Path, raw: bytes) -> None:
    with (
        scripted(tmp_path, lambda *_: raw) as path,
        pytest.raises(guest_link.RefusedError, match="no valid report"),
    ):
        ask(path)


def test_an_empty_answer_is_refused(tmp_path: Path) -> None:
    with scripted(tmp_path, lambda *_: b"") as path, pytest.raises(DecodeError):
        ask(path)


def test_terminal_escapes_are_escaped(tmp_path: Path) -> None:
    escape = "\x1b]0;owned\x07\x1b[2J\u202eevil"

    def answer(raw: bytes, _: grpc.ServicerContext) -> bytes:
        report = report_for(raw)
        report.agent_version = escape
        report.boot.kernel_release = escape
        report.dmi.system_product = escape
        report.absences.add(group=guest_pb2.EVIDENCE_GROUP_SMBIOS_LIVE, detail=escape)
        return report.SerializeToString()

    with scripted(tmp_path, answer) as path:
        observation = ask(path)
    assert isinstance(observation.dmi, Named)
    assert isinstance(observation.live, Missing)
    for text in (
        observation.agent_version,
        observation.kernel,
        observation.dmi.product,
        observation.live.sentence,
    ):
        assert text is not None
        assert text.isprintable()
        assert "owned" in text


def test_tables_that_are_none_are_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    def answer(raw: bytes, _: grpc.ServicerContext) -> bytes:
        report = report_for(raw)
        report.smbios_booted.tables = b"\x01\xff" * 1000
        report.dmi.system_version = "pc-q35-7.2"
        return report.SerializeToString()

    with scripted(tmp_path, answer) as path:
        observation = ask(path)
    assert isinstance(observation.booted, Missing)
    assert observation.booted.reason is Reason.REFUSED
    assert isinstance(observation.dmi, Named)
    assert observation.dmi.version == "pc-q35-7.2"


def test_a_handler_that_hangs_costs_its_deadline_only(tmp_path: Path) -> None:
    over = threading.Event()

    def hang(raw: bytes, _: grpc.ServicerContext) -> bytes:
        over.wait(30)
        return b""

    with scripted(tmp_path, hang) as path:
        with pytest.raises(guest_link.SilentError) as caught:
            ask(path, seconds=0.7)
        assert caught.value.acknowledged
        over.set()


@pytest.mark.parametrize("code", [grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT])
def test_a_refusal_is_told_in_the_guests_escaped_words(
    tmp_path: Path, code: grpc.StatusCode
) -> None:
    def refuse(raw: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(code, "no \x1b[31mred")
        raise AssertionError

    with (
        scripted(tmp_path, refuse) as path,
        pytest.raises(guest_link.RefusedError, match=rf"{code.name}.*no \\x1b\[31mred"),
    ):
        ask(path)


def flood_of_noise(stream: DescriptorStream) -> None:
    noise = b"\xabSM" * 10_000
    until = time.monotonic() + 20
    while time.monotonic() < until and stream.write(noise) is not None:
        pass


def flood_of_acknowledgements(stream: DescriptorStream) -> None:
    session = 1
    until = time.monotonic() + 20
    while time.monotonic() < until:
        data = stream.read()
        if data and len(data) >= 16:
            session = int.from_bytes(data[8:16], "big")
        if stream.write(Frame(FrameType.ACK, session).encode() * 1000) is None:
            return


@pytest.mark.parametrize("flood", [flood_of_noise, flood_of_acknowledgements])
def test_a_flood_is_cut_off(tmp_path: Path, flood: Callable[[DescriptorStream], None]) -> None:
    with (
        serving(tmp_path, flood) as path,
        pytest.raises(guest_link.RefusedError, match="sent too much"),
    ):
        ask(path)


def test_silence_costs_its_deadline_only(tmp_path: Path) -> None:
    with serving(tmp_path, lambda stream: time.sleep(1.0)) as path:
        with pytest.raises(guest_link.SilentError) as caught:
            ask(path, seconds=0.5)
        assert not caught.value.acknowledged


def test_a_channel_that_closes_is_said(tmp_path: Path) -> None:
    with (
        serving(tmp_path, lambda stream: None) as path,
        pytest.raises(guest_link.ClosedError, match="closed"),
    ):
        ask(path)
