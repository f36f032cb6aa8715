"""Rows ``rehearsal…``: firmware run on domains' own devices."""

from collections.abc import Iterator

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.in_lab import Place
from tests.bench.processes import cpus, in_turn, walls
from tests.bench.shapes import SHAPES
from tests.lab.lab import Lab

DOMAINS = 200
_EACH = 4
"""Rehearsals of each shape in a round: the program's own start is a small part of it."""
_COMMANDS, _BOOTS = "/root/bare-rehearsals.json", "/root/bare-boots.json"
_PROGRAM, _COUNTING = "tests.bench.all_rehearsals", "tests.bench.counted_rehearsals"
_MEASURED = "tests.bench.all_measured"


def measure(bench: Bench, lab: Lab) -> Iterator[Figure]:
    """Measure those that are chosen."""
    place, shapes = Place(lab.host("hosta")), len(SHAPES)
    host = place.host
    if "rehearsal" in bench.chosen:
        commands = host.python("-m", _PROGRAM, "commands", str(_EACH))
        (host.root / _COMMANDS[1:]).write_text(commands, encoding="utf-8")
        ours = host.python_command("-m", _PROGRAM, "rehearse", str(_EACH))
        pairs = in_turn(
            lambda: place.bare("firmware", _COMMANDS),
            lambda: place.time(ours),
            bench.rounds(5),
            bench.tell,
        )
        yield Figure(
            row="rehearsal",
            what=f"{_EACH * shapes} rehearsals of {shapes} shapes, one after the other",
            beside="the same QEMUs, started and quit when the firmware has left its tables",
            judged=walls(pairs),
            goal=Goal.AT_MOST,
            limit=1.3,
            also={"CPU": cpus(pairs)},
        )
    if "rehearsal-tpm" in bench.chosen:
        boots = host.python("-m", _MEASURED, "boots", str(_EACH))
        (host.root / _BOOTS[1:]).write_text(boots, encoding="utf-8")
        ours = host.python_command("-m", _MEASURED, "rehearse", str(_EACH))
        pairs = in_turn(
            lambda: place.bare("measured", _BOOTS),
            lambda: place.time(ours),
            bench.rounds(5),
            bench.tell,
        )
        yield Figure(
            row="rehearsal-tpm",
            what=f"{_EACH} rehearsals with a TPM of a BIOS, {_EACH} of a UEFI",
            beside="the same QEMUs with a TPM, quit when the firmware has closed PCR 0 to 7",
            judged=walls(pairs),
            goal=Goal.AT_MOST,
            limit=1.3,
            also={"CPU": cpus(pairs)},
        )
    if "rehearsal-shapes" in bench.chosen:
        wanted = bench.many(DOMAINS)
        made = host.python("-m", _COUNTING, str(wanted))
        yield Figure(
            row="rehearsal-shapes",
            what=f"{wanted} domains of {shapes} shapes, rehearsed",
            beside="one rehearsal a shape",
            judged=Series(unit="QEMUs", floor=[shapes], ours=[float(made)]),
            goal=Goal.AT_MOST,
            limit=1.0,
        )
