"""Rows on libvirt's test driver, which run anywhere: many domains, their growth, their memory."""

import subprocess
from collections.abc import Iterator, Sequence
from functools import partial

from tests.bench import domains, growth, modules
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.processes import (
    VERDICTS,
    BrokenError,
    Spent,
    bare,
    cpus,
    environment,
    in_turn,
    program,
    spent,
    walls,
)
from tests.checkout import CHECKOUT

DOMAINS = 1000
BOTH_XMLS = "both XMLs of each by bare libvirt-python"
MORE_KIB = 60 * 1024


def measure(bench: Bench) -> Iterator[Figure]:
    """All of the test driver."""
    env = environment(bench.folder)
    number = bench.many(DOMAINS)

    def floor(many: int) -> Spent:
        return spent(bare("xmls", domains.uri(bench.folder, many)), env)

    def ours(many: int) -> Spent:
        uri = domains.uri(bench.folder, many)
        return spent([program("samemachine"), "audit", "-c", uri], env, VERDICTS)

    if "test-driver" in bench.chosen:
        pairs = in_turn(partial(floor, number), partial(ours, number), bench.rounds(7), bench.tell)
        yield Figure(
            row="test-driver",
            what=f"{number} shut-off domains of libvirt's test driver, whole command",
            beside=BOTH_XMLS,
            judged=walls(pairs),
            goal=Goal.AT_MOST,
            limit=2.0,
            also={"CPU": cpus(pairs)},
        )
    if "test-driver-memory" in bench.chosen:
        uri = domains.uri(bench.folder, number)
        audit = ["-m", "tests.bench.peak", "audit", "-c", uri]
        names = modules.foreign("host_agent", "audit", "-c", uri, env=env)
        run = partial(peak, env=env)
        values = in_turn(
            lambda: run(bare("peak", uri, *names)),
            lambda: run([program("python"), *audit]),
            bench.rounds(3),
            bench.tell,
        )
        yield memory_figure("test-driver-memory", f"{number} of the test driver", values)
    if "growth" in bench.chosen:
        yield growth.measure(bench, "growth", "libvirt's test driver", floor, ours)


def peak(command: Sequence[str], env: dict[str, str]) -> float:
    """Return the KiB that a program says, in its last line, it has had at most."""
    ran = subprocess.run(
        command, env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    last = ran.stderr.strip().rpartition("\n")[2]
    if not last.isdigit():
        raise BrokenError(f"{command[:4]} exited {ran.returncode}: {ran.stderr[-500:]}")
    return float(last)


def memory_figure(row: str, which: str, values: list[tuple[float, float]]) -> Figure:
    """Return the row of an audit's memory."""
    return Figure(
        row=row,
        what=f"memory of an audit at its most, {which}",
        beside="Python with the same imports, and both XMLs of each",
        judged=Series(unit="KiB", floor=[a for a, _ in values], ours=[b for _, b in values]),
        goal=Goal.MORE,
        limit=MORE_KIB,
    )
