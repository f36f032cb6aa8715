"""Asks a guest agent over a connected stream: gRPC, and the only place that imports it.

gRPC speaks to a unix socket in a folder that no other user may enter (an abstract one anybody may
connect to, unix(7)); the pump joins it to the stream.
The peer is untrusted, so everything is bounded: bytes by the pump and by gRPC's options, time by
the caller's deadline.
"""

import contextlib
import os
import secrets
import shutil
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a guest could fill a log at will

import grpc

from host_agent.evidence import report_bounds
from host_agent.printable import printable
from samemachine.pump import BudgetError, DescriptorStream, Pump
from samemachine.session import HostSession
from samemachine.stream import Stream
from samemachine.v1 import guest_pb2

NONCE_BYTES = 32
_METHOD = "/samemachine.v1.GuestAgent/GetReport"
_BUDGET = report_bounds.MAX_REPORT * 3 // 2
_RETRY_AFTER = (0.1, 0.2, 0.5, 1.0)
"""Seconds before the second session, the third …: one is cheap to end, and not to begin."""
_ACCEPT_SECONDS = 2.0

# What bounds a peer, from gRPC 1.51 to 1.85 (include/grpc/impl/channel_arg_names.h); one that a
# version does not know yet it ignores. Which others there are, and why none of them is set:
# tests/hostile/test_grpc_limits.py.
OPTIONS = (
    ("grpc.max_receive_message_length", report_bounds.MAX_REPORT),
    ("grpc.max_send_message_length", 4096),
    # Below the first a peer is told, above the second (from 1.54) it is refused.
    ("grpc.max_metadata_size", 8192),
    ("grpc.absolute_max_metadata_size", 16384),
    # Bit 0, no compression, and no other: what is compressed grows while it is read, and older
    # versions look at its size only then.
    ("grpc.compression_enabled_algorithms_bitset", 1),
    ("grpc.default_compression_algorithm", 0),
    # Of HTTP/2: frames, the table of headers, what a peer may send ahead, and no growing of that.
    ("grpc.http2.max_frame_size", 16384),
    ("grpc.http2.hpack_table_size.decoder", 4096),
    ("grpc.http2.lookahead_bytes", 65536),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.write_buffer_size", 65536),
    # Buffers of its end of the socket.
    ("grpc.experimental.tcp_read_chunk_size", 8192),
    ("grpc.experimental.tcp_min_read_chunk_size", 256),
    ("grpc.experimental.tcp_max_read_chunk_size", 65536),
    ("grpc.experimental.tcp_max_read_buffer_size", 65536),
    # One call: nothing is tried again, kept for that, traced, or shared with another call.
    ("grpc.enable_retries", 0),
    ("grpc.per_rpc_retry_buffer_size", 0),
    ("grpc.enable_channelz", 0),
    ("grpc.max_channel_trace_event_memory_per_node", 0),
    ("grpc.use_local_subchannel_pool", 1),
    # Nobody but the caller says where the call goes, and how.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
)


_ENDED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.ABORTED,
}
"""A server in the guest that ends answers so what it is asked: another one comes."""
_LIMIT = "Concurrent RPC limit exceeded"
"""What grpcio says in the guest while it works on calls that were given up (``_server.py``)."""


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
class Reply:
    """A report as it came, the nonce it was asked with, and how long it took."""

    report: guest_pb2.Report
    nonce: bytes
    seconds: float


def ask(stream: Stream, deadline: float) -> Reply:
    """Ask for a report until there is an answer or ``deadline`` (``time.monotonic``) is past.

    A session that the guest ends (its agent was restarted, bytes were lost) is followed by a new
    one; what is taken from the guest is bounded for all of them together. Raises ``SilentError``,
    ``ClosedError`` or ``RefusedError``. The stream stays open.
    """
    started = time.monotonic()
    acknowledged = False
    budget = _BUDGET
    for pause in chain(_RETRY_AFTER, repeat(_RETRY_AFTER[-1])):
        attempt = _Attempt(stream, deadline, budget)
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            report = attempt.call(nonce)
        except _AgainError as error:
            acknowledged = acknowledged or attempt.acknowledged
            if time.monotonic() + pause >= deadline:
                raise SilentError(str(error), acknowledged=acknowledged) from error
            budget -= attempt.received
            time.sleep(pause)
            continue
        return Reply(report=report, nonce=nonce, seconds=time.monotonic() - started)
    raise AssertionError  # there is always another pause


