"""The journal of a run: a line a cell, written when it is done, so that a run can be gone on with.

The first line says of which run it is. A last line that was cut off by a crash is no line.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.lab.matrix.cells import Cell, Forecast, Kind, Outcome, Score, Step

SCHEMA = 1


class JournalError(Exception):
    """A journal that can't be gone on with; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """Of what a run is."""

    source: str
    target: str
    source_qemu: str
    """Package and version, as its atlas has them."""
    target_qemu: str
    started: str
    """ISO 8601, with its offset."""

    def same_run(self, other: "Heading") -> bool:
        """Tell whether both are of the same two packages."""
        ours, theirs = asdict(self), asdict(other)
        return all(ours[name] == theirs[name] for name in ours if name != "started")


def cell_form(cell: Cell) -> dict[str, Any]:
    """Return a cell as it is in JSON."""
    return asdict(cell) | {"figures": {name: round(one, 1) for name, one in cell.figures.items()}}


def cell_from(form: Mapping[str, Any]) -> Cell:
    """Return a cell of JSON; raises ``KeyError``, ``TypeError`` or ``ValueError``."""
    return Cell(
        **{
            **form,
            "step": Step(form["step"]),
            "outcome": Outcome(form["outcome"]),
            "sentences": tuple(form["sentences"]),
            "differences": tuple(form["differences"]),
            "beyond": tuple(form["beyond"]),
            "forecasts": tuple(
                Forecast(**{**one, "kind": Kind(one["kind"]), "score": Score(one["score"])})
                for one in form["forecasts"]
            ),
        }
    )


class Journal:
    """A file that cells are appended to."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def begin(self, heading: Heading) -> None:
        """Begin anew."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)
        self._append({"schema": SCHEMA, **asdict(heading)})

    def add(self, cell: Cell) -> None:
        """Write down a cell; it is on the disk when this returns."""
        self._append(cell_form(cell))

    def _append(self, form: Mapping[str, Any]) -> None:
        line = json.dumps(form).encode() + b"\n"
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            length = os.fstat(handle).st_size
            if length and os.pread(handle, 1, length - 1) != b"\n":
                line = b"\n" + line
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def read(self) -> tuple[Heading, tuple[Cell, ...]]:
        """Return what is written down, of each cell the latest; raises ``JournalError``."""
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise JournalError(f"{self._file} can't be read: {error.strerror}") from error
        forms = [form for line in lines if (form := _form(line)) is not None]
        try:
            schema, heading = forms[0].pop("schema"), Heading(**forms[0])
            cells = [cell_from(form) for form in forms[1:]]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise JournalError(f"{self._file} is no journal of a matrix: {error}") from error
        if schema != SCHEMA:
            raise JournalError(f"{self._file} has schema {schema}; this reads {SCHEMA}")
        return heading, tuple({(cell.machine, cell.step): cell for cell in cells}.values())


def _form(line: str) -> dict[str, Any] | None:
    try:
        form = json.loads(line)
    except ValueError:
        return None
    return form if isinstance(form, dict) else None
