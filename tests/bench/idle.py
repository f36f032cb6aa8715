"""What a process costs that has nothing to do: memory, threads, wake-ups, CPU; from its /proc."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figure import Figure, Goal, Series
from tests.bench.processes import Tell

_TICKS = os.sysconf("SC_CLK_TCK")
_CALM = 0.02
"""Of a core."""
_LOOK = 3.0
_PATIENCE = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Of all a process's threads."""

    pss: float
    """KiB (smaps_rollup)."""
    threads: int
    wakes: int
    """Voluntary context switches: each is a sleep that ended or will end."""
    cpu: float
    """Seconds."""

    @classmethod
    def of(cls, pid: int) -> "State":
        """Read it."""
        folder = Path(f"/proc/{pid}")
        rollup = _numbers((folder / "smaps_rollup").read_text(encoding="ascii"))
        tasks = [
            _numbers((task / "status").read_text(encoding="utf-8", errors="replace"))
            for task in (folder / "task").iterdir()
        ]
        times = (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return cls(
            pss=rollup["Pss"],
            threads=len(tasks),
            wakes=round(sum(one["voluntary_ctxt_switches"] for one in tasks)),
            cpu=(int(times[11]) + int(times[12])) / _TICKS,
        )


def _numbers(text: str) -> dict[str, float]:
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        word = value.split()[:1]
        if word and word[0].isdigit():
            found[name] = float(word[0])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A row of what is idle: its floor's process, and ours."""

    row: str
    name: str
    beside: str
    floor: int
    ours: int
    memory: tuple[Goal, float]
    threads: tuple[Goal, float] = (Goal.NONE, 0.0)
    started_before: Sequence[tuple[float, float]] = ()
    """The memory of other such pairs, KiB."""


def settled(pid: int, tell: Tell) -> None:
    """Wait until a process has done what it does at its start."""
    end = time.monotonic() + _PATIENCE
    before = State.of(pid).cpu
    while time.monotonic() < end:
        time.sleep(_LOOK)
        now = State.of(pid).cpu
        if now - before <= _CALM * _LOOK:
            return
        tell(f"waiting for process {pid} to be done with its start ({now:.0f} s of CPU)")
        before = now


def watch(pairs: list[Pair], minutes: float, tell: Tell) -> Iterator[Figure]:
    """Look at all pairs twice, so many minutes apart; four figures each."""
    pids = {pid for pair in pairs for pid in (pair.floor, pair.ours)}
    # Once for nothing: the first look at a process can wake it.
    for pid in pids:
        State.of(pid)
    began, first = time.monotonic(), {pid: State.of(pid) for pid in pids}
    while (left := minutes * 60 - (time.monotonic() - began)) > 0:
        tell(f"watching what is idle for {minutes:g} min, {left:.0f} s left")
        time.sleep(min(left, 10))
    lasted = (time.monotonic() - began) / 60
    last = {pid: State.of(pid) for pid in pids}
    for pair in pairs:
        yield from _figures(pair, first, last, lasted)


def _figures(
    pair: Pair, first: Mapping[int, State], last: Mapping[int, State], minutes: float
) -> Iterator[Figure]:
    a, b = last[pair.floor], last[pair.ours]
    sides = pair.floor, pair.ours
    memory = list(zip(*pair.started_before, (a.pss, b.pss), strict=True))
    wakes = [(last[pid].wakes - first[pid].wakes) / minutes for pid in sides]
    cpu = [(last[pid].cpu - first[pid].cpu) / minutes for pid in sides]
    rows = (
        ("memory", Series(unit="KiB", floor=memory[0], ours=memory[1]), pair.memory),
        ("wake-ups", Series(unit="1/min", floor=wakes[:1], ours=wakes[1:]), (Goal.MORE, 0.0)),
        ("threads", Series(unit="", floor=[a.threads], ours=[b.threads]), pair.threads),
        ("CPU", Series(unit="s/min", floor=cpu[:1], ours=cpu[1:]), (Goal.NONE, 0.0)),
    )
    for part, series, (goal, limit) in rows:
        yield Figure(
            row=pair.row,
            part=part,
            what=f"{pair.name} for {minutes:.1f} min",
            beside=pair.beside,
            judged=series,
            goal=goal,
            limit=limit,
        )
