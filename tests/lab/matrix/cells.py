"""The cells of a matrix: machine types by steps, and what comes of each. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

_VERSION = re.compile(r"-(\d[\d.]*)$")


class Offer(StrEnum):
    """Which of the two QEMUs has a machine type."""

    BOTH = "both"
    SOURCE = "source"
    TARGET = "target"


class Step(StrEnum):
    """What is done with a guest, in this order."""

    PROBE = "probe"
    """What the two QEMUs show a guest, held against what is known of their releases."""
    BOOT = "boot"
    """A guest boots on the source (on the target, where only that has its type)."""
    MOVE = "move"
    """Moved live, under load."""
    LOAD = "load"
    """What the load says: writes, memory, a connection, clocks."""
    REBOOT = "reboot"
    """Reset where it came to."""
    RESTART = "restart"
    """Stopped and started there."""
    BACK = "back"
    """Moved live to where it came from."""


STEPS: Mapping[Offer, Sequence[Step]] = {
    Offer.BOTH: tuple(Step),
    Offer.SOURCE: (Step.BOOT, Step.MOVE, Step.RESTART),
    Offer.TARGET: (Step.BOOT, Step.BACK),
}


class Outcome(StrEnum):
    """What a cell comes to."""

    EXPECTED = "as expected"
    BEYOND = "beyond the expected"
    KNOWN = "known issue"
    """Beyond the expected, and on the list."""
    UNKNOWN = "unknown"
    """Evidence is missing: never as good as expected."""
    TOLD = "told"
    """Of a step that nothing is expected of, or of a guest that can't say more."""
    NOT_REACHED = "not reached"
    """A step before it did not end where this one begins."""


class Kind(StrEnum):
    """Who made a forecast."""

    PROBE = "probe"
    """QEMU asked for its tables, as atlases and audits do."""
    REHEARSAL = "rehearsal"
    VMSTATE = "vmstate"
    """The descriptions of migration states."""
    PLAN = "plan"


class Score(StrEnum):
    """What a forecast was worth."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """It said nothing, or what came could not be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One forecast, and what came."""

    kind: Kind
    about: str
    told: str
    came: str
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One step of one machine type."""

    machine: str
    step: Step
    outcome: Outcome
    sentences: tuple[str, ...] = ()
    """What was seen; of a bad one the reason first."""
    differences: tuple[str, ...] = ()
    """What the guest found otherwise than before."""
    beyond: tuple[str, ...] = ()
    """Those of them that nothing foretells."""
    forecasts: tuple[Forecast, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    """Measured in this step; the unit is the end of each name."""
    seconds: float = 0.0
    logs: str | None = None
    """The folder with what QEMU and the guest said, below the run's own."""
    known: str | None = None
    """Why it is on the list of known issues, and until when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is to be done with one machine type."""

    machine: str
    offer: Offer

    @property
    def steps(self) -> Sequence[Step]:
        """The steps, in their order."""
        return STEPS[self.offer]


def rows(
    source: Collection[str], target: Collection[str], patterns: Sequence[str]
) -> tuple[Row, ...]:
    """Return what is to be done, those types first that both have, the newest of each first.

    ``source``, ``target``: the types that each QEMU offers. ``patterns``: as of a shell, such as
    ``pc-q35-*``.
    """
    wanted = [name for name in dict.fromkeys([*source, *target]) if _is_wanted(name, patterns)]
    found = [Row(machine=name, offer=_offer(name, source, target)) for name in wanted]
    order = list(Offer)
    return tuple(sorted(found, key=lambda row: (order.index(row.offer), *_newest(row.machine))))


def _is_wanted(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _offer(name: str, source: Collection[str], target: Collection[str]) -> Offer:
    if name in source and name in target:
        return Offer.BOTH
    return Offer.SOURCE if name in source else Offer.TARGET


def _newest(machine: str) -> tuple[tuple[int, ...], str]:
    found = _VERSION.search(machine)
    parts = found[1].split(".") if found else ()
    return tuple(-int(part) for part in parts if part), machine


def listed(machine_help: str) -> tuple[str, ...]:
    """Return the types of ``qemu-system-x86_64 -machine help``, without aliases."""
    lines = (line.split(maxsplit=1) for line in machine_help.splitlines())
    return tuple(
        line[0]
        for line in lines
        if len(line) == 2 and line[0] != "Supported" and "(alias of " not in line[1]
    )


def waiting(planned: Iterable[Row], done: Iterable[Cell]) -> tuple[Row, ...]:
    """Return the types of which not every step is done: a guest does not outlive a run."""
    ended = {(cell.machine, cell.step) for cell in done}
    return tuple(
        row for row in planned if any((row.machine, step) not in ended for step in row.steps)
    )


def broken_off(done: Sequence[Cell]) -> Cell | None:
    """Return the step for lack of whose evidence a type is to be tried again; None: it is not.

    A second try takes the place of the first, so there is none where the first found a fault.
    """
    wrong = (one.score is Score.WRONG for cell in done for one in cell.forecasts)
    if any(wrong) or any(cell.outcome is Outcome.BEYOND for cell in done):
        return None
    for at, cell in enumerate(done):
        after = (later.outcome for later in done[at + 1 :])
        if cell.outcome is Outcome.UNKNOWN and Outcome.NOT_REACHED in after:
            return cell
    return None
