"""Rows ``start-…``: what a command costs before it does anything, beside its bare imports."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tests.bench import modules
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal
from tests.bench.processes import (
    VERDICTS,
    Spent,
    bare,
    cpus,
    environment,
    in_turn,
    program,
    spent,
    walls,
)

ROUNDS = 15
_CLICK = (sys.executable, "-c", "import click")
_BY_CLICK: Mapping[str, tuple[str, Sequence[str], Mapping[str, str]]] = {
    "start-version": ("samemachine --version", ("--version",), {}),
    "start-help": ("samemachine --help", ("--help",), {}),
    "start-completion": (
        "completion of samemachine a<TAB>",
        (),
        {
            "_SAMEMACHINE_COMPLETE": "bash_complete",
            "COMP_WORDS": "samemachine a",
            "COMP_CWORD": "1",
        },
    ),
}
_BY_IMPORTS = {
    "start-audit": ("samemachine", "host_agent", ("audit", "-c", "test:///default")),
    "start-guest-check": ("samemachine-guest", "guest_agent", ("check",)),
}


def measure(bench: Bench) -> Iterator[Figure]:
    """By CPU: that is what a start takes away from others."""
    env = environment(bench.folder)
    for row, (what, words, more) in _BY_CLICK.items():
        if row in bench.chosen:
            ours = [program("samemachine"), *words]
            yield _figure(bench, row, what, "import click", 1.3, _CLICK, ours, env, {**env, **more})
    for row, (name, package, words) in _BY_IMPORTS.items():
        if row in bench.chosen:
            names = modules.not_ours(package, *words, env=env)
            others = modules.foreign(package, *words, env=env)
            packages = dict.fromkeys(one.partition(".")[0] for one in others)
            beside = (
                f"the imports that it uses, bare ({', '.join(packages)}, the standard library's)"
            )
            what, ours = " ".join((name, *words)), [program(name), *words]
            figure = _figure(bench, row, what, beside, 1.5, bare("imports", *names), ours, env, env)
            pairs = _pairs(bench, bare("imports", *others), ours, env, env)
            also = {**figure.also, "CPU, beside other people's packages alone": cpus(pairs)}
            yield replace(figure, also=also)


def _figure(
    bench: Bench,
    row: str,
    what: str,
    beside: str,
    limit: float,
    floor: Sequence[str],
    ours: Sequence[str],
    env: Mapping[str, str],
    ours_env: Mapping[str, str],
) -> Figure:
    pairs = _pairs(bench, floor, ours, env, ours_env)
    return Figure(
        row=row,
        what=f"{what}, CPU",
        beside=beside,
        judged=cpus(pairs),
        goal=Goal.AT_MOST,
        limit=limit,
        also={"wall clock": walls(pairs)},
    )


def _pairs(
    bench: Bench,
    floor: Sequence[str],
    ours: Sequence[str],
    env: Mapping[str, str],
    ours_env: Mapping[str, str],
) -> list[tuple[Spent, Spent]]:
    return in_turn(
        lambda: spent(floor, env),
        lambda: spent(ours, ours_env, VERDICTS),
        bench.rounds(ROUNDS),
        bench.tell,
    )
