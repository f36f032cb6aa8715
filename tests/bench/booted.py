"""Rows ``ten-guests`` and ``one-guest``: real guests, booted, with both agents in them."""

import json
from collections.abc import Iterator

from tests.bench.answering import AT_ONCE
from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.in_lab import Place
from tests.bench.processes import cpus, in_turn, walls
from tests.lab.guest import GuestOptions
from tests.lab.lab import Lab

GUESTS = 10


def measure(bench: Bench, lab: Lab) -> Iterator[Figure]:
    """Boot them, measure, and end them."""
    place = Place(lab.host("hosta"))
    number = bench.many(GUESTS) + 1 if bench.quick else GUESTS
    number = number if "ten-guests" in bench.chosen else 1
    bench.tell(f"booting {number} guests")
    guests = [place.host.guest(GuestOptions(name=f"guest{one}")) for one in range(number)]
    try:
        for guest in guests:
            guest.start()
        for guest in guests:
            guest.wait_ready(300)
        if "ten-guests" in bench.chosen:
            yield _all(bench, place, number)
        if "one-guest" in bench.chosen:
            yield _one(bench, place, guests[0].name)
    finally:
        for guest in guests:
            guest.remove()


def _all(bench: Bench, place: Place, number: int) -> Figure:
    pairs = in_turn(
        lambda: place.bare("files", str(AT_ONCE)),
        lambda: place.samemachine("audit"),
        bench.rounds(7),
        bench.tell,
    )
    return Figure(
        row="ten-guests",
        what=f"{number} booted guests with the agent, whole command",
        beside="qemu-guest-agent reads the same four files in each",
        judged=walls(pairs),
        goal=Goal.AT_MOST,
        limit=1.0,
        also={"CPU, without libvirtd's": cpus(pairs)},
    )


def _one(bench: Bench, place: Place, name: str) -> Figure:
    bench.tell("one guest asked")
    rounds = str(bench.rounds(20))
    said = place.host.python("-m", "tests.bench.one_guest", name, rounds, timeout=600)
    measured = json.loads(said)
    return Figure(
        row="one-guest",
        what="one real guest, from its channel opened to its verdict",
        beside="a bare unary call through the same pump",
        judged=Series(unit="s", floor=measured["floor"], ours=measured["ours"]),
        goal=Goal.AT_MOST,
        limit=1.5,
    )
