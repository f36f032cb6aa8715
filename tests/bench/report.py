"""Figures → text and JSON. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.figure import Figure, Goal, Series, Unmeasured

SCHEMA = 1
_UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")), "KiB": ((1024.0, "MiB"), (1.0, "KiB"))}


def value(number: float, unit: str) -> str:
    """Return a number with the unit that suits it: 0.0042 s is 4.2 ms."""
    known = _UNITS.get(unit, ((1.0, unit),))
    factor, name = next((one for one in known if abs(number) >= one[0]), known[-1])
    return f"{number / factor:.3g} {name}".rstrip()


def spread(values: Sequence[float], unit: str) -> str:
    """Return the median, and in brackets the least and the most."""
    middle = value(statistics.median(values), unit)
    if len(values) == 1:
        return middle
    return f"{middle} ({value(min(values), unit)} to {value(max(values), unit)})"


def _ratio(series: Series) -> str:
    return "" if series.ratio is None else f"{series.ratio:.2f} times"


def _goal(figure: Figure) -> str:
    limit, unit = figure.limit, figure.judged.unit
    match figure.goal:
        case Goal.AT_MOST:
            return f"at most {limit:g} times"
        case Goal.FASTER:
            return f"{limit:g} times faster"
        case Goal.MORE:
            return f"at most {value(limit, unit)} more"
        case Goal.NONE:
            return ""


def _stands(figure: Figure) -> str:
    """How ours stands to the floor, in the words of its goal."""
    ratio = figure.judged.ratio
    if figure.goal is Goal.FASTER and ratio:
        return f"{1 / ratio:.1f} times faster"
    if figure.goal is Goal.MORE or ratio is None:
        return f"{value(figure.judged.more, figure.judged.unit)} more"
    return _ratio(figure.judged)


def text(figure: Figure) -> str:
    """Return one row for people."""
    judged = figure.judged
    stands, goal = _stands(figure), _goal(figure)
    word = {True: "held", False: "MISSED", None: "no goal"}[figure.held]
    lines = [
        f"{figure.name}: {figure.what}",
        f"  floor  {spread(judged.floor, judged.unit):36} {figure.beside}",
        f"  ours   {spread(judged.ours, judged.unit):36} "
        f"{stands}{f'; {goal}' if goal else ''}: {word}",
    ]
    for name, series in figure.also.items():
        both = f"{spread(series.floor, series.unit)}, ours {spread(series.ours, series.unit)}"
        lines.append(f"         {name}: floor {both}, {_ratio(series)}")
    if figure.note:
        lines.append(f"         {figure.note}")
    return "\n".join(lines)


def summary(figures: Sequence[Figure], unmeasured: Sequence[Unmeasured]) -> str:
    """Return the table at the end: a line a row."""
    lines = [f"{'row':32} {'floor':>10} {'ours':>10}  {'':20} {'goal':22} "]
    for one in figures:
        a, b = (statistics.median(side) for side in (one.judged.floor, one.judged.ours))
        word = {True: "held", False: "MISSED", None: ""}[one.held]
        unit = one.judged.unit
        lines.append(
            f"{one.name:32} {value(a, unit):>10} {value(b, unit):>10}  {_stands(one):20} "
            f"{_goal(one):22} {word}"
        )
    lines += [f"{one.row:32} not measured: {one.why.splitlines()[0][:100]}" for one in unmeasured]
    return "\n".join(line.rstrip() for line in lines)


def _series(series: Series) -> dict[str, Any]:
    return {
        "unit": series.unit,
        "floor": list(series.floor),
        "ours": list(series.ours),
        "floor_median": statistics.median(series.floor),
        "ours_median": statistics.median(series.ours),
        "ratio": series.ratio,
        "more": series.more,
    }


def document(
    machine: Mapping[str, Any], figures: Sequence[Figure], unmeasured: Sequence[Unmeasured]
) -> dict[str, Any]:
    """Return all of it, for a program."""
    return {
        "schema": SCHEMA,
        "machine": dict(machine),
        "rows": [
            {
                "row": one.row,
                "part": one.part or None,
                "what": one.what,
                "beside": one.beside,
                "goal": _goal(one) or None,
                "held": one.held,
                "note": one.note or None,
                **_series(one.judged),
                "also": {name: _series(series) for name, series in one.also.items()},
            }
            for one in figures
        ],
        "not_measured": [{"row": one.row, "why": one.why} for one in unmeasured],
    }
