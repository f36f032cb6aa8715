"""Session frames: one HTTP/2 connection at a time over a byte stream that has no connections.

A virtio-serial port is such a stream: bytes of a caller that died reach the next one, bytes that
were written while the other end was away are gone, and a live migration may exchange the peer
without an event (Linux ``drivers/char/virtio_console.c``, QEMU ``hw/char/virtio-serial-bus.c``). So
every byte travels in a frame that names its session, and **only the host names sessions**::

    magic 4 | type 1 | version 1 | sequence 2 | session 8 | length 4 | crc32 4 | payload

All integers are big-endian; the CRC covers the header before it and the payload. The sequence
counts the DATA frames of one direction of one session, modulo 65536, so that a lost frame is
noticed and never becomes a wrong answer.

======  ============  ===========================================================================
SYN     host → guest  a new session; repeated until it is acknowledged
ACK     guest → host  the answer to every SYN; the guest drops what an earlier session left
DATA    both          bytes of the session's HTTP/2 connection; of another session: dropped
RST     guest → host  the session (0: whatever session) is over: start a new one
FIN     host → guest  the session is done
======  ============  ===========================================================================

Everything here is pure: bytes and a clock's reading come in, frames and events go out. It stays in
memory in every guest, so it needs neither ``typing`` nor ``dataclasses``, which are larger than it.
"""

import struct
import zlib
from enum import IntEnum

MAGIC = b"\xabSM\xba"
VERSION = 1
MAX_PAYLOAD = 16384
HEADER = struct.Struct(">4sBBHQLL")
_CRC_AT = HEADER.size - 4
_SEQUENCES = 1 << 16

_RESCANS = 16 * MAX_PAYLOAD
"""Bytes that may be looked at again because a header's checksum was wrong."""

STALLED_AFTER = 1.0
"""Seconds after which a frame that is still incomplete is taken for a cut one."""

SYN_INTERVAL_FIRST = 0.2
SYN_INTERVAL_LAST = 2.0
"""Seconds between two SYN frames; the interval doubles from the first to the last."""


class FrameType(IntEnum):
    """The kinds of frame; the numbers are for ever."""

    SYN = 1
    ACK = 2
    DATA = 3
    RST = 4
    FIN = 5


class _Fact:
    """What its slots say, and no more: equal where they are."""

    __slots__: "tuple[str, ...]" = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({values})"


class Frame(_Fact):
    """One frame as it came or goes."""

    __slots__ = ("payload", "sequence", "session", "type")

    def __init__(
        self,
        type: FrameType,  # noqa: A002 - as a frame calls it
        session: int,
        sequence: int = 0,
        payload: bytes = b"",
    ) -> None:
        self.type = type
        self.session = session
        self.sequence = sequence
        self.payload = payload

    def encode(self) -> bytes:
        """Return the frame's bytes; the payload must not be longer than ``MAX_PAYLOAD``."""
        if len(self.payload) > MAX_PAYLOAD:
            raise ValueError(f"payload of {len(self.payload)} bytes, at most {MAX_PAYLOAD} fit")
        header = HEADER.pack(
            MAGIC, self.type, VERSION, self.sequence, self.session, len(self.payload), 0
        )
        crc = zlib.crc32(self.payload, zlib.crc32(header[:_CRC_AT]))
        return header[:_CRC_AT] + crc.to_bytes(4, "big") + self.payload


