"""Whether guests may move between releases: an answer, and the matrix."""

from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.machine_types.releases import SHOWN, Cell, Matrix, PathAnswer, Release, Supported
from host_agent.output.shared import pages
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import MISMATCH, UNVERIFIED, VERIFIED
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable

_SCHEMA = 1
_YES, _ENDED, _NO = "yes", "ended", "no"
_MARKS = {_YES: "Y", _ENDED: "(Y)", _NO: "·"}
_STYLES = {_YES: "green", _ENDED: "dim", _NO: "dim"}


_ANSWER_STYLES = {Supported.YES: "green", Supported.NO: "bold red", Supported.UNKNOWN: "yellow"}
_CODES = {Supported.YES: VERIFIED, Supported.NO: MISMATCH, Supported.UNKNOWN: UNVERIFIED}


_FILLS = {_YES: "#b7e1b0", _ENDED: "#eeeeee", _NO: "#ffffff"}
_SIDE, _LEFT, _TOP = 26, 150, 120


class Shown(NamedTuple):
    """A cell of the matrix as it is drawn."""

    kind: str
    mark: str
    why: str


def drawn(matrix: Matrix) -> list[list[Shown]]:
    """Return the cells, row by row."""
    return [
        [
            Shown(_kind(cell), _MARKS[_kind(cell)], _why(origin, target, cell, matrix))
            for target, cell in zip(matrix.releases, row, strict=True)
        ]
        for origin, row in zip(matrix.releases, matrix.rows, strict=True)
    ]


def _kind(cell: Cell) -> str:
    return _YES if cell.supported else _ENDED if cell.allowed else _NO


def legend(matrix: Matrix) -> tuple[str, ...]:
    """Return what the marks mean."""
    return (
        f"Y    supported on {matrix.on}: a path of the policy, both ends get updates",
        "(Y)  a path of the policy, but one end gets no updates on that day, or is not out yet",
        "Other paths may work and are not supported; backward is risky.",
    )


def title(matrix: Matrix) -> str:
    """Return whose matrix it is, and of which day."""
    distribution = SHOWN.get(matrix.releases[0].distribution, matrix.releases[0].distribution)
    return f"{distribution}: where guests may move, on {matrix.on}"


def print_matrix(console: Console, matrix: Matrix) -> None:
    """Print the matrix; columns are numbered like their rows, so that it fits a terminal."""
    console.print(Text(printable(title(matrix)), "bold"), soft_wrap=True)
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("from \\ to", no_wrap=True, header_style="bold")
    for number in range(1, len(matrix.releases) + 1):
        table.add_column(Text(str(number)), no_wrap=True, justify="center", min_width=3)
    for number, (release, row) in enumerate(zip(matrix.releases, matrix.rows, strict=True), 1):
        kinds = [_kind(cell) for cell in row]
        table.add_row(
            Text(f"{number} {printable(str(release))}"),
            *(Text(_MARKS[kind], _STYLES[kind]) for kind in kinds),
        )
    print_table(console, table, whole=True)
    console.print()
    for line in legend(matrix):
        console.print(Text(line, "dim"), soft_wrap=True)


def render_json(matrix: Matrix) -> str:
    """Return the matrix for programs: every path, also those that are none."""
    form = {
        "schema": _SCHEMA,
        "on": str(matrix.on),
        "releases": [_release(one) for one in matrix.releases],
        "paths": [
            {
                "from": origin.codename,
                "to": target.codename,
                "policy": cell.allowed,
                "supported": cell.supported,
            }
            for origin, row in zip(matrix.releases, matrix.rows, strict=True)
            for target, cell in zip(matrix.releases, row, strict=True)
        ],
    }
    return document("path-matrix", form)


def _release(release: Release) -> dict[str, Any]:
    end = release.support_end
    return {
        "distribution": release.distribution,
        "codename": release.codename,
        "version": release.version,
        "lts": release.lts,
        "released": str(release.released) if release.released else None,
        "support_ends": str(end) if end else None,
    }


def render_page(matrix: Matrix, form: str) -> str:
    """Return the matrix as ``svg`` or ``html``; both are well-formed XML, and load nothing."""
    size = len(matrix.releases)
    columns = [
        {"name": release.codename, "x": _LEFT + number * _SIDE}
        for number, release in enumerate(matrix.releases)
    ]
    rows = [
        {
            "name": str(origin),
            "y": _TOP + number * _SIDE,
            "cells": [
                {
                    "x": _LEFT + at * _SIDE,
                    "fill": _FILLS[cell.kind],
                    **cell._asdict(),
                }
                for at, cell in enumerate(row)
            ],
        }
        for number, (origin, row) in enumerate(zip(matrix.releases, drawn(matrix), strict=True))
    ]
    bottom = _TOP + size * _SIDE + 24
    return pages.render(
        f"matrix.{form}.j2",
        title=title(matrix),
        columns=columns,
        rows=rows,
        legend=legend(matrix),
        side=_SIDE,
        left=_LEFT,
        top=_TOP,
        legend_top=bottom,
        height=bottom + 48,
        width=max(_LEFT + size * _SIDE + 70, 620),
    )


def _why(origin: Release, target: Release, cell: Cell, matrix: Matrix) -> str:
    words = {
        _YES: f"supported on {matrix.on}",
        _ENDED: "a path of the policy; one end is not supported on that day",
        _NO: "not supported",
    }
    return f"{origin.codename} to {target.codename}: {words[_kind(cell)]}"


def exit_code(answer: PathAnswer) -> int:
    """Return the exit code."""
    return _CODES[answer.supported]


def print_answer(console: Console, answer: PathAnswer) -> None:
    """Print whether a path is supported, why, and what else there is."""
    how = "live" if answer.live else "stopped and started"
    line = Text(f"{answer.supported.upper()}  ", _ANSWER_STYLES[answer.supported])
    line.append(printable(f"{answer.origin} -> {answer.target}, {how}, on {answer.on}"), "bold")
    console.print(line, soft_wrap=True)
    lines = [("why", answer.why)]
    if answer.through:
        lines.append(("way round", " -> ".join(one.codename for one in answer.through)))
    if answer.note:
        lines.append(("but", answer.note))
    if answer.remedy:
        lines.append(("or", answer.remedy))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(Text(f"  {name}", "dim"), Text(printable(text)))
    print_table(console, grid)


def render_answer(answer: PathAnswer) -> str:
    """Return an answer for programs."""
    form = {
        "schema": _SCHEMA,
        "from": answer.origin,
        "to": answer.target,
        "on": str(answer.on),
        "live": answer.live,
        "supported": answer.supported,
        "why": answer.why,
        "through": [one.codename for one in answer.through],
        "note": answer.note,
        "remedy": answer.remedy,
    }
    return document("path", form)
