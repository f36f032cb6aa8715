"""A matrix on a terminal: the table, how far it is, and what it came to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from host_agent.printable import printable
from tests.lab.matrix.cells import Cell, Outcome, Row, Score, Step
from tests.lab.matrix.result import Matrix

MARKS = {
    Outcome.EXPECTED: ("ok", "green"), Outcome.BEYOND: ("BEYOND", "bold red"),
    Outcome.KNOWN: ("known", "yellow"), Outcome.UNKNOWN: ("unknown", "yellow"),
    Outcome.TOLD: ("told", "cyan"), Outcome.NOT_REACHED: ("-", "dim"),
}  # fmt: skip
_WRONG = "!"
"""Stands behind a cell in which a forecast was wrong."""
_LINES = 24
"""So many types of those that are done are shown while it runs."""


class Watcher(Protocol):
    """Is told how a run goes."""

    def begun(self, machine: str, step: Step) -> None:
        """A step begins."""

    def done(self, cell: Cell) -> None:
        """A step is done."""


class _Lines:
    """A line a cell, where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begun(self, machine: str, step: Step) -> None:
        """Nothing is said."""

    def done(self, cell: Cell) -> None:
        self._console.print(line(cell), soft_wrap=True)


def line(cell: Cell) -> Text:
    """Return a cell in a line."""
    word, style = MARKS[cell.outcome]
    text = Text(f"{cell.machine}  {cell.step}  ").append(word, style)
    text.append(f"  {cell.seconds:.0f} s", "dim")
    for said in (cell.sentences[:1]) if cell.outcome is not Outcome.EXPECTED else ():
        text.append(f"  {printable(said)}")
    figures = ", ".join(f"{name} {value:.0f}" for name, value in cell.figures.items())
    return text.append(f"  {figures}" if figures else "", "dim")


class _Screen:
    """A table that is drawn anew with each cell, and a bar."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._cells = dict(matrix.cells)
        self._running: dict[str, Step] = {}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        title = f"{matrix.heading.source} -> {matrix.heading.target}"
        total = sum(len(row.steps) for row in matrix.rows)
        self._task = self._bar.add_task(title, total=total, completed=len(self._cells))

    def begun(self, machine: str, step: Step) -> None:
        self._running[machine] = step

    def done(self, cell: Cell) -> None:
        self._cells[cell.machine, cell.step] = cell
        self._running.pop(cell.machine, None)
        self._bar.advance(self._task)

    def __rich__(self) -> Group:
        begun = [
            row
            for row in self._matrix.rows
            if row.machine in self._running
            or any((row.machine, step) in self._cells for step in row.steps)
        ]
        return Group(table(begun[-_LINES:], self._cells, self._running), self._bar)


@contextmanager
def watching(console: Console, matrix: Matrix) -> Iterator[Watcher]:
    """Show how a run goes: on a terminal a table that lives, else a line a cell."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    screen = _Screen(matrix)
    with Live(screen, console=console, refresh_per_second=4):
        yield screen


def table(
    rows: "list[Row] | tuple[Row, ...]",
    cells: Mapping[tuple[str, Step], Cell],
    running: Mapping[str, Step] | None = None,
) -> Table:
    """Return types by steps."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("machine type", no_wrap=True)
    for step in Step:
        made.add_column(step)
    for row in rows:
        made.add_row(row.machine, *(_mark(row, step, cells, running or {}) for step in Step))
    return made


def _mark(
    row: Row,
    step: Step,
    cells: Mapping[tuple[str, Step], Cell],
    running: Mapping[str, Step],
) -> Text:
    cell = cells.get((row.machine, step))
    if cell is None:
        return Text("..." if running.get(row.machine) is step else "", "dim")
    word, style = MARKS[cell.outcome]
    wrong = any(one.score is Score.WRONG for one in cell.forecasts)
    return Text(word, style).append(_WRONG if wrong else "", "bold red")


def print_matrix(console: Console, matrix: Matrix, code: int) -> None:
    """Print the table, what is not as expected, and what forecasts were worth."""
    heading = matrix.heading
    title = f"{heading.source} ({heading.source_qemu}) -> {heading.target} ({heading.target_qemu})"
    console.print(Text(printable(title), "bold"), soft_wrap=True)
    console.print(table(list(matrix.rows), matrix.cells))
    for cell in matrix.found:
        if cell.outcome in {Outcome.EXPECTED, Outcome.TOLD, Outcome.NOT_REACHED}:
            continue
        console.print()
        console.print(line(cell), soft_wrap=True)
        more = (*cell.sentences[1:], *cell.beyond, *filter(None, [cell.known]))
        for said in (*more, *([f"logs: {cell.logs}"] if cell.logs else [])):
            console.print(f"  {printable(said)}", soft_wrap=True, markup=False)
    console.print()
    console.print(_scores(matrix))
    for cell, one in matrix.wrong:
        console.print(
            Text("WRONG FORECAST", "bold red").append(
                printable(f"  {one.kind} of {cell.machine}, {cell.step}: {one.about}"), ""
            ),
            soft_wrap=True,
        )
        console.print(f"  told: {printable(one.told)}", soft_wrap=True, markup=False)
        console.print(f"  came: {printable(one.came)}", soft_wrap=True, markup=False)
    for gone in matrix.unused:
        console.print(Text(f"known issue that nothing has any more: {printable(gone)}", "yellow"))
    counted = ", ".join(f"{word} {matrix.counts[word]}" for word in Outcome if matrix.counts[word])
    undone = f", not done {matrix.undone}" if matrix.undone else ""
    console.print(f"{counted or 'nothing done'}{undone}   exit {code}")


def _scores(matrix: Matrix) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("forecasts")
    for score in Score:
        made.add_column(score, justify="right")
    for kind, counted in matrix.scores.items():
        made.add_row(kind, *(str(counted[score]) for score in Score))
    return made