class _AgainError(Exception):
    """This session is over without an answer; another one may get it."""


class _Attempt:
    """One session with one call in it."""

    def __init__(self, stream: Stream, deadline: float, budget: int) -> None:
        self._deadline = deadline
        self._session = HostSession(secrets.randbits(63) + 1, time.monotonic())
        self._door = Door()
        self._pump = Pump(stream, self._session, self._accept, budget=max(0, budget))
        self._stop = threading.Event()
        self._error: BaseException | None = None

    @property
    def acknowledged(self) -> bool:
        return self._session.acknowledged

    @property
    def received(self) -> int:
        """Bytes that came from the guest."""
        return self._pump.received

    def call(self, nonce: bytes) -> guest_pb2.Report:
        thread = threading.Thread(target=self._carry, name="guest-link", daemon=True)
        thread.start()
        try:
            raw = self._rpc(nonce)
        finally:
            self._stop.set()
            thread.join()
            self._pump.close()
            self._door.close()
        try:
            return report_bounds.parse(raw)
        except report_bounds.BoundsError as error:
            raise RefusedError(f"sent no valid report: {error}") from error

    def _rpc(self, nonce: bytes) -> bytes:
        with _closing(grpc.insecure_channel(f"unix:{self._door.path}", OPTIONS)) as channel:
            # Without a deserializer: text that is not UTF-8 must not become an entry in a log.
            method = channel.unary_unary(
                _METHOD,
                request_serializer=guest_pb2.GetReportRequest.SerializeToString,
                response_deserializer=None,
            )
            request = guest_pb2.GetReportRequest(nonce=nonce)
            try:
                answer = method(request, timeout=max(0.0, self._deadline - time.monotonic()))
            except grpc.RpcError as error:
                raise self._meaning(error) from error
            if answer is None:
                # A status OK without a message, or one that gRPC could not read.
                raise RefusedError("said that all went well, and sent no report")
            return bytes(answer)

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
        if code in _ENDED:
            return _AgainError(f"the session ended without a report: {self._pump.ended or details}")
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            if details.startswith(_LIMIT):
                return _AgainError("the guest agent is still busy with an earlier question")
            return RefusedError(
                f"sent more than {report_bounds.MAX_REPORT} bytes, or could not: {details}"
            )
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
        self._door.shut()

    def _accept(self) -> Stream | None:
        return self._door.accept(min(self._deadline, time.monotonic() + _ACCEPT_SECONDS))


class Door:
    """Where gRPC of this process connects, once; gone as soon as it has."""

    def __init__(self) -> None:
        """Raise ``ClosedError`` where no folder for it can be made."""
        try:
            # Mode 0700.
            self._folder = tempfile.mkdtemp(prefix="samemachine-link-")
        except OSError as error:
            raise ClosedError(f"there is no place for a socket: {error.strerror}") from error
        # A path by descriptor is short enough for a socket's address, wherever the folder is.
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.path = f"/proc/self/fd/{self._descriptor}/grpc"
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(self.path)
            self._listener.listen(4)
        except OSError as error:
            self.close()
            raise ClosedError(f"there is no socket for gRPC: {error.strerror}") from error

    def accept(self, until: float) -> Stream | None:
        """Take gRPC's connection; root may connect as well, so look who it is."""
        while (left := until - time.monotonic()) > 0:
            self._listener.settimeout(left)
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return None
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            if struct.unpack("3i", credentials)[0] == os.getpid():
                # Whoever kills us from here on leaves nothing behind.
                shutil.rmtree(self._folder, ignore_errors=True)
                return DescriptorStream.of_socket(connection)
            connection.close()
        return None

    def shut(self) -> None:
        """Take no more connections; those that wait are refused."""
        self._listener.close()

    def close(self) -> None:
        """Remove all of it; once, after which nothing else of it may be called."""
        self._listener.close()
        os.close(self._descriptor)
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def _closing(channel: grpc.Channel) -> Iterator[grpc.Channel]:
    try:
        yield channel
    finally:
        channel.close()
