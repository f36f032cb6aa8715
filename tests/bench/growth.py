"""Rows ``growth…``: what one domain more costs on a large host, beside the same on a small one."""

import statistics
from collections.abc import Callable, Mapping
from functools import partial

from tests.bench import plot
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.processes import Spent, in_turn, walls

COUNTS = (10, 100, 1000, 5000)
LINEAR = 1.2
"""How much more each domain may cost on the largest host: what is measured varies."""


def measure(
    bench: Bench,
    row: str,
    where: str,
    floor: Callable[[int], Spent],
    ours: Callable[[int], Spent],
    prepare: Callable[[int], object] = lambda _: None,
) -> Figure:
    """Measure all counts, and draw them."""
    counts = tuple(max(1, count // 10) for count in COUNTS) if bench.quick else COUNTS
    measured: dict[int, Series] = {}
    for count in counts:

        def tell(words: str, count: int = count) -> None:
            bench.tell(f"{count} domains: {words}")

        tell("preparing")
        prepare(count)
        pairs = in_turn(partial(floor, count), partial(ours, count), bench.rounds(5), tell)
        measured[count] = walls(pairs)
    file = bench.plot / f"{row}.svg"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = {
        "samemachine audit": {count: one.ours for count, one in measured.items()},
        "bare libvirt, both XMLs": {count: one.floor for count, one in measured.items()},
    }
    file.write_text(plot.drawing(f"An audit of more domains: {where}", lines), encoding="utf-8")
    few, many = _more(measured, *counts[-3:-1]), _more(measured, *counts[-2:])
    return Figure(
        row=row,
        what=f"one domain more, from {counts[-2]} to {counts[-1]}, on {where}",
        beside=f"one more from {counts[-3]} to {counts[-2]}",
        judged=Series(unit="s", floor=few, ours=many),
        goal=Goal.AT_MOST,
        limit=LINEAR,
        also={f"{count} domains, beside bare libvirt": one for count, one in measured.items()},
        note=f"drawn in {file}",
    )


def _more(measured: Mapping[int, Series], few: int, many: int) -> list[float]:
    """What one domain more costs, round by round; the least counts, for what it stands beside."""
    base = statistics.median(measured[few].ours)
    return [max(1e-9, (value - base) / (many - few)) for value in measured[many].ours]
