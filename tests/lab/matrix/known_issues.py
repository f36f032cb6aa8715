"""Issues that are known, each with a reason and an end: a TOML file. Pure.

::

    [[issue]]
    step = "move"                  # as in the matrix; every condition but this may be left out
    machine = "pc-i440fx-2.*"      # a pattern, as of a shell
    says = "vring.num 1024"        # what one of the cell's sentences or differences contains
    source = "trixie"
    target = "forky"
    reason = "QEMU 10.0.13 gives every virtio queue 1,024 entries"
    until = 2027-06-30             # the last day

What is over counts no more, and is told.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from tests.lab.matrix.cells import Cell, Outcome, Step

_NEEDED = ("step", "reason", "until")


class KnownIssuesError(Exception):
    """A file that can't be used; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One known issue."""

    step: Step
    reason: str
    until: date
    machine: str = "*"
    says: str = ""
    source: str = "*"
    target: str = "*"


def parse(text: str, name: str) -> tuple[Issue, ...]:
    """Return the issues of a file called ``name``; raises ``KnownIssuesError``."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnownIssuesError(f"{name} is no TOML: {error}") from error
    tables = document.pop("issue", [])
    if document or not isinstance(tables, list):
        raise KnownIssuesError(f"{name}: there is only [[issue]]")
    return tuple(_issue(table, f"{name}, issue {at}") for at, table in enumerate(tables, 1))


def _issue(table: Any, where: str) -> Issue:
    if not isinstance(table, dict):
        raise KnownIssuesError(f"{where} is no table")
    unknown = table.keys() - {one.name for one in fields(Issue)}
    missing = [name for name in _NEEDED if not table.get(name)]
    if unknown or missing:
        what = f"unknown key {min(unknown)!r}" if unknown else f"no {missing[0]}"
        raise KnownIssuesError(f"{where}: {what}")
    until = table["until"]
    texts = {name: value for name, value in table.items() if name != "until"}
    if not isinstance(until, date) or isinstance(until, datetime):
        raise KnownIssuesError(f"{where}: until is a date, such as 2027-06-30")
    if not all(isinstance(value, str) for value in texts.values()):
        raise KnownIssuesError(f"{where}: all but until are texts")
    try:
        return Issue(**{**texts, "step": Step(table["step"]), "until": until})
    except ValueError as error:
        raise KnownIssuesError(f"{where}: {error}; there are {', '.join(Step)}") from error


def marked(cell: Cell, issues: Sequence[Issue], source: str, target: str, today: date) -> Cell:
    """Return a cell as a known issue where it is one; where it was one, it says since when not."""
    if cell.outcome is not Outcome.BEYOND:
        return cell
    fitting = [one for one in issues if _fits(one, cell, source, target)]
    for issue in fitting:
        if today <= issue.until:
            return replace(
                cell, outcome=Outcome.KNOWN, known=f"{issue.reason} (until {issue.until})"
            )
    over = (f"known until {one.until}, which is over: {one.reason}" for one in fitting)
    return replace(cell, sentences=(*cell.sentences, *over))


def _fits(issue: Issue, cell: Cell, source: str, target: str) -> bool:
    said = (*cell.sentences, *cell.beyond)
    return (
        issue.step is cell.step
        and fnmatchcase(cell.machine, issue.machine)
        and fnmatchcase(source, issue.source)
        and fnmatchcase(target, issue.target)
        and (not issue.says or any(issue.says in one for one in said))
    )


def unused(issues: Iterable[Issue], cells: Iterable[Cell], source: str, target: str) -> list[str]:
    """Return the issues of this pair that no cell has any more: they can go."""
    bad = [one for one in cells if one.outcome in {Outcome.BEYOND, Outcome.KNOWN}]
    return [
        f"{one.step} of {one.machine}: {one.reason}"
        for one in issues
        if fnmatchcase(source, one.source)
        and fnmatchcase(target, one.target)
        and not any(_fits(one, cell, source, target) for cell in bad)
    ]
