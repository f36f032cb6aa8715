"""Rows ``running-first`` and ``running-warm``: domains that run, of few shapes, without agents."""

import json
import os
from collections.abc import Iterator

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal
from tests.bench.in_lab import Place
from tests.bench.processes import Spent, cpus, in_turn, walls
from tests.bench.shapes import SHAPES
from tests.bench.start_running import PREFIX
from tests.lab.lab import Lab

DOMAINS = 200
_COMMANDS = "/root/bare-probes.json"
_CALLS = "both XMLs, domxml-to-native and one memory peek each, bare"


def measure(bench: Bench, lab: Lab) -> Iterator[Figure]:
    """Start them, measure, and end them."""
    place, wanted = Place(lab.host("hosta")), bench.many(DOMAINS)
    bench.tell(f"starting {wanted} domains, whose firmware takes a second of CPU each")
    host = place.host
    try:
        made = json.loads(host.python("-m", "tests.bench.start_running", str(wanted), timeout=1800))
        number = made["number"]
        (host.root / _COMMANDS[1:]).write_text(json.dumps(made["commands"]), encoding="utf-8")
        note = "" if number == wanted else f"there is memory for {number} of {wanted}"
        verdicts = _verdicts(place)
        if verdicts != {"verified": number}:
            note = f"{note}; verdicts: {verdicts}".strip("; ")
        yield from _figures(bench, place, number, note)
    finally:
        host.run(
            "sh",
            "-c",
            f"for name in $(virsh list --all --name | grep ^{PREFIX}); do "
            "virsh destroy $name; virsh undefine $name; done",
            check=False,
            timeout=600,
        )


def _verdicts(place: Place) -> dict[str, int]:
    done = place.host.samemachine("audit", "--format", "json", timeout=600)
    domains = [one for host in json.loads(done.stdout)["hosts"] for one in host["domains"]]
    found = [one["verdict"] for one in domains if one["name"].startswith(PREFIX)]
    return {verdict: found.count(verdict) for verdict in sorted(set(found))}


def _figures(bench: Bench, place: Place, number: int, note: str) -> Iterator[Figure]:
    def probes() -> Spent:
        return place.bare("starts", _COMMANDS, str(os.cpu_count() or 1))

    def with_probes() -> Spent:
        a, b = place.bare("running"), probes()
        return Spent(wall=a.wall + b.wall, cpu=a.cpu + b.cpu)

    def first() -> Spent:
        place.forget_probes()
        return place.samemachine("audit")

    shapes = f"{number} running domains of {len(SHAPES)} shapes, no agent"
    if "running-first" in bench.chosen:
        pairs = in_turn(with_probes, first, bench.rounds(5), bench.tell)
        yield Figure(
            row="running-first",
            what=f"{shapes}, first audit",
            beside=f"{_CALLS}, and {len(SHAPES)} QEMUs started and quit",
            judged=walls(pairs),
            goal=Goal.AT_MOST,
            limit=2.0,
            also={"CPU, without libvirtd's": cpus(pairs)},
            note=note,
        )
    if "running-warm" in bench.chosen:
        pairs = in_turn(
            lambda: place.bare("running"),
            lambda: place.samemachine("audit"),
            bench.rounds(7),
            bench.tell,
        )
        yield Figure(
            row="running-warm",
            what=f"{shapes}, audited again",
            beside=_CALLS,
            judged=walls(pairs),
            goal=Goal.AT_MOST,
            limit=2.0,
            also={"CPU, without libvirtd's": cpus(pairs)},
            note=note,
        )
