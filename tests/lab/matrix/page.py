"""A matrix as one HTML file that needs no other: a picture, and what it comes to. Pure."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from host_agent.printable import printable
from tests.lab.matrix.cells import Cell, Outcome, Row, Score, Step
from tests.lab.matrix.result import Matrix

_TEMPLATE = "page.html.j2"
# A letter as well: a picture must not be told by its colours alone.
_MARKS = {
    Outcome.EXPECTED: ("", "#4a9d5b"), Outcome.BEYOND: ("B", "#c62f2f"),
    Outcome.KNOWN: ("k", "#d9a400"), Outcome.UNKNOWN: ("?", "#8d6cc4"),
    Outcome.TOLD: ("i", "#5b8fc9"), Outcome.NOT_REACHED: ("-", "#b5b5b5"),
}  # fmt: skip
_NOT_DONE = ("", "#ececec")
_WIDTH, _HEIGHT, _LEFT, _TOP = 74, 18, 150, 24


def render(matrix: Matrix, code: int) -> str:
    """Return the page."""
    picture = {
        "width": _LEFT + _WIDTH * len(Step) + 1,
        "height": _TOP + _HEIGHT * len(matrix.rows) + 1,
        "steps": [{"word": step, "x": _x(step) + _WIDTH // 2} for step in Step],
        "rows": [_row(matrix, row, at) for at, row in enumerate(matrix.rows)],
    }
    shown = {Outcome.BEYOND, Outcome.KNOWN, Outcome.UNKNOWN}
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            heading=matrix.heading,
            code=code,
            picture=picture,
            legend=[
                {"word": word, "mark": mark, "colour": colour}
                for word, (mark, colour) in _MARKS.items()
            ],
            counts=[(word, matrix.counts[word]) for word in Outcome if matrix.counts[word]],
            undone=matrix.undone,
            cells=[cell for cell in matrix.found if cell.outcome in shown],
            scores=[
                (kind, [counted[score] for score in Score])
                for kind, counted in matrix.scores.items()
            ],
            score_words=list(Score),
            wrong=matrix.wrong,
            unused=matrix.unused,
            figures=_figures(matrix),
        )
    )


def _x(step: Step) -> int:
    return _LEFT + _WIDTH * list(Step).index(step)


def _row(matrix: Matrix, row: Row, at: int) -> dict[str, Any]:
    return {
        "machine": row.machine,
        "y": _TOP + _HEIGHT * at,
        "cells": [_cell(matrix.cells.get((row.machine, step)), step) for step in row.steps],
    }


def _cell(cell: Cell | None, step: Step) -> dict[str, Any]:
    mark, colour = _NOT_DONE if cell is None else _MARKS[cell.outcome]
    wrong = cell is not None and any(one.score is Score.WRONG for one in cell.forecasts)
    said = "not done" if cell is None else "; ".join((cell.outcome, *cell.sentences[:2]))
    return {
        "x": _x(step),
        "width": _WIDTH - 2,
        "height": _HEIGHT - 2,
        "mark": f"{mark}{'!' if wrong else ''}",
        "colour": colour,
        "title": said,
        "anchor": f"{cell.machine}-{cell.step}"
        if cell is not None and cell.outcome in {Outcome.BEYOND, Outcome.KNOWN, Outcome.UNKNOWN}
        else None,
    }


def _figures(matrix: Matrix) -> list[tuple[str, str, int, float, float]]:
    """Return of each figure: its step, its name, how many there are, the middle and the most."""
    found: dict[tuple[str, str], list[float]] = {}
    for cell in matrix.found:
        for name, value in cell.figures.items():
            found.setdefault((cell.step, name), []).append(value)
    return [
        (step, name, len(values), sorted(values)[len(values) // 2], max(values))
        for (step, name), values in found.items()
    ]


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: printable(value) if isinstance(value, str) else value,
    )
