"""Rows ``stores-first`` and ``stores-again``: what many domains' UEFI keep, beside their bytes."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence

from tests import nvram_stores
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.processes import BrokenError, bare, environment, in_turn, program
from tests.checkout import CHECKOUT

STORES = 1000
_TEMPLATES = "bookworm.ms", "forky.ms"


def measure(bench: Bench) -> Iterator[Figure]:
    """Measure both."""
    folder, number = bench.folder / "stores", bench.many(STORES)
    folder.mkdir()
    for template in _TEMPLATES:
        content = bytearray(nvram_stores.template(template))
        for one in range(number // len(_TEMPLATES)):
            # Where no variable lies: each has another content, as guests' do.
            content[-4:] = one.to_bytes(4, "little")
            (folder / f"{template}.{one}").write_bytes(content)
    env = environment(bench.folder)
    for what in ("first", "again"):
        if f"stores-{what}" not in bench.chosen:
            continue
        ours = [program("python"), "-m", "tests.bench.all_stores", what, str(folder)]
        pairs = in_turn(
            lambda: printed(bare("hashed", str(folder)), env),
            lambda ours=ours: printed(ours, env),  # type: ignore[misc]  # it takes nothing
            bench.rounds(5),
            bench.tell,
        )
        floor, took = zip(*pairs, strict=True)
        yield Figure(
            row=f"stores-{what}",
            what=f"{number} variable stores of 528 KiB, read and decoded",
            beside="the same, read and hashed",
            judged=Series(unit="s", floor=floor, ours=took),
            goal=Goal.AT_MOST,
            limit=3.0,
        )


def printed(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Return the seconds that a program prints."""
    ran = subprocess.run(
        command, env=dict(env), cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise BrokenError(f"{command[:4]} exited {ran.returncode}: {ran.stderr[-500:]}")
    return float(ran.stdout)
