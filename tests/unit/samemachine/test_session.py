"""Session frames: every rule of the module's docstring, and what no stream of bytes may break."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samemachine.session import (
    HEADER,
    MAGIC,
    MAX_PAYLOAD,
    STALLED_AFTER,
    SYN_INTERVAL_FIRST,
    SYN_INTERVAL_LAST,
    VERSION,
    Closed,
    Event,
    Frame,
    FrameParser,
    FrameType,
    GuestSession,
    HostSession,
    Opened,
    Payload,
)

SESSION = 0x1122334455667788
FRAMES = st.builds(
    Frame,
    st.sampled_from(FrameType),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**16 - 1),
    st.binary(max_size=200),
)
# Bytes that look like the beginnings of frames are the hard ones.
GARBAGE = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.just(MAGIC),
        st.builds(lambda frame, at: frame.encode()[:at], FRAMES, st.integers(0, 60)),
    ),
    max_size=5,
).map(b"".join)


def payloads(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Payload))


def talk(host: HostSession, guest: GuestSession, now: float) -> tuple[list[Event], list[Event]]:
    """Carry what both ends have to say until nothing is left."""
    at_host: list[Event] = []
    at_guest: list[Event] = []
    at_host += host.tick(now)
    while True:
        there, back = host.take(), guest.take()
        if not there and not back:
            return at_host, at_guest
        at_guest += guest.receive(there, now)
        at_host += host.receive(back, now)


def opened() -> tuple[HostSession, GuestSession]:
    host, guest = HostSession(SESSION, 0.0), GuestSession()
    at_host, at_guest = talk(host, guest, 0.0)
    assert at_host == at_guest == [Opened(SESSION)]
    return host, guest


def test_a_session_carries_bytes_both_ways() -> None:
    host, guest = opened()
    question, answer = bytes(range(256)) * 200, b"answer" * 9000
    host.send(question)
    assert payloads(guest.receive(host.take(), 1.0)) == question
    guest.send(answer)
    assert payloads(host.receive(guest.take(), 1.0)) == answer


def test_no_frame_is_longer_than_one_write() -> None:
    with pytest.raises(ValueError, match="at most"):
        Frame(FrameType.DATA, 1, 0, b"x" * (MAX_PAYLOAD + 1)).encode()


def test_the_host_repeats_its_syn_ever_more_slowly() -> None:
    host = HostSession(SESSION, 0.0)
    sent, now = [], 0.0
    while now < 12:
        host.tick(now)
        if host.take():
            sent.append(now)
        due = host.next_at()
        assert due is not None
        now = max(due, now)
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert gaps[0] == pytest.approx(SYN_INTERVAL_FIRST)
    assert gaps[-1] == pytest.approx(SYN_INTERVAL_LAST)
    assert gaps == sorted(gaps)


def test_every_syn_is_acknowledged_and_only_a_new_one_opens() -> None:
    guest = GuestSession()
    guest.take()
    syn = Frame(FrameType.SYN, SESSION).encode()
    assert guest.receive(syn * 2, 0.0) == [Opened(SESSION)]
    assert guest.take() == Frame(FrameType.ACK, SESSION).encode() * 2


def test_a_new_session_ends_the_old_one() -> None:
    _, guest = opened()
    assert guest.receive(Frame(FrameType.SYN, 2).encode(), 0.0) == [Opened(2)]
    assert guest.receive(Frame(FrameType.DATA, SESSION, 0, b"old").encode(), 0.0) == []
    assert guest.receive(Frame(FrameType.DATA, 2, 0, b"new").encode(), 0.0) == [Payload(b"new")]


def test_data_of_an_unknown_session_is_answered_with_its_reset() -> None:
    guest = GuestSession()
    guest.take()
    assert guest.receive(Frame(FrameType.DATA, 9, 0, b"x").encode(), 0.0) == []
    assert guest.take() == Frame(FrameType.RST, 9).encode()


def test_a_guest_agent_that_starts_makes_the_host_ask_at_once() -> None:
    host = HostSession(SESSION, 0.0)
    host.tick(0.0)
    host.take()
    assert host.receive(GuestSession().take(), 0.05) == []
    host.tick(0.05)
    assert host.take() == Frame(FrameType.SYN, SESSION).encode()


def test_a_guest_agent_that_starts_ends_an_open_session() -> None:
    host, _ = opened()
    assert host.receive(GuestSession().take(), 1.0) == [Closed("the guest agent ended it")]
    assert host.next_at() is None
    assert host.receive(Frame(FrameType.DATA, SESSION, 0, b"late").encode(), 1.0) == []


@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_frame_closes_the_session(lost: int) -> None:
    host, guest = opened()
    guest.send(b"a" * MAX_PAYLOAD + b"b" * MAX_PAYLOAD + b"c")
    raw = guest.take()
    size = len(Frame(FrameType.DATA, SESSION, 0, b"a" * MAX_PAYLOAD).encode())
    events = host.receive(raw[: lost * size] + raw[(lost + 1) * size :], 1.0)
    assert payloads(events) == b"a" * MAX_PAYLOAD * lost
    assert events[-1] == Closed("bytes were lost on the way")


def test_fin_ends_the_session_at_the_guest() -> None:
    host, guest = opened()
    host.inner_closed()
    assert guest.receive(host.take(), 0.0) == [Closed("the host agent is done")]
    assert guest.session is None


def test_a_grpc_server_that_closes_resets_the_session() -> None:
    host, guest = opened()
    guest.inner_closed()
    assert host.receive(guest.take(), 0.0) == [Closed("the guest agent ended it")]


def test_a_host_end_that_is_gone_voids_what_it_had_to_get() -> None:
    _, guest = opened()
    guest.send(b"never read")
    assert guest.peer_gone() == [Closed("the host end was closed")]
    assert guest.take() == b""
    assert guest.peer_gone() == []


def test_a_channel_that_closes_ends_the_hosts_session() -> None:
    host, _ = opened()
    assert host.peer_gone() == [Closed("the channel was closed")]
    assert host.peer_gone() == []


def test_a_cut_frame_is_given_up_after_a_while() -> None:
    parser = FrameParser()
    cut = Frame(FrameType.DATA, 1, 0, b"x" * 100).encode()[:60]
    syn = Frame(FrameType.SYN, 2)
    assert parser.feed(cut + syn.encode(), 0.0) == []
    assert parser.stalls_at == STALLED_AFTER
    assert parser.feed(b"", STALLED_AFTER) == [syn]
    assert parser.stalls_at is None


def overlapping(number: int) -> bytes:
    """Headers that each claim the bytes of the ones after it, and are no frame."""
    header = HEADER.pack(MAGIC, FrameType.DATA, VERSION, 0, SESSION, MAX_PAYLOAD, 1)
    return header * number


@pytest.mark.parametrize("step", [1000, 32768, 1 << 20])
def test_the_work_grows_with_what_came(step: int) -> None:
    """Where each of 60,000 headers claims 16 KiB, a gigabyte would be looked at."""
    parser, raw, syn = FrameParser(), overlapping(60_000), Frame(FrameType.SYN, 9)
    for at in range(0, len(raw), step):
        assert parser.feed(raw[at : at + step], 0.0) == []
    assert parser.checked < 2 * len(raw) + (1 << 19)
    # What the last header claims hides a frame or two, but not the ones after them.
    assert syn in parser.feed(syn.encode() * 1000, 0.0)


@given(st.lists(st.one_of(FRAMES.map(Frame.encode), st.integers(1, 900).map(overlapping))))
def test_the_work_is_bounded_whatever_comes(parts: list[bytes]) -> None:
    parser = FrameParser()
    for part in parts:
        parser.feed(part, 0.0)
    assert parser.checked <= 3 * sum(map(len, parts)) + (1 << 19)


@given(st.lists(FRAMES, max_size=5), st.data())
def test_however_it_is_split_the_same_frames_come(frames: list[Frame], data: st.DataObject) -> None:
    raw = b"".join(frame.encode() for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    parser, found = FrameParser(), []
    for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += parser.feed(raw[begin:end], 0.0)
    assert found == frames


@given(GARBAGE, FRAMES)
def test_after_any_garbage_the_next_frame_is_found(garbage: bytes, frame: Frame) -> None:
    parser, now = FrameParser(), 0.0
    parser.feed(garbage, now)
    found = parser.feed(frame.encode(), now)
    # Garbage that looks like the beginning of a frame delays, for as many stalls as there are.
    for _ in range(len(garbage) + 2):
        if frame in found:
            break
        now += STALLED_AFTER
        found += parser.feed(b"", now)
    assert frame in found


@given(st.binary(max_size=3000), st.integers(1, 64))
def test_the_buffer_never_holds_more_than_one_frame(noise: bytes, step: int) -> None:
    parser = FrameParser()
    for at in range(0, len(noise), step):
        parser.feed(noise[at : at + step], 0.0)
        assert len(parser._buffer) <= 24 + MAX_PAYLOAD + step


@given(st.binary(min_size=1, max_size=60_000), st.data())
def test_a_flipped_bit_never_gives_wrong_bytes(message: bytes, data: st.DataObject) -> None:
    host, guest = opened()
    guest.send(message)
    raw = bytearray(guest.take())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    events = host.receive(bytes(raw), 0.0) + host.tick(STALLED_AFTER)
    got = payloads(events)
    assert message.startswith(got)
    assert got != message or len(got) == len(message)


@given(st.binary(max_size=40_000), st.data())
def test_a_cut_stream_never_gives_wrong_bytes(message: bytes, data: st.DataObject) -> None:
    """Bytes are lost anywhere, as in a live migration; then the stream goes on."""
    host, guest = opened()
    guest.send(message)
    guest.send(b"the end")
    raw = guest.take()
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, len(raw)))
    events = host.receive(raw[:begin] + raw[end:], 0.0) + host.tick(STALLED_AFTER)
    assert (message + b"the end").startswith(payloads(events))


@given(GARBAGE, st.lists(FRAMES, max_size=4))
def test_after_anything_stale_the_next_session_is_found(garbage: bytes, stale: list[Frame]) -> None:
    guest = GuestSession()
    now = 0.0
    guest.receive(garbage + b"".join(frame.encode() for frame in stale), now)
    guest.take()
    fresh = 2**64 - 5
    host = HostSession(fresh, now)
    for _ in range(40 + len(garbage)):
        host.tick(now)
        guest.tick(now)
        guest.receive(host.take(), now)
        host.receive(guest.take(), now)
        if host.acknowledged:
            break
        due = [at for at in (host.next_at(), guest.next_at()) if at is not None]
        now = max(now, min(due))
    assert host.acknowledged
    assert guest.session == fresh
    host.send(b"question")
    assert payloads(guest.receive(host.take(), now)) == b"question"
