"""What a guest's load says of a live move. Pure.

The guest tells a peer that does not move, every 20 ms, what its clocks say and what its disk has.
Neither knows when the move is; what the guest could not do shows in what arrived.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

_MS = 1_000_000
"""Nanoseconds in a millisecond."""
_AROUND = 10
"""How many beats on either side tell by how much a clock is off."""

# Run on a host: prints each line that comes over a connection, with the connection's number and
# this host's clocks.
PEER = """
import itertools, socketserver, sys, threading, time
numbers, lock = itertools.count(1), threading.Lock()
class Beats(socketserver.StreamRequestHandler):
    def handle(self):
        number = next(numbers)
        for line in self.rfile:
            now = time.monotonic_ns(), time.time_ns()
            with lock:
                print(line.decode("ascii", "replace").strip(), number, *now, flush=True)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
with Server((sys.argv[1], int(sys.argv[2])), Beats) as server:
    print("listening", flush=True)
    server.serve_forever()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """One line of a guest, as it arrived. All times in nanoseconds."""

    name: str
    number: int
    kept: int
    """The last line of its file that its disk has said to have."""
    guest: int
    """Its monotonic clock."""
    guest_time: int
    """Its realtime clock."""
    connection: int
    here: int
    """The peer's monotonic clock."""
    here_time: int


def beat(line: str) -> Beat | None:
    """Return a line of the peer; None: it is none of a guest."""
    try:
        name, *numbers = line.split()
        number, kept, guest, guest_time, connection, here, here_time = map(int, numbers)
    except ValueError:
        return None
    return Beat(
        name=name,
        number=number,
        kept=kept,
        guest=guest,
        guest_time=guest_time,
        connection=connection,
        here=here,
        here_time=here_time,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What a guest felt of a move."""

    lost: tuple[str, ...]
    """What it lost, in words; empty: nothing."""
    lacking: tuple[str, ...]
    """What can't be told."""
    figures: Mapping[str, float]


def felt(beats: Sequence[Beat], said: Mapping[str, Any] | None) -> Felt:
    """Return what arrived and what the guest said at its end come to. ``said`` None: nothing."""
    lost = [*_of_guest(said or {}), *_of_beats(beats, said)]
    lacking = [] if said is not None else ["the load in the guest did not say what is left of it"]
    if len(beats) < 2 * _AROUND:
        lacking.append(f"only {len(beats)} beats arrived")
        return Felt(lost=tuple(lost), lacking=tuple(lacking), figures={})
    return Felt(lost=tuple(lost), lacking=tuple(lacking), figures=_figures(beats))


def _of_guest(said: Mapping[str, Any]) -> Iterable[str]:
    if said.get("lost_lines"):
        yield f"{said['lost_lines']} of {said['lines']} lines that its disk had taken"
    if said.get("write_error"):
        yield f"its file: {said['write_error']}"
    if said.get("wrong_pages"):
        yield f"{said['wrong_pages']} pages of memory do not hold what was written last"
    if said.get("broken_connections"):
        yield f"its TCP connection, {said['broken_connections']} times"
    if said.get("clock_went_back"):
        yield f"its monotonic clock went back {said['clock_went_back']} times"


def _of_beats(beats: Sequence[Beat], said: Mapping[str, Any] | None) -> Iterable[str]:
    connections = {one.connection for one in beats}
    if len(connections) > 1 and not (said or {}).get("broken_connections"):
        yield f"its TCP connection: {len(connections)} of them arrived"
    if said is not None and beats and said["lines"] < beats[-1].kept:
        yield f"{beats[-1].kept - said['lines']} lines that it had told of"
    sent = (said or {}).get("beats")
    if sent is not None and not said_all(beats, sent) and len(connections) <= 1:
        yield f"{sent - len({one.number for one in beats})} of {sent} lines sent over TCP"


def said_all(beats: Sequence[Beat], sent: int) -> bool:
    """Tell whether each line that was sent has arrived."""
    return len({one.number for one in beats}) >= sent


def _figures(beats: Sequence[Beat]) -> dict[str, float]:
    """Return downtime and the like.

    The longest time that passed here and not in the guest is when it stood still: a guest that is
    merely slow has a clock that goes on.
    """
    steps = [
        (after.here - before.here, after.guest - before.guest, at)
        for at, (before, after) in enumerate(pairwise(beats))
    ]
    gap, own, at = max(steps, key=lambda step: step[0] - step[1])
    before, after = beats[max(0, at + 1 - _AROUND) : at + 1], beats[at + 1 : at + 1 + _AROUND]
    return {
        "silence_ms": gap / _MS,
        "stood_still_ms": (gap - own) / _MS,
        "usual_gap_ms": median(step[0] for step in steps) / _MS,
        "clock_jump_ms": (_offset(after) - _offset(before)) / _MS,
    }


def _offset(beats: Sequence[Beat]) -> float:
    return median(one.guest_time - one.here_time for one in beats)


def report(printed: str) -> Mapping[str, Any] | None:
    """Return what the program in the guest printed at its end; None: it did not."""
    try:
        found = json.loads(printed.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return None
    return found if isinstance(found, dict) else None
