"""Rows ``agent-first`` and ``agent-next``: the guest agent asked, beside a bare gRPC server."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import grpc

from host_agent.guest import link
from host_agent.guest.ways import SocketStream
from samemachine.v1 import guest_pb2
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.processes import BrokenError, bare, environment, in_turn
from tests.bench.resident import resident
from tests.checkout import CHECKOUT

CALLS = 50
_SECONDS = 60
_METHOD = "/samemachine.v1.GuestAgent/GetReport"
_OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))


def measure(bench: Bench) -> Iterator[Figure]:
    """Both, of this machine's own report."""
    env = environment(bench.folder)
    names = (bench.folder / f"{number}.socket" for number in count())
    with resident(next(names), env) as process:
        del process
        size = _ours_once(bench.folder / "0.socket")
    files = bench.folder / "files.json"
    listed = [sys.executable, "-m", "tests.bench.evidence_files"]
    files.write_bytes(
        subprocess.run(listed, env=env, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE).stdout
    )
    bare_server = partial(_server, size=size, files=files, env=env)
    if "agent-first" in bench.chosen:
        yield _figure(
            "agent-first",
            "a guest agent that slept, its first report",
            "a bare gRPC server started, its first answer",
            in_turn(
                lambda: _first_bare(next(names), bare_server),
                lambda: _first_ours(next(names), env),
                bench.rounds(9),
                bench.tell,
            ),
            size,
        )
    if "agent-next" in bench.chosen:
        theirs, ours = next(names), next(names)
        calls = bench.many(CALLS)
        with bare_server(theirs), resident(ours, env):
            _bare_once(theirs)
            _ours_once(ours)
            pairs = in_turn(
                lambda: _median(partial(_bare_once, theirs), calls),
                lambda: _median(partial(_ours_once, ours), calls),
                bench.rounds(9),
                bench.tell,
            )
        yield _figure(
            "agent-next",
            "the same agent's next reports, a session of its own each",
            "a bare gRPC server's next answers, a connection of its own each",
            pairs,
            size,
        )


def _figure(
    row: str, what: str, beside: str, pairs: list[tuple[float, float]], size: int
) -> Figure:
    return Figure(
        row=row,
        what=what,
        beside=f"{beside}; it reads the same files, and answers with {size} bytes",
        judged=Series(unit="s", floor=[a for a, _ in pairs], ours=[b for _, b in pairs]),
        goal=Goal.AT_MOST,
        limit=1.3,
    )


def _median(call: Callable[[], object], calls: int) -> float:
    return statistics.median(_seconds(call) for _ in range(calls))


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _bare_once(socket: Path) -> int:
    request = guest_pb2.GetReportRequest(nonce=b"n" * 32).SerializeToString()
    with grpc.insecure_channel(f"unix:{socket}", _OPTIONS) as channel:
        method = channel.unary_unary(_METHOD, request_serializer=None, response_deserializer=None)
        return len(method(request, timeout=_SECONDS))


def _ours_once(socket: Path) -> int:
    stream = SocketStream.connect(str(socket))
    try:
        return link.ask(stream, time.monotonic() + _SECONDS).report.ByteSize()
    finally:
        stream.close()


def _first_ours(socket: Path, env: Mapping[str, str]) -> float:
    with resident(socket, env):
        return _seconds(lambda: _ours_once(socket))


def _first_bare(socket: Path, server: Callable[[Path], AbstractContextManager[None]]) -> float:
    started = time.perf_counter()
    with server(socket):
        _bare_once(socket)
        return time.perf_counter() - started


@contextmanager
def _server(socket: Path, size: int, files: Path, env: Mapping[str, str]) -> Iterator[None]:
    with subprocess.Popen(
        bare("server", str(socket), str(size), str(files)),
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise BrokenError("the bare gRPC server does not start")
            yield
        finally:
            process.terminate()
