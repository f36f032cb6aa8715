"""What one guest can do to the others of its host: nothing.

Twenty honest guests and one that is not, all asked by one process over their channels' sockets,
with the oldest gRPC that is supported and with the newest. The honest ones are verified as if they
were alone; the attack has its own result; the process stays small and its page can be read.
"""

import contextlib
import select
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from samemachine.pump import DescriptorStream
from samemachine.session import HEADER, MAGIC, MAX_PAYLOAD, VERSION, Frame, FrameType
from samemachine.v1 import guest_pb2
from tests.hostile import http2
from tests.hostile.guests import (
    HONEST,
    OLDEST,
    Audit,
    Guest,
    Serve,
    answer,
    audit,
    by_hand,
    honest,
    raw,
    reporting,
    saying,
)
from tests.hostile.large_reports import FILLS, Fill
from tests.unit.host_agent.evidence.test_report_bounds import many

NUMBER = 99
"""The attacker's."""
MEMORY = 60 * 1024
"""KiB that an attack may add."""
ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202eevil\u2028\x9b31m"
SHORT = 3.0
"""Seconds for one that never answers."""


@pytest.fixture(scope="module", params=["oldest", "newest"])
def version(request: pytest.FixtureRequest) -> str:
    if request.param == "oldest" and not OLDEST.exists():
        pytest.skip("there is no .venv-oldest: make venv")
    return str(request.param)


@pytest.fixture(scope="module")
def alone(version: str, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The honest ones among themselves."""
    folder = tmp_path_factory.mktemp("alone")
    return audit(folder, [honest(number) for number in range(HONEST)], oldest=version == "oldest")


def test_the_honest_ones_are_verified(alone: Audit, version: str) -> None:
    assert [one["verdict"] for one in alone.results.values()] == ["verified"] * HONEST
    assert (alone.grpc == "1.51.1") is (version == "oldest")


# Reports, by a real gRPC server.


def long_strings(found: guest_pb2.Report) -> None:
    for text in ("agent_version",):
        setattr(found, text, "x" * 100_000)
    found.boot.kernel_release = "y" * 300_000
    found.dmi.system_product = "z" * 400_000


def escapes(found: guest_pb2.Report) -> None:
    found.agent_version = found.boot.kernel_release = ESCAPES
    for field in found.dmi.DESCRIPTOR.fields:
        if field.name.startswith(("system", "chassis", "bios")):
            setattr(found.dmi, field.name, ESCAPES)
    found.platform.sysinfo[ESCAPES] = ESCAPES
    found.block.devices.add(serial=ESCAPES, name=ESCAPES, parent=ESCAPES)
    found.network.interfaces.add(mac=ESCAPES, name=ESCAPES, parent=ESCAPES)
    found.absences.add(group=guest_pb2.EVIDENCE_GROUP_SMBIOS_LIVE, detail=ESCAPES)


def many_short_names(found: guest_pb2.Report) -> None:
    """Four thousand disks with two names each, and a string in which most of them stand."""
    del found.block.devices[:]
    for at in range(4096):
        found.block.devices.add(
            serial=f"{at:04}", wwn=f"{at:05}", parent="0000:00:05.0", name=f"sd{at}", unit=f"{at}"
        )
    found.dmi.system_product = " ".join(f"{at:04}" for at in range(4096))


def changed(fill: Fill) -> Guest:
    """A guest that reports the largest there is, and of that nothing as it was."""

    def change(mark: str) -> Callable[[guest_pb2.Report], None]:
        return lambda found: fill(found, 4096, mark)

    before = answer(NUMBER)
    change("a")(before)
    return reporting(
        f"large-{fill.__name__}", NUMBER, change("b"), before=before.SerializeToString()
    )


def wire(name: str, number: int, after: bytes) -> Guest:
    """A guest that answers with bytes of its own after a right report's."""

    def handle(request: bytes, _: grpc.ServicerContext) -> bytes:
        nonce = guest_pb2.GetReportRequest.FromString(request).nonce
        return answer(number, nonce).SerializeToString() + after

    return saying(name, number, handle)


EMPTY = many("pci", "functions", 500_000)


def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.INTERNAL, ESCAPES * 100)
    raise AssertionError


# The bare channel.


def session_of(stream: DescriptorStream) -> int:
    """Wait for what the host sends, and return the session that it names; 0: it hung up."""
    while True:
        select.select([stream.fileno()], [], [])
        data = stream.read()
        if data is not None:
            return int.from_bytes(data[8:16], "big")


def write(stream: DescriptorStream, data: bytes) -> None:
    """Write all of it, as far as it is taken; the host may hang up."""
    at = 0
    while at < len(data):
        select.select([], [stream.fileno()], [])
        written = stream.write(data[at : at + 32768])
        if written is None:
            return
        at += written


def noise(stream: DescriptorStream) -> None:
    write(stream, b"\xabSM" * 1_000_000)


def acknowledging(stream: DescriptorStream) -> None:
    write(stream, Frame(FrameType.ACK, session_of(stream)).encode() * 100_000)


