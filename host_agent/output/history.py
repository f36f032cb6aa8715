"""Entries of the ledger as a timeline for people, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from host_agent.output.shared.document import document
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable
from host_agent.records.entry import FINDING_FIELDS, Entry

SCHEMA = 1
_STYLES = {"verified": "green", "mismatch": "bold red", "unverified": "yellow"}
_INDENT = len("HH:MM:SS") + 2
_GAP = 2
_LEAST = 12
"""Columns that a domain's name gets on the narrowest terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was asked of a ledger, and what it answered."""

    place: str
    domain: str | None
    since: float | None
    """Seconds since 1970-01-01 UTC."""
    entries: tuple[Entry, ...]
    """Oldest first."""
    older: bool
    """Whether there are older ones that were asked for and left off."""


def render(history: History) -> str:
    """Return the JSON document, ending with a newline."""
    form = {
        "schema": SCHEMA,
        "ledger": history.place,
        "domain": history.domain,
        "since": None if history.since is None else _iso(history.since),
        "older_left_off": history.older,
        "entries": [_form(entry) for entry in history.entries],
    }
    return document("history", form)


def _form(entry: Entry) -> dict[str, Any]:
    findings = [
        {name: getattr(finding, name) for name in FINDING_FIELDS} for finding in entry.findings
    ]
    return {**asdict(entry), "time": _iso(entry.time), "findings": findings}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def print_history(console: Console, history: History) -> None:
    """Print a line for each entry under its day, and below it the first thing that was wrong."""
    console.print(Text(_heading(history), "bold"), soft_wrap=True)
    for line in _notes(history):
        console.print(Text(line, "dim"), soft_wrap=True)
    rows = [_cells(entry) for entry in history.entries]
    widths = _widths(rows, console.width)
    day = None
    for entry, row in zip(history.entries, rows, strict=True):
        when = datetime.fromtimestamp(entry.time).astimezone()
        if when.date() != day:
            day = when.date()
            console.print(Text(f"\n{day:%Y-%m-%d %a}", "bold"))
        table = Table.grid(padding=(0, _GAP, 0, 0))
        for width in widths:
            table.add_column(width=width, overflow="fold")
        table.add_row(Text(f"{when:%H:%M:%S}"), *row)
        print_table(console, table)
        if entry.problem is not None:
            _print_problem(console, entry)


def _heading(history: History) -> str:
    number = len(history.entries)
    what = f"{number} {'entry' if number == 1 else 'entries'}" if number else "nothing recorded"
    parts = [
        history.place,
        what + (f" of {history.domain}" if history.domain is not None else ""),
        f"since {_local(history.since)}" if history.since is not None else "",
        f"times {datetime.fromtimestamp(history.entries[-1].time).astimezone():%z}"
        if number
        else "",
    ]
    return " | ".join(printable(part) for part in parts if part)


def _local(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"


def _notes(history: History) -> list[str]:
    """What the lines below do not show."""
    notes = []
    uuids = dict.fromkeys(entry.uuid for entry in history.entries)
    if history.domain is not None and len(uuids) > 1:
        notes.append(f"this name was {len(uuids)} domains': {' '.join(map(printable, uuids))}")
    if history.older:
        notes.append("older entries are left off; --limit shows more")
    return notes


def _cells(entry: Entry) -> list[Text]:
    word = printable(entry.verdict)
    return [
        Text(printable(entry.title or entry.name)),
        Text(printable(entry.occasion)),
        Text(word if word == "verified" else word.upper(), _STYLES.get(word, "dim")),
        Text(f"by {printable(entry.depth)}" if entry.depth else "-"),
        Text(printable(entry.host)),
        Text(f"QEMU {printable(entry.qemu)}" if entry.qemu else "-"),
    ]


def _widths(rows: Sequence[Sequence[Text]], room: int) -> list[int]:
    """Every column as wide as it needs; names of domains fold where there is no room."""
    needed = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    if not needed:
        return []
    others = sum(needed[1:]) + _GAP * len(needed) + _INDENT - _GAP
    needed[0] = min(needed[0], max(_LEAST, room - others))
    return [_INDENT - _GAP, *needed]


def _print_problem(console: Console, entry: Entry) -> None:
    finding = entry.problem
    assert finding is not None
    line = Text(f"{printable(finding.check)}  ", _STYLES.get(entry.verdict, ""))
    line.append(printable(finding.sentence), "")
    more = len(entry.findings) - 1
    if more:
        line.append(f" (and {more} more)", "dim")
    print_table(console, Padding(line, (0, 0, 0, _INDENT)))
