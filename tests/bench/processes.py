"""Whole processes, timed: their wall clock, and the CPU of them and of all that they started."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.figure import Series
from tests.checkout import CHECKOUT

T = TypeVar("T")

BARE = CHECKOUT / "tests/bench/bare"
"""The floors, each a program that imports nothing of ours."""
VERDICTS = frozenset({0, 1, 3})
"""Exit codes with which an audit has ended as it should."""

Tell = Callable[[str], None]
"""Told how far a row is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one process took, in seconds."""

    wall: float
    cpu: float
    """User and system, with that of its children."""


class BrokenError(Exception):
    """A program that was to be timed failed."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return one in which no user's configuration, cache or completion counts."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **more}


def program(name: str) -> str:
    """Return the path of one of our programs, as it is installed."""
    return str(Path(sys.prefix, "bin", name))


def bare(name: str, *arguments: str) -> list[str]:
    """Return the command of a floor."""
    return [sys.executable, str(BARE / f"{name}.py"), *arguments]


def spent(
    command: Sequence[str], env: Mapping[str, str], codes: Collection[int] = frozenset({0})
) -> Spent:
    """Run a command to its end; raises ``BrokenError`` for another exit code."""
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=env,
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - started
        # So that nobody waits for it again.
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            said.seek(0)
            words = said.read().decode(errors="replace").strip()[-500:]
            raise BrokenError(f"{' '.join(command)} exited {process.returncode}: {words}")
    return Spent(wall=wall, cpu=usage.ru_utime + usage.ru_stime)


def in_turn(
    floor: Callable[[], T], ours: Callable[[], T], rounds: int, tell: Tell
) -> list[tuple[T, T]]:
    """Call both in turn, so many times; what the first pair returns does not count."""
    pairs = []
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds}" if number else "a first round, which does not count")
        pairs.append((floor(), ours()))
    return pairs[1:]


def walls(pairs: Sequence[tuple[Spent, Spent]]) -> Series:
    """Return the seconds of the wall clock."""
    return Series(unit="s", floor=[a.wall for a, _ in pairs], ours=[b.wall for _, b in pairs])


def cpus(pairs: Sequence[tuple[Spent, Spent]]) -> Series:
    """Return the seconds of CPU."""
    return Series(unit="s", floor=[a.cpu for a, _ in pairs], ours=[b.cpu for _, b in pairs])
