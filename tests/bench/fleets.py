"""Rows ``fleet-…``: 10,000 hosts of 50 domains in a real PostgreSQL, asked and written."""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from host_agent.fleet.answers import Answers
from host_agent.fleet.memory import Memory
from tests.bench import fleet_rows, plot
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.many_domains import peak
from tests.bench.processes import BrokenError, environment, program
from tests.integration import fleet_records, postgresql_server
from tests.integration.postgresql_server import PostgresqlServer

HOSTS = 10_000
GROWTH = (20, 200, 2000, 10_000)
"""Hosts."""
WRITING = 500
"""Hosts that tell of each of their domains once."""
TEN_MINUTES = 600.0
QUARTER = 0.25
_MEMORY_KIB = 200 * 1024
_PLAIN = "SELECT verdict, count(*) FROM samemachine_fleet_domains GROUP BY verdict"

Question = Callable[[Answers], object]
QUESTIONS: dict[str, Question] = {
    "status": lambda answers: answers.status(fleet_rows.NOW - 1800),
    "status NAME": lambda answers: answers.where("web 7-3"),
    "changed": lambda answers: answers.changed(fleet_rows.NOW - 3600),
    "unverified": lambda answers: answers.unverified(fleet_rows.NOW - 1800),
    "ceiling": lambda answers: answers.ceilings(),
    "same-name": lambda answers: answers.same_name(),
}


def measure(bench: Bench) -> Iterator[Figure]:
    """All of them."""
    programs = postgresql_server.binaries()
    if programs is None:
        raise BrokenError("no PostgreSQL server is installed: make system")
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server.running(programs))
        hosts = bench.many(HOSTS)
        memory, url = _filled(server, hosts, bench)
        if "fleet-questions" in bench.chosen:
            yield from _questions(memory, hosts, bench)
        if "fleet-memory" in bench.chosen:
            yield _memory_of(url, hosts, bench)
        if "fleet-ingest" in bench.chosen:
            yield _ingest(server, memory, hosts, bench)
        if "fleet-growth" in bench.chosen:
            yield _growth(server, bench)


def _filled(server: PostgresqlServer, hosts: int, bench: Bench) -> tuple[Memory, str]:
    name = f"fleet_{secrets.token_hex(4)}"
    server.execute(f"CREATE DATABASE {name}")
    url = server.url(name)
    memory = Memory(url, 300.0)
    bench.tell(f"{hosts} hosts: filling the database")
    fleet_rows.fill(memory, hosts)
    server.execute("VACUUM ANALYZE", name)
    return memory, url


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _plain(memory: Memory) -> None:
    with memory.reading() as connection:
        connection.exec_driver_sql(_PLAIN).all()


def _series(memory: Memory, ask: Question, rounds: int) -> Series:
    answers = Answers(memory, 50)
    pairs = [
        (_timed(lambda: _plain(memory)), _timed(lambda: ask(answers))) for _ in range(rounds + 1)
    ][1:]
    return Series(unit="s", floor=[a for a, _ in pairs], ours=[b for _, b in pairs])


def _questions(memory: Memory, hosts: int, bench: Bench) -> Iterator[Figure]:
    for name, ask in QUESTIONS.items():
        bench.tell(f"{hosts} hosts: {name}")
        yield Figure(
            row="fleet-questions",
            part=name,
            what=f"{hosts} hosts of {fleet_rows.DOMAINS} domains: fleet {name}",
            beside="SELECT verdict, count(*) ... GROUP BY verdict, over the same connection",
            judged=_series(memory, ask, bench.rounds(5)),
            goal=Goal.AT_MOST,
            limit=3.0,
        )


def _memory_of(url: str, hosts: int, bench: Bench) -> Figure:
    env = environment(bench.folder)
    words = ["-m", "tests.bench.peak", "fleet", "same-name", "--fleet", url]
    values = [peak([program("python"), *words], env) for _ in range(bench.rounds(3))]
    return Figure(
        row="fleet-memory",
        what=f"memory of 'fleet same-name' at its most, {hosts} hosts",
        beside="nothing",
        judged=Series(unit="KiB", floor=[0.0 for _ in values], ours=values),
        goal=Goal.MORE,
        limit=_MEMORY_KIB,
    )


def _ingest(server: PostgresqlServer, memory: Memory, hosts: int, bench: Bench) -> Figure:
    writing = bench.many(WRITING)
    shares, own = [], []
    for turn in range(bench.rounds(3)):
        bench.tell(f"{writing} hosts tell of each of their domains once")
        before, began = _used(server), time.process_time()
        for host in range(writing):
            at = float(turn * 600 + 1)
            records = [
                fleet_records.verdict(host, number, at) for number in range(fleet_rows.DOMAINS)
            ]
            first = turn * fleet_rows.DOMAINS + 1
            memory.write(f"sender {host}", f"bench{host:05}", list(enumerate(records, first)))
        own.append((time.process_time() - began) / writing)
        # All hosts' share of one core, were they to tell of all in ten minutes.
        shares.append((_used(server) - before) * HOSTS / writing / TEN_MINUTES)
    return Figure(
        row="fleet-ingest",
        what=f"cores of the database that {HOSTS} hosts' verdicts take, once in 10 minutes: "
        f"{writing} hosts measured, beside the rows of {hosts}",
        beside="nothing",
        judged=Series(unit="cores", floor=[0.0 for _ in shares], ours=shares),
        goal=Goal.MORE,
        limit=QUARTER,
        also={"CPU of each host": Series(unit="s", floor=[0.0 for _ in own], ours=own)},
    )


def _used(server: PostgresqlServer) -> float:
    """Return the CPU seconds of the server with what it started (proc(5))."""
    assert server._server is not None
    until = time.monotonic() + 5
    # The process of the last connection ends soon, and is counted then.
    busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'samemachine'"
    while time.monotonic() < until and server.execute(busy) != "0":
        time.sleep(0.05)
    text = Path(f"/proc/{server._server.pid}/stat").read_text(encoding="ascii")
    ticks = sum(map(int, text.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _growth(server: PostgresqlServer, bench: Bench) -> Figure:
    counts = tuple(max(1, count // 10) for count in GROWTH) if bench.quick else GROWTH
    measured: dict[int, Series] = {}
    for hosts in counts:
        memory, _ = _filled(server, hosts, bench)
        measured[hosts * fleet_rows.DOMAINS] = _series(
            memory, QUESTIONS["same-name"], bench.rounds(5)
        )
    file = bench.plot / "fleet-growth.svg"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = {
        "fleet same-name": {count: one.ours for count, one in measured.items()},
        "count(*) ... GROUP BY": {count: one.floor for count, one in measured.items()},
    }
    file.write_text(plot.drawing("A fleet's memory of more domains", lines), encoding="utf-8")
    most = max(measured)
    return Figure(
        row="fleet-growth",
        what=f"fleet same-name, of {most} domains",
        beside="SELECT verdict, count(*) ... GROUP BY verdict",
        judged=measured[most],
        goal=Goal.AT_MOST,
        limit=3.0,
        also={f"{count} domains": one for count, one in measured.items()},
        note=f"drawn in {file}",
    )
