"""A run: two hosts, several types side by side, and a line in the journal for each cell."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from host_agent.atlas import atlas as atlases
from host_agent.atlas.atlas import Atlas
from host_agent.errors import UsageError
from tests.lab import cache, images, lab
from tests.lab.host import Host
from tests.lab.matrix import cells as planning
from tests.lab.matrix import heard, known_issues
from tests.lab.matrix.cells import Cell, Outcome, Row
from tests.lab.matrix.journal import Heading, Journal, JournalError
from tests.lab.matrix.kinds import Kind
from tests.lab.matrix.known_issues import Issue
from tests.lab.matrix.one_type import ATLAS_THERE, Bench, OneType, Place
from tests.lab.matrix.result import Matrix
from tests.lab.matrix.screen import Watcher
from tests.lab.matrix.sides import Side

SOURCE, TARGET = "source", "target"
_ATLAS = "root/atlas.json"
_MOST_TYPES = 200
"""So many addresses there are for guests."""
_MOST_REASON = 200
_MOMENT = 1.0
"""Seconds in which a Ctrl-C that ended a child reaches this program, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run is to be."""

    source: Side
    target: Side
    types: Sequence[str]
    """Patterns."""
    folder: Path
    """For the journal and the logs."""
    lanes: int
    """How many types at the same time."""
    resume: bool
    most: int | None
    """Begin no more than so many types in this run; None: all."""
    issues: Sequence[Issue]
    today: date

    def unused(self, cells: Iterable[Cell]) -> Sequence[str]:
        """Return the known issues that no cell has."""
        return known_issues.unused(self.issues, cells, self.source.suite, self.target.suite)


@contextmanager
def bench(wish: Wish) -> Iterator[Bench]:
    """Start the hosts, bridge them for guests, and ask each QEMU what it shows."""
    for side in (wish.source, wish.target):
        images.host_root(side.image)
    hosts = {SOURCE: (1, wish.source.image), TARGET: (2, wish.target.image)}
    with lab.running(hosts) as running:
        source, target = running.host(SOURCE), running.host(TARGET)
        for host in (source, target):
            _bridge(host)
        kind = wish.source.kind
        shown = _asked(source, wish.types, kind), _asked(target, wish.types, kind)
        for here, there in ((source, target), (target, source)):
            there_is = (there.root / _ATLAS).read_bytes()
            (here.root / ATLAS_THERE.lstrip("/")).write_bytes(there_is)
        try:
            known = wish.source.known(), wish.target.known()
        except UsageError as error:
            cache.tell(str(error))
            known = None
        with heard.peer(source) as peer:
            yield Bench(
                source=Place(host=source, root=images.root_on_hosts(wish.source.image)),
                target=Place(host=target, root=images.root_on_hosts(wish.target.image)),
                peer=peer,
                shown=shown,
                known=known,
                kind=kind,
            )


def _bridge(host: Host) -> None:
    for command in (
        "link add br0 type bridge",
        "link set eth0 master br0",
        "addr flush dev eth0",
        f"addr add {host.address}/24 dev br0",
        "link set br0 up",
    ):
        host.run("ip", *command.split())


def _asked(host: Host, patterns: Sequence[str], kind: Kind) -> Atlas:
    offered = planning.listed(host.run(kind.binary, "-machine", "help").stdout)
    wanted = [row.machine for row in planning.rows(offered, (), patterns)]
    # Where it has none of them, the atlas is to say so.
    chosen = wanted or offered[:1]
    words = ("--qemu", kind.binary, "--output", f"/{_ATLAS}")
    done = host.samemachine("probe", *chosen, *words, timeout=300)
    if done.returncode not in {0, 3}:
        raise RuntimeError(f"{host.name}: samemachine probe: {done.stderr}")
    return atlases.from_text((host.root / _ATLAS).read_text(encoding="utf-8"), states=False)


def run(
    wish: Wish,
    on: Bench,
    matrix: Matrix,
    journal: Journal,
    watcher: Watcher,
) -> Matrix:
    """Do what is not done yet, and return all; Ctrl-C is the caller's."""
    stopping = threading.Event()
    found = dict(matrix.cells)
    writing = threading.Lock()
    numbers = {row.machine: at for at, row in enumerate(matrix.rows)}
    waiting = deque(planning.waiting(matrix.rows, matrix.found)[: wish.most])
    failed: list[BaseException] = []

    def keep(cell: Cell) -> None:
        # A terminal's Ctrl-C reaches what a lane waits for, too: that is no result.
        if cell.outcome in {Outcome.BEYOND, Outcome.UNKNOWN} and stopping.wait(_MOMENT):
            return
        marked = known_issues.marked(
            cell, wish.issues, wish.source.suite, wish.target.suite, wish.today
        )
        with writing:
            if not stopping.is_set():
                journal.add(marked)
                found[cell.machine, cell.step] = marked
                watcher.done(marked)

    def tried(row: Row, before: Cell | None = None) -> Cell | None:
        """Do a type, and return what kept it from its end."""
        again = () if before is None else (f"second try; {_why(before)}",)
        done: list[Cell] = []
        begun = partial(watcher.begun, row.machine)
        for cell in OneType(row, numbers[row.machine], on, wish.folder).run(begun):
            done.append(replace(cell, sentences=(*cell.sentences, *again)))
            keep(done[-1])
            if stopping.is_set():
                return None
        return planning.broken_off(done)

    def lane() -> None:
        try:
            while waiting and not stopping.is_set():
                row = waiting.popleft()
                # An emulated guest may not outlive its move, and a busy host may lose the other for
                # a while: neither says anything of the packages.
                if (lacking := tried(row)) is not None:
                    tried(row, lacking)
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    # Of a run that is broken off they end with the program, and what they wait for with the lab.
    lanes = [threading.Thread(target=lane, daemon=True) for _ in range(wish.lanes)]
    for one in lanes:
        one.start()
    try:
        while any(one.is_alive() for one in lanes) and not failed:
            time.sleep(_MOMENT)
    finally:
        stopping.set()
    if failed:
        raise failed[0]
    return matrix.with_cells(found.values(), wish.unused)


def _why(cell: Cell) -> str:
    """Say why a type is tried again; the first sentence alone may be a guest's whole console."""
    (first, *_) = cell.sentences or ("no reason was given",)
    return f"at the first {cell.step} was unknown: {first[:_MOST_REASON]}"


def begin(wish: Wish, on: Bench, journal: Journal) -> Matrix:
    """Return the plan, with what a journal has of it where this run goes on with that one.

    Raises ``JournalError`` where the journal is of other packages.
    """
    old, new = on.shown
    heading = Heading(
        source=wish.source.name,
        target=wish.target.name,
        source_qemu=_package(old),
        target_qemu=_package(new),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    offered = [[one.name for one in side.machines] for side in on.shown]
    rows = planning.rows(offered[0], offered[1], wish.types)
    if len(rows) > _MOST_TYPES:
        raise JournalError(f"{len(rows)} machine types; {_MOST_TYPES} is the most of one run")
    if not wish.resume:
        journal.begin(heading)
        return Matrix(heading=heading, rows=rows, cells={})
    before, cells = journal.read()
    if not heading.same_run(before):
        raise JournalError(
            f"it is of {before.source} ({before.source_qemu}) -> {before.target} "
            f"({before.target_qemu}), and this is another run"
        )
    return Matrix(heading=before, rows=rows, cells={}).with_cells(cells, wish.unused)


def _package(one: Atlas) -> str:
    return one.made.package or f"QEMU {one.made.qemu}"