def overlapping(stream: DescriptorStream) -> None:
    header = HEADER.pack(MAGIC, FrameType.DATA, VERSION, 0, 1, MAX_PAYLOAD, 1)
    write(stream, header * 100_000)


def resetting(stream: DescriptorStream) -> None:
    """Take each session, and end it at once."""
    while session := session_of(stream):
        write(stream, Frame(FrameType.ACK, session).encode())
        write(stream, Frame(FrameType.RST, session).encode())


def silent(stream: DescriptorStream) -> None:
    while session_of(stream):
        pass


def taking(stream: DescriptorStream) -> None:
    """Take the session, and say no more."""
    write(stream, Frame(FrameType.ACK, session_of(stream)).encode())
    silent(stream)


ATTACKS: tuple[tuple[Guest, str], ...] = (
    *((by_hand(f"http2-{one.__name__}", NUMBER, one), "unverified") for one in http2.ANSWERS),
    (reporting("long-strings", NUMBER, long_strings), "mismatch"),
    (reporting("escapes", NUMBER, escapes), "mismatch"),
    (reporting("short-names", NUMBER, many_short_names), "mismatch"),
    *((changed(fill), "") for fill in FILLS),
    (wire("empty-messages", NUMBER, EMPTY), "unverified"),
    (wire("unknown-fields", NUMBER, b"\xf8\x3f\x01" * 300_000), "unverified"),
    (wire("no-form", NUMBER, b"\xff" * 40), "unverified"),
    (saying("another-nonce", NUMBER, lambda *_: answer(NUMBER, b"x" * 32).SerializeToString()),
     "unverified"),
    (saying("too-much", NUMBER, lambda *_: bytes(1 << 20)), "unverified"),
    (saying("refusing", NUMBER, refuse), "unverified"),
    (raw("noise", NUMBER, noise), "unverified"),
    (raw("acknowledging", NUMBER, acknowledging), "unverified"),
    (raw("overlapping", NUMBER, overlapping), "unverified"),
    (raw("resetting", NUMBER, resetting, SHORT), "unverified"),
    (raw("silent", NUMBER, silent, SHORT), "unverified"),
    (raw("taking", NUMBER, taking, SHORT), "unverified"),
)  # fmt: skip


@pytest.mark.parametrize(("attacker", "verdict"), ATTACKS, ids=[guest.name for guest, _ in ATTACKS])
def test_an_attack_is_its_own_result(
    attacker: Guest, verdict: str, alone: Audit, version: str, tmp_path: Path
) -> None:
    guests = [attacker, *(honest(number) for number in range(HONEST))]
    seen = audit(tmp_path, guests, oldest=version == "oldest")
    for name, result in alone.results.items():
        assert seen.results[name] == result
    mine = seen.results[attacker.name]
    if verdict:
        assert mine["verdict"] == verdict, mine
    assert "Traceback" not in seen.page + seen.errors
    # What a guest may send is foreseen: the guard around each domain is for what is not.
    assert "fault of samemachine" not in seen.page
    assert seen.errors == ""
    assert all(character.isprintable() or character == "\n" for character in seen.page)
    assert len(seen.page) < len(alone.page) + 60_000
    assert seen.memory < alone.memory + MEMORY


LONG = 240.0
"""Seconds that a guest has which is not waited for so long."""


def holding(answered: threading.Semaphore, *, takes: bool) -> Serve:
    """A guest that keeps its place until the honest ones have answered, and then hangs up."""

    def hold(stream: DescriptorStream) -> None:
        session = session_of(stream)
        if takes:
            write(stream, Frame(FrameType.ACK, session).encode())
        for _ in range(HONEST):
            answered.acquire()

    return hold


def counted(guest: Guest, answered: threading.Semaphore) -> Guest:
    """The guest, which says when its host has hung up."""

    @contextlib.contextmanager
    def serve(folder: Path) -> Iterator[Serve]:
        with guest.serve(folder) as inner:

            def served(stream: DescriptorStream) -> None:
                inner(stream)
                answered.release()

            yield served

    return replace(guest, serve=serve)


@pytest.mark.parametrize("takes", [False, True], ids=["silent", "taking"])
def test_nobody_waits_for_one_that_never_answers(
    takes: bool, alone: Audit, version: str, tmp_path: Path
) -> None:
    """Told by order, not by seconds: the attacker goes on until all others were answered."""
    answered = threading.Semaphore(0)
    attacker = raw("holding", NUMBER, holding(answered, takes=takes), LONG)
    others = [counted(honest(number), answered) for number in range(HONEST)]
    seen = audit(tmp_path, [attacker, *others], oldest=version == "oldest")
    assert sorted(seen.order) == sorted([*alone.order, "holding"])
    # It hung up, which it does when all others were answered, before its own time was over.
    assert "channel was closed before" in seen.results["holding"]["why"]
    for name, result in alone.results.items():
        assert seen.results[name] == result
