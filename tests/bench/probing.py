"""Row ``atlas``: every machine type probed, beside QEMU started with the same options, and quit."""

import json
import os
from collections.abc import Iterator

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal
from tests.bench.in_lab import Place
from tests.bench.processes import cpus, in_turn, walls
from tests.lab.lab import Lab

_COMMANDS = "/root/all-types.json"


def measure(bench: Bench, lab: Lab) -> Iterator[Figure]:
    """Measure it."""
    place = Place(lab.host("hosta"))
    host = place.host
    bench.tell("asking which types there are")
    commands = host.python("-m", "tests.bench.all_types")
    (host.root / _COMMANDS[1:]).write_text(commands, encoding="utf-8")
    cores = str(len(os.sched_getaffinity(0)))
    pairs = in_turn(
        lambda: place.bare("starts", _COMMANDS, cores),
        lambda: place.samemachine("probe", codes={0, 3}),
        bench.rounds(5),
        bench.tell,
    )
    yield Figure(
        row="atlas",
        what=f"an atlas of all {len(json.loads(commands)) - 1} x86 types, whole command",
        beside=f"QEMU started paused and quit for each, as many at once ({cores})",
        judged=walls(pairs),
        goal=Goal.AT_MOST,
        limit=1.3,
        also={"CPU": cpus(pairs)},
    )
