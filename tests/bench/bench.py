"""How a run of the benchmarks is done: how often, how long, and where things lie."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.figure import Figure
from tests.bench.processes import Tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What every row is given."""

    folder: Path
    """Scratch, gone at the end."""
    plot: Path
    """Where the plots of growth go."""
    quick: bool
    """Few rounds, and fewer domains: to try a row, not to believe it."""
    minutes: float
    """How long what is idle is watched."""
    chosen: Collection[str]
    """The rows that are wanted."""
    tell: Tell

    def rounds(self, usual: int) -> int:
        """Return how many pairs are measured."""
        return min(usual, 2) if self.quick else usual

    def many(self, usual: int) -> int:
        """Return how many domains, guests or calls there are."""
        return max(1, usual // 10) if self.quick else usual


class Measure(Protocol):
    """Measures some rows that are prepared together, those of them that are chosen."""

    def __call__(self, bench: Bench, /) -> Iterator[Figure]:
        """Yield each as soon as it is measured."""
