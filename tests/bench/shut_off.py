"""Rows on a real libvirt with many shut-off domains: audit, growth, memory, the daemon."""

import shutil
from collections.abc import Iterator

from tests.bench import growth, idle, modules
from tests.bench.bench import Bench
from tests.bench.define import PREFIX
from tests.bench.figure import Figure, Goal, Series
from tests.bench.idle import Pair
from tests.bench.in_lab import BARE, URI, Place, last_number
from tests.bench.many_domains import BOTH_XMLS, DOMAINS, MORE_KIB, memory_figure
from tests.bench.processes import BrokenError, Spent, cpus, environment, in_turn, walls
from tests.lab.lab import Lab

SEED_DOMAINS = 20


def measure(bench: Bench, lab: Lab) -> Iterator[Figure]:
    """All that needs many definitions and no QEMU that runs."""
    place, number = Place(lab.host("hosta")), bench.many(DOMAINS)
    define(place, bench, number)
    for row, function in (
        ("shut-off", _shut_off),
        ("seed", _seed),
        ("memory", _memory),
        ("daemon-idle", _daemon),
    ):
        if row in bench.chosen:
            yield from function(bench, place, number)
    if "growth-host" in bench.chosen:
        yield growth.measure(
            bench,
            "growth-host",
            "a real libvirt",
            lambda _: place.bare("xmls", URI),
            lambda _: place.samemachine("audit"),
            lambda count: define(place, bench, count),
        )
    define(place, bench, 0)


def define(place: Place, bench: Bench, number: int) -> None:
    """Have exactly so many."""
    bench.tell(f"defining {number} domains")
    place.host.python("-m", "tests.bench.define", str(number), timeout=600)


def _shut_off(bench: Bench, place: Place, number: int) -> Iterator[Figure]:
    pairs = in_turn(
        lambda: place.bare("xmls", URI),
        lambda: place.samemachine("audit"),
        bench.rounds(7),
        bench.tell,
    )
    # A domain's next start is judged by the options that libvirt would start it with.
    converted = in_turn(
        lambda: place.bare("xmls", URI, "native"),
        lambda: place.samemachine("audit"),
        bench.rounds(3),
        bench.tell,
    )
    unconverted = in_turn(
        lambda: place.bare("xmls", URI),
        lambda: place.samemachine("audit", "--no-probe"),
        bench.rounds(3),
        bench.tell,
    )
    yield Figure(
        row="shut-off",
        what=f"{number} shut-off domains of five shapes, whole command",
        beside=BOTH_XMLS,
        judged=walls(pairs),
        goal=Goal.AT_MOST,
        limit=2.0,
        also={
            "CPU, without libvirtd's": cpus(pairs),
            "beside both XMLs, and what libvirt would start each with": walls(converted),
            "--no-probe, which does without": walls(unconverted),
        },
    )


def _seed(bench: Bench, place: Place, number: int) -> Iterator[Figure]:
    xmllint = shutil.which("xmllint")
    if xmllint is None:
        raise BrokenError("there is no xmllint here: make system")
    # The host has its libraries.
    shutil.copy(xmllint, place.host.root / "usr/local/bin/xmllint")
    names = [f"{PREFIX}{one:05}" for one in range(min(number, SEED_DOMAINS))]

    def seed() -> Spent:
        return place.time(["sh", f"{BARE}/seed.sh", *names])

    pairs = in_turn(seed, lambda: place.samemachine("audit"), bench.rounds(5), bench.tell)
    yield Figure(
        row="seed",
        what=f"one domain of {number}, audited",
        beside="virsh dumpxml | xmllint, one domain",
        judged=Series(
            unit="s",
            floor=[a.wall / len(names) for a, _ in pairs],
            ours=[b.wall / number for _, b in pairs],
        ),
        goal=Goal.FASTER,
        limit=50.0,
    )


def _imports(bench: Bench) -> list[str]:
    """What an audit imports; here, since it is the same Python."""
    env = environment(bench.folder)
    return modules.foreign("host_agent", "audit", "-c", "test:///default", env=env)


def _memory(bench: Bench, place: Place, number: int) -> Iterator[Figure]:
    host = place.host
    names = _imports(bench)
    floor = host.python_command(f"{BARE}/peak.py", URI, *names)
    ours = host.python_command("-m", "tests.bench.peak", "audit")
    values = in_turn(
        lambda: last_number(host.run(*floor)),
        lambda: last_number(host.run(*ours, check=False)),
        bench.rounds(3),
        bench.tell,
    )
    yield memory_figure("memory", f"{number} shut-off domains", values)


def _daemon(bench: Bench, place: Place, number: int) -> Iterator[Figure]:
    names = _imports(bench)
    floor = place.host.python_command(f"{BARE}/connected.py", "/run/connected", URI, *names)
    ours = place.host.samemachine_command("serve", "--ledger", "/root/idle.sqlite")
    with place.running(*floor, ready="/run/connected") as one, place.running(*ours) as two:
        idle.settled(two, bench.tell)
        pair = Pair(
            row="daemon-idle",
            name=f"samemachine serve, {number} domains, idle",
            beside="Python with an audit's imports, that listens to events of the same",
            floor=one,
            ours=two,
            memory=(Goal.MORE, MORE_KIB),
        )
        yield from idle.watch([pair], bench.minutes, bench.tell)
