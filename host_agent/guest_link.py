"""Asks a guest agent over a connected stream: gRPC, and the only place that imports it.

gRPC speaks to a unix socket in this process's network namespace; the pump joins it to the stream.
The peer is untrusted, so everything is bounded: bytes by the pump and by gRPC's options, time by
the caller's deadline.
"""

import contextlib
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a guest could fill a log at will

import grpc
from google.protobuf.message import DecodeError as WireError

from host_agent.printable import printable
from samemachine.pump import BudgetError, DescriptorStream, Pump, Stream
from samemachine.session import HostSession
from samemachine.v1 import guest_pb2

MAX_REPORT_BYTES = 1024 * 1024
NONCE_BYTES = 32
_METHOD = "/samemachine.v1.GuestAgent/GetReport"
_BUDGET = MAX_REPORT_BYTES * 3 // 2
_RETRY_AFTER = 0.1
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_REPORT_BYTES),
    ("grpc.max_send_message_length", MAX_REPORT_BYTES),
    ("grpc.max_metadata_size", 8192),
    ("grpc.absolute_max_metadata_size", 16384),
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    # The name in the resolver must not send us to a proxy of the environment.
    ("grpc.enable_http_proxy", 0),
)


class SilentError(Exception):
    """Nobody answered before the deadline; ``acknowledged`` tells whether the session was."""

    def __init__(self, sentence: str, *, acknowledged: bool) -> None:
        super().__init__(sentence)
        self.acknowledged = acknowledged


class ClosedError(Exception):
    """The stream itself ended."""


class RefusedError(Exception):
    """What came is no valid answer; the sentence completes "the guest agent …"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A report as it came, the nonce it was asked with, and how long it took."""

    report: guest_pb2.Report
    nonce: bytes
    seconds: float


def ask(stream: Stream, deadline: float) -> Answer:
    """Ask for a report until there is an answer or ``deadline`` (``time.monotonic``) is past.

    A session that the guest ends (its agent was restarted, bytes were lost) is followed by a new
    one. Raises ``SilentError``, ``ClosedError`` or ``RefusedError``. The stream stays open.
    """
    started = time.monotonic()
    acknowledged = False
    while True:
        attempt = _Attempt(stream, deadline)
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            report = attempt.call(nonce)
        except _AgainError as error:
            acknowledged = acknowledged or attempt.acknowledged
            if time.monotonic() + _RETRY_AFTER >= deadline:
                raise SilentError(str(error), acknowledged=acknowledged) from error
            time.sleep(_RETRY_AFTER)
            continue
        return Answer(report=report, nonce=nonce, seconds=time.monotonic() - started)


class _AgainError(Exception):
    """This session is over without an answer; another one may get it."""


class _Attempt:
    """One session with one call in it."""

    def __init__(self, stream: Stream, deadline: float) -> None:
        self._deadline = deadline
        self._session = HostSession(secrets.randbits(63) + 1, time.monotonic())
        self._listener = _listen()
        self._name = self._listener.getsockname()[1:].decode("ascii")
        self._pump = Pump(stream, self._session, self._accept, budget=_BUDGET)
        self._stop = threading.Event()
        self._error: BaseException | None = None

    @property
    def acknowledged(self) -> bool:
        return self._session.acknowledged

    def call(self, nonce: bytes) -> guest_pb2.Report:
        thread = threading.Thread(target=self._carry, name="guest-link", daemon=True)
        thread.start()
        try:
            raw = self._rpc(nonce)
        finally:
            self._stop.set()
            thread.join()
            self._pump.close()
            self._listener.close()
        try:
            return guest_pb2.Report.FromString(raw)
        except WireError as error:
            raise RefusedError("sent bytes that are no valid report") from error

    def _rpc(self, nonce: bytes) -> bytes:
        target = f"unix-abstract:{self._name}"
        with _closing(grpc.insecure_channel(target, _OPTIONS)) as channel:
            # Without a deserializer: text that is not UTF-8 must not become an entry in a log.
            method = channel.unary_unary(
                _METHOD,
                request_serializer=guest_pb2.GetReportRequest.SerializeToString,
                response_deserializer=None,
            )
            request = guest_pb2.GetReportRequest(nonce=nonce)
            try:
                return bytes(method(request, timeout=max(0.0, self._deadline - time.monotonic())))
            except grpc.RpcError as error:
                raise self._meaning(error) from error

    def _meaning(self, error: Any) -> Exception:
        if isinstance(self._error, BudgetError):
            return RefusedError(f"sent too much: {self._error}")
        if self._error is not None:
            return ClosedError(f"the channel failed: {self._error}")
        code, details = error.code(), printable(str(error.details())[:300])
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return _AgainError(
                "a program in the guest took the session but sent no report in time"
                if self.acknowledged
                else "nobody in the guest answered in time"
            )
        if self._pump.ended == "the channel was closed":
            return ClosedError("the channel was closed")
        if code is grpc.StatusCode.UNAVAILABLE:
            return _AgainError(f"the session ended without a report: {self._pump.ended or details}")
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return RefusedError(f"sent more than {MAX_REPORT_BYTES} bytes, or could not: {details}")
        return RefusedError(f"refused the request: {code.name}: {details}")

    def _carry(self) -> None:
        try:
            while not self._stop.is_set() and self._pump.step(
                min(self._deadline, time.monotonic() + 0.1)
            ):
                pass
            if self._pump.ended is None:
                self._session.inner_closed()
                self._pump.flush()
        except Exception as error:  # noqa: BLE001 - told to the caller, whose call fails by this
            self._error = error
        # gRPC must learn that nothing more comes, whatever the reason was.
        self._pump.close()
        self._listener.close()

    def _accept(self) -> Stream | None:
        """Take gRPC's connection: any local user can connect to an abstract socket, so look who."""
        self._listener.settimeout(2.0)
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return None
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            if struct.unpack("3i", credentials)[0] == os.getpid():
                return DescriptorStream.of_socket(connection)
            connection.close()


def _listen() -> socket.socket:
    """Listen on an abstract unix socket: nothing of it stays behind, however we end (unix(7))."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0samemachine-" + secrets.token_hex(16).encode("ascii"))
    listener.listen(4)
    return listener


@contextlib.contextmanager
def _closing(channel: grpc.Channel) -> Iterator[grpc.Channel]:
    try:
        yield channel
    finally:
        channel.close()