class FrameParser:
    """Finds the frames in a stream that may hold garbage, cut frames and stale bytes.

    Whatever comes, the buffer holds at most one whole frame and what one ``feed`` brought, and the
    work grows with what came: headers may be written so that each claims the bytes of the next
    ones, so after ``_RESCANS`` bytes of frames that were none, more than came since, the bytes that
    such a header claims are skipped with it.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._credit = _RESCANS
        self.checked = 0
        """Bytes over which a checksum was computed, for whoever counts the work."""
        self._incomplete_since: float | None = None

    def feed(self, data: bytes, now: float) -> list[Frame]:
        """Return the frames that are whole after ``data`` arrived at ``now`` (seconds)."""
        if data:
            self._buffer += data
            self._credit = min(_RESCANS, self._credit + len(data))
        frames: list[Frame] = []
        while True:
            found = self._next(now)
            if found is None:
                return frames
            frames.append(found)

    @property
    def stalls_at(self) -> "float | None":
        """When to call ``feed(b"", now)`` because an incomplete frame is then taken for cut."""
        if self._incomplete_since is None:
            return None
        return self._incomplete_since + STALLED_AFTER

    def _next(self, now: float) -> "Frame | None":
        buffer = self._buffer
        position = 0
        while True:
            start = buffer.find(MAGIC, position)
            if start < 0:
                # The magic itself may be cut by the end of what has come so far.
                self._discard(max(position, len(buffer) - len(MAGIC) + 1))
                return None
            if start:
                self._incomplete_since = None
            frame, size = self._decode(start)
            if frame is not None:
                self._discard(start + size)
                return frame
            if size < 0:
                self._incomplete_since = None
                position = start - size
                continue
            if size == 0 or (size > len(buffer) - start and self._stalled(start, now)):
                self._incomplete_since = None
                position = start + 1
                continue
            self._discard(start, keep_clock=True)
            if self._incomplete_since is None:
                self._incomplete_since = now
            return None

    def _stalled(self, start: int, now: float) -> bool:
        since = self._incomplete_since
        return start == 0 and since is not None and now - since >= STALLED_AFTER

    def _discard(self, count: int, *, keep_clock: bool = False) -> None:
        del self._buffer[:count]
        if not keep_clock:
            self._incomplete_since = None

    def _decode(self, start: int) -> "tuple[Frame | None, int]":
        """Return the frame at ``start`` and its size.

        No frame and a size of 0: what stands there can never become one; below 0: nor can so many
        bytes be looked at again. No frame and another size: so many bytes are needed to tell.
        """
        buffer = self._buffer
        if len(buffer) - start < HEADER.size:
            return None, HEADER.size
        _, kind, version, sequence, session, length, crc = HEADER.unpack_from(buffer, start)
        if version != VERSION or length > MAX_PAYLOAD or not FrameType.SYN <= kind <= FrameType.FIN:
            return None, 0
        size = HEADER.size + length
        if len(buffer) - start < size:
            return None, size
        payload = bytes(buffer[start + HEADER.size : start + size])
        self.checked += size
        if zlib.crc32(payload, zlib.crc32(bytes(buffer[start : start + _CRC_AT]))) != crc:
            self._credit -= size
            return None, 0 if self._credit > 0 else -size
        return Frame(FrameType(kind), session, sequence, payload), size


class Event(_Fact):
    """What bytes meant for a session."""

    __slots__ = ()


class Opened(Event):
    """A session begins; what an earlier one left is void."""

    __slots__ = ("session",)

    def __init__(self, session: int) -> None:
        self.session = session


class Payload(Event):
    """Bytes of the session's HTTP/2 connection, in order, none missing."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Closed(Event):
    """The session is over; the reason completes the sentence "the session ended because …"."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class _End:
    """What both ends share: the parser, the sequences, the cutting of bytes into frames."""

    def __init__(self) -> None:
        self._parser = FrameParser()
        self._outgoing: list[bytes] = []
        self.session: int | None = None
        self._sent = 0
        self._received = 0

    def take(self) -> bytes:
        """Return the frames to write now, and forget them."""
        taken = b"".join(self._outgoing)
        self._outgoing.clear()
        return taken

    def send(self, data: bytes) -> None:
        """Queue bytes of the open session's HTTP/2 connection."""
        if self.session is None:
            return
        for at in range(0, len(data), MAX_PAYLOAD):
            self._put(FrameType.DATA, self.session, self._sent, data[at : at + MAX_PAYLOAD])
            self._sent = (self._sent + 1) % _SEQUENCES

    def _put(self, kind: FrameType, session: int, sequence: int = 0, data: bytes = b"") -> None:
        self._outgoing.append(Frame(kind, session, sequence, data).encode())

    def _begin(self, session: int) -> None:
        self.session = session
        self._sent = self._received = 0

    def _accept(self, frame: Frame) -> bool:
        """Tell whether a DATA frame of the open session is the next one."""
        if frame.sequence != self._received:
            return False
        self._received = (self._received + 1) % _SEQUENCES
        return True


