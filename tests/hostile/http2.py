"""HTTP/2 by hand (RFC 9113), for answers that no gRPC server gives: harmless ones, but wrong."""

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from samemachine.v1 import guest_pb2

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1

Answer = Callable[[bytes], bytes]
"""The nonce of the request → the frames of the answer, on stream 1."""


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def headers(fields: dict[str, str], *, end: bool = False) -> bytes:
    """A block of literal fields, nothing of it indexed or Huffman-coded (RFC 7541, 6.2.2)."""
    block = b"".join(
        b"\0" + _text(name.encode()) + _text(value.encode()) for name, value in fields.items()
    )
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), 1, block)


def _text(raw: bytes) -> bytes:
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    number, rest = len(raw) - 127, bytearray()
    while number >= 128:
        rest.append(number & 127 | 128)
        number >>= 7
    return b"\x7f" + bytes([*rest, number]) + raw


BEGIN = {":status": "200", "content-type": "application/grpc"}


def message(raw: bytes, *, flag: int = 0) -> bytes:
    """A gRPC message in frames (gRPC over HTTP/2, "Length-Prefixed-Message")."""
    body = bytes([flag]) + len(raw).to_bytes(4, "big") + raw
    return b"".join(frame(DATA, 0, 1, body[at : at + 16000]) for at in range(0, len(body), 16000))


def said(nonce: bytes) -> bytes:
    return guest_pb2.Report(nonce=nonce, agent_version="0.1.0").SerializeToString()


def without_a_message(nonce: bytes) -> bytes:
    return headers({**BEGIN, "grpc-status": "0"}, end=True)


def without_a_message_in_two(nonce: bytes) -> bytes:
    return headers(BEGIN) + headers({"grpc-status": "0"}, end=True)


def of_an_unknown_flag(nonce: bytes) -> bytes:
    done = headers({"grpc-status": "0"}, end=True)
    return headers(BEGIN) + message(said(nonce), flag=7) + done


def compressed(nonce: bytes) -> bytes:
    """A message of a few hundred bytes that says so of itself, by a word that it may not use."""
    begin, done = (
        headers({**BEGIN, "grpc-encoding": "gzip"}),
        headers({"grpc-status": "0"}, end=True),
    )
    return begin + message(gzip.compress(said(nonce)), flag=1) + done


def in_an_unknown_encoding(nonce: bytes) -> bytes:
    begin, done = (
        headers({**BEGIN, "grpc-encoding": "zip"}),
        headers({"grpc-status": "0"}, end=True),
    )
    return begin + message(said(nonce), flag=1) + done


def twice(nonce: bytes) -> bytes:
    done = headers({"grpc-status": "0"}, end=True)
    return headers(BEGIN) + message(said(nonce)) * 2 + done


def with_a_long_word(nonce: bytes) -> bytes:
    """More metadata than is taken."""
    told = {"grpc-status": "13", "grpc-message": "%1b[31m" * 4000}
    return headers(BEGIN) + _in_parts(told)


def _in_parts(fields: dict[str, str]) -> bytes:
    whole = headers(fields, end=True)[9:]
    parts = [whole[at : at + 16000] for at in range(0, len(whole), 16000)]
    kinds = [HEADERS, *[9] * (len(parts) - 1)]
    return b"".join(
        frame(kind, (END_STREAM if kind == HEADERS else 0) | (END_HEADERS if last else 0), 1, part)
        for kind, part, last in zip(kinds, parts, [False] * (len(parts) - 1) + [True], strict=True)
    )


def of_another_service(nonce: bytes) -> bytes:
    return headers({":status": "404", "content-type": "text/html"}, end=True)


ANSWERS: tuple[Answer, ...] = (
    without_a_message, without_a_message_in_two, of_an_unknown_flag, compressed,
    in_an_unknown_encoding, twice, with_a_long_word, of_another_service,
)  # fmt: skip


@contextlib.contextmanager
def server(path: Path, answer: Answer) -> Iterator[None]:
    """Serve gRPC's end with this answer to whatever is asked."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    _converse(connection, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _converse(connection: socket.socket, answer: Answer) -> None:
    connection.settimeout(20)
    with connection.makefile("rb") as stream:
        assert stream.read(len(_PREFACE)) == _PREFACE
        connection.sendall(frame(SETTINGS, 0, 0))
        body = b""
        while head := stream.read(9):
            size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
            payload = stream.read(size)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                connection.sendall(frame(PING, ACK, 0, payload))
            elif kind == DATA:
                body += payload
            if kind in {DATA, HEADERS} and flags & END_STREAM:
                nonce = guest_pb2.GetReportRequest.FromString(body[5:]).nonce
                connection.sendall(answer(nonce))
                body = b""
