"""A whole matrix: what is planned, what came, and the exit code. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from host_agent.output.shared.exit_codes import MISMATCH, UNVERIFIED, VERIFIED
from tests.lab.matrix.cells import Cell, Forecast, Kind, Outcome, Row, Score, Step
from tests.lab.matrix.journal import Heading


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What a run came to so far."""

    heading: Heading
    rows: Sequence[Row]
    cells: Mapping[tuple[str, Step], Cell]
    unused: Sequence[str] = ()
    """Known issues that no cell has any more."""

    def with_cells(
        self, cells: Iterable[Cell], unused: Callable[[Iterable[Cell]], Sequence[str]]
    ) -> "Matrix":
        """Return the plan with these cells; ``unused``: which known issues none of them has."""
        found = {(cell.machine, cell.step): cell for cell in cells}
        return replace(self, cells=found, unused=unused(found.values()))

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """How many cells came to what."""
        return Counter(cell.outcome for cell in self.found)

    @property
    def found(self) -> list[Cell]:
        """The cells that are done, in the order of the plan."""
        return [
            cell
            for row in self.rows
            for step in row.steps
            if (cell := self.cells.get((row.machine, step))) is not None
        ]

    @property
    def undone(self) -> int:
        """How many cells are not done yet."""
        return sum(len(row.steps) for row in self.rows) - len(self.found)

    @property
    def forecasts(self) -> list[tuple[Cell, Forecast]]:
        """Every forecast, with the cell in which it was held against what came."""
        return [(cell, one) for cell in self.found for one in cell.forecasts]

    @property
    def scores(self) -> Mapping[Kind, Mapping[Score, int]]:
        """How often each kind of forecast was worth what."""
        counted = Counter((one.kind, one.score) for _, one in self.forecasts)
        return {kind: {score: counted[kind, score] for score in Score} for kind in Kind}

    @property
    def wrong(self) -> list[tuple[Cell, Forecast]]:
        """The forecasts that were wrong: failures of samemachine's own."""
        return [(cell, one) for cell, one in self.forecasts if one.score is Score.WRONG]


def exit_code(matrix: Matrix) -> int:
    """Return 0 where all is as expected, 1 where something is not or a forecast was wrong.

    Where neither, 3: cells are missing, or evidence in them.
    """
    counts = matrix.counts
    if counts[Outcome.BEYOND] or matrix.wrong:
        return MISMATCH
    if matrix.undone or counts[Outcome.UNKNOWN] or counts[Outcome.NOT_REACHED] or not matrix.rows:
        return UNVERIFIED
    return VERIFIED