class HostSession(_End):
    """The host's end of one session. It asks for the session until the guest acknowledges it."""

    def __init__(self, session: int, now: float) -> None:
        super().__init__()
        self.wanted = session
        self.acknowledged = False
        self._interval = SYN_INTERVAL_FIRST
        self._syn_at = now
        self._over = False

    def next_at(self) -> "float | None":
        """When ``tick`` has something to do next; None: nothing is due."""
        due = [self._parser.stalls_at, None if self.acknowledged or self._over else self._syn_at]
        return min((at for at in due if at is not None), default=None)

    def tick(self, now: float) -> list[Event]:
        """Do what is due: repeat the SYN, give a cut frame up."""
        if not self.acknowledged and not self._over and now >= self._syn_at:
            self._put(FrameType.SYN, self.wanted)
            self._syn_at = now + self._interval
            self._interval = min(self._interval * 2, SYN_INTERVAL_LAST)
        return self.receive(b"", now)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Return what the bytes mean for this session; other sessions' frames are dropped."""
        events: list[Event] = []
        for frame in self._parser.feed(data, now):
            if self._over:
                break
            events.extend(self._on(frame, now))
        return events

    def _on(self, frame: Frame, now: float) -> list[Event]:
        if frame.type is FrameType.RST and frame.session in {0, self.wanted}:
            if self.acknowledged:
                return self._end("the guest agent ended it")
            # The agent has just started: ask again at once instead of waiting out the interval.
            self._syn_at = now
        elif frame.session != self.wanted:
            pass
        elif frame.type is FrameType.ACK and not self.acknowledged:
            self.acknowledged = True
            self._begin(self.wanted)
            return [Opened(self.wanted)]
        elif frame.type is FrameType.DATA and self.acknowledged:
            if self._accept(frame):
                return [Payload(frame.payload)]
            return self._end("bytes were lost on the way")
        return []

    def _end(self, reason: str) -> list[Event]:
        self._over = True
        self.session = None
        return [Closed(reason)]

    def inner_closed(self) -> None:
        """Queue a FIN: the caller has what it wanted, or gave up."""
        if not self._over:
            self._over = True
            self.session = None
            self._put(FrameType.FIN, self.wanted)

    def peer_gone(self) -> list[Event]:
        """The stream itself ended."""
        return [] if self._over else self._end("the channel was closed")


class GuestSession(_End):
    """The guest's end: it follows whatever session the host names, one at a time, for ever."""

    def __init__(self) -> None:
        super().__init__()
        # A host that waits for an answer of an earlier agent learns at once that it is gone.
        self._put(FrameType.RST, 0)

    def next_at(self) -> "float | None":
        """When ``tick`` has something to do next; None: nothing is due."""
        return self._parser.stalls_at

    def tick(self, now: float) -> list[Event]:
        """Do what is due: give a cut frame up."""
        return self.receive(b"", now)

    def receive(self, data: bytes, now: float) -> list[Event]:
        """Return what the bytes mean; several sessions may begin and end in them."""
        events: list[Event] = []
        for frame in self._parser.feed(data, now):
            events.extend(self._on(frame))
        return events

    def _on(self, frame: Frame) -> list[Event]:
        mine = self.session is not None and frame.session == self.session
        if frame.type is FrameType.SYN:
            self._put(FrameType.ACK, frame.session)
            if mine:
                return []
            self._begin(frame.session)
            return [Opened(frame.session)]
        if frame.type is FrameType.DATA:
            if mine and self._accept(frame):
                return [Payload(frame.payload)]
            self._put(FrameType.RST, frame.session)
            return self._end("bytes were lost on the way") if mine else []
        if frame.type is FrameType.FIN and mine:
            return self._end("the host agent is done")
        return []

    def _end(self, reason: str) -> list[Event]:
        self.session = None
        return [Closed(reason)]

    def inner_closed(self) -> None:
        """Queue a RST: the gRPC server behind this end closed the connection."""
        if self.session is not None:
            self._put(FrameType.RST, self.session)
            self.session = None

    def peer_gone(self) -> list[Event]:
        """The host end of the port was closed; what it still had to get is void."""
        self._outgoing.clear()
        self._parser = FrameParser()
        return [] if self.session is None else self._end("the host end was closed")
