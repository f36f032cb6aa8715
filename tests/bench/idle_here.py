"""Rows ``agent-idle`` and ``daemon-idle-test-driver``: watched in the same minutes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.bench import domains, idle, modules
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal
from tests.bench.idle import Pair, State
from tests.bench.many_domains import DOMAINS, MORE_KIB
from tests.bench.processes import bare, environment, program
from tests.bench.resident import listening, resident, running


def measure(bench: Bench) -> Iterator[Figure]:
    """Start what is chosen, and watch."""
    env = environment(bench.folder)
    pairs = []
    with ExitStack() as stack:
        if "agent-idle" in bench.chosen:
            before = []
            for number in range(bench.rounds(5) - 1):
                with _agent(bench, number) as pids:
                    before.append((State.of(pids[0]).pss, State.of(pids[1]).pss))
            floor_pid, ours_pid = stack.enter_context(_agent(bench, len(before)))
            pairs.append(
                Pair(
                    row="agent-idle",
                    name="a guest agent that was never asked, idle",
                    beside="Python that waits on a descriptor",
                    floor=floor_pid,
                    ours=ours_pid,
                    memory=(Goal.AT_MOST, 1.3),
                    threads=(Goal.AT_MOST, 1.3),
                    started_before=before,
                )
            )
        if "daemon-idle-test-driver" in bench.chosen:
            number = bench.many(DOMAINS)
            uri, waits = domains.uri(bench.folder, number), bench.folder / "connected"
            serve = ("serve", "-c", uri, "--ledger", str(bench.folder / "ledger.sqlite"))
            names = modules.foreign("host_agent", "audit", "-c", uri, env=env)
            floor = running(bare("connected", str(waits), uri, *names), env, waits.exists)
            ours = running([program("samemachine"), *serve], env, lambda: True)
            pairs.append(
                Pair(
                    row="daemon-idle-test-driver",
                    name=f"samemachine serve, {number} domains of the test driver, idle",
                    beside="Python with an audit's imports, that listens to events of the same",
                    floor=stack.enter_context(floor).pid,
                    ours=stack.enter_context(ours).pid,
                    memory=(Goal.MORE, MORE_KIB),
                )
            )
        for pair in pairs:
            for pid in (pair.floor, pair.ours):
                idle.settled(pid, bench.tell)
        yield from idle.watch(pairs, bench.minutes, bench.tell)


@contextmanager
def _agent(bench: Bench, number: int) -> Iterator[tuple[int, int]]:
    """A floor and a guest agent, each just started and settled."""
    env = environment(bench.folder)
    waiting, ours = (bench.folder / f"{name}-{number}" for name in ("waiting", "idle"))
    with (
        running(bare("waiting", str(waiting)), env, lambda: listening(waiting)) as floor,
        resident(ours, env) as agent,
    ):
        for process in (floor, agent):
            idle.settled(process.pid, bench.tell)
        yield floor.pid, agent.pid
