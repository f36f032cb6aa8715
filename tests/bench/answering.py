"""Row ``answering``: many guests that answer at once, beside as many bare unary calls."""

import subprocess
import sys
from collections.abc import Iterator

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal
from tests.bench.processes import BrokenError, bare, cpus, environment, in_turn, spent, walls
from tests.checkout import CHECKOUT

GUESTS = 1000
AT_ONCE = 8
"""As an audit does it, unless it is told otherwise."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Measure it."""
    env = environment(bench.folder)
    number = bench.many(GUESTS)
    folder = bench.folder / "guests"
    folder.mkdir(exist_ok=True)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.guests", str(folder), str(number)],
        env=env,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise BrokenError("the guests do not start")
            ours = [sys.executable, "-m", "tests.bench.answering_audit", str(folder)]
            counts = [str(number), str(AT_ONCE)]
            pairs = in_turn(
                lambda: spent(bare("calls", str(folder / "grpc"), *counts), env),
                lambda: spent([*ours, *counts], env),
                bench.rounds(5),
                bench.tell,
            )
        finally:
            process.terminate()
    yield Figure(
        row="answering",
        what=f"{number} guests that answer, {AT_ONCE} at once: asked, judged, printed",
        beside="as many bare unary calls of that size, as many at once, a channel of its own each",
        judged=walls(pairs),
        goal=Goal.AT_MOST,
        limit=1.5,
        also={"CPU of the host's side": cpus(pairs)},
    )
