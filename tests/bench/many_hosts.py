"""Row ``hosts``: 20 hosts of which two are dead and one hangs, beside the slowest healthy one."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from host_agent.case.results import Audited
from host_agent.case.whereabouts import look
from host_agent.hosts import children
from host_agent.hosts.target import Target
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal
from tests.bench.processes import BrokenError, Spent, environment, in_turn, walls
from tests.checkout import CHECKOUT
from tests.integration import answering_host
from tests.integration.test_many_hosts import silent

HEALTHY, GUESTS = 17, 50
SLOW = 2.0
"""Seconds that each guest of the slowest host takes to answer; eight are asked at once."""
DEADLINE = 5.0


def audit(number: int, uri: str, say: Callable[[object], None]) -> None:
    """Audit a host: by libvirt where it is one of libvirt's, else the guests of a folder."""
    if "://" in uri:
        say(look(uri, ()))
    else:
        answering_host.audit(number, uri, say)


def measure(bench: Bench) -> Iterator[Figure]:
    """Measure it."""
    env = environment(bench.folder)
    guests = bench.many(GUESTS)
    with ExitStack() as stack:
        healthy = []
        for one in range(HEALTHY):
            folder = bench.folder / f"host{one}"
            folder.mkdir()
            seconds = SLOW if one == 0 else 0.0
            stack.enter_context(_serving(folder, guests, seconds, env))
            healthy.append(Target(name=f"host{one}", uri=str(folder)))
        hanging = stack.enter_context(silent(bench.folder / "silent"))
        others = [
            Target(name="hung", uri=hanging, seconds=DEADLINE),
            *(Target(name=f"dead{n}", uri=f"qemu+unix:///system?socket=/no/{n}") for n in (1, 2)),
        ]
        # One that hangs and two that are dead come before all others.
        pairs = in_turn(
            partial(_audited, healthy[:1], guests),
            partial(_audited, [*others, *healthy], guests),
            bench.rounds(5),
            bench.tell,
        )
    yield Figure(
        row="hosts",
        what=f"{HEALTHY} hosts of {guests} guests that answer, 2 dead, 1 that hangs: all verdicts",
        beside=f"the slowest healthy one alone, whose guests take {SLOW:g} s each",
        judged=walls(pairs),
        goal=Goal.AT_MOST,
        limit=1.2,
    )


def _serving(
    folder: Path, guests: int, seconds: float, env: dict[str, str]
) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.guests", str(folder), str(guests), str(seconds)],
        env=env,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if process.stdout is None or process.stdout.readline() != b"ready\n":
        raise BrokenError("the guests do not start")
    return process


def _audited(targets: list[Target], guests: int) -> Spent:
    began = time.perf_counter()
    found = sum(
        isinstance(fact, Audited) and fact.verdict.depth == "guest"
        for _, fact in children.each(
            partial(audit, guests),
            targets,
            at_once=32,
            seconds=60.0,
            modules=["tests.bench.many_hosts"],
        )
    )
    if found != guests * sum("://" not in one.uri for one in targets):
        raise BrokenError(f"{found} guests were verified")
    return Spent(wall=time.perf_counter() - began, cpu=0.0)
