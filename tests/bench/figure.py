"""What one row of the table is: our values, its floor's, and whether the goal is held. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Goal(StrEnum):
    """How ours is to stand to its floor."""

    AT_MOST = "at most that many times the floor"
    FASTER = "the floor takes at least that many times as long"
    MORE = "at most that much more than the floor"
    NONE = "no goal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values of the floor and of ours; those of one place were measured right after each other."""

    unit: str
    """``s``, ``KiB``, ``1/min`` or a word for a count."""
    floor: Sequence[float]
    ours: Sequence[float]

    @property
    def ratio(self) -> float | None:
        """The median of the pairs' ratios; None: the floor is nothing at all."""
        if not all(self.floor):
            return None
        return statistics.median(b / a for a, b in zip(self.floor, self.ours, strict=True))

    @property
    def more(self) -> float:
        """The median of the pairs' differences."""
        return statistics.median(b - a for a, b in zip(self.floor, self.ours, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row that was measured."""

    row: str
    """The row's name, by which it can be chosen."""
    part: str = ""
    """Which of several figures of that row it is; empty: the only one."""
    what: str
    beside: str
    """What the floor is."""
    judged: Series
    goal: Goal = Goal.NONE
    limit: float = 0.0
    also: Mapping[str, Series] = field(default_factory=dict)
    """What was measured in the same runs and is not judged, by name."""
    note: str = ""

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.row} {self.part}".rstrip()

    @property
    def held(self) -> bool | None:
        """Whether the goal is held; None: there is none."""
        ratio = self.judged.ratio
        match self.goal:
            case Goal.AT_MOST:
                return ratio is not None and ratio <= self.limit
            case Goal.FASTER:
                return ratio is not None and ratio * self.limit <= 1
            case Goal.MORE:
                return self.judged.more <= self.limit
            case Goal.NONE:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """A row that was not, and why."""

    row: str
    why: str
    broke: bool = False
    """Whether it should have been."""
