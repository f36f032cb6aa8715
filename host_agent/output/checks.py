"""What the manual says of findings, as text for people, and as JSON."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from host_agent.output.shared.document import document
from host_agent.output.shared.manual_page import Entry
from host_agent.output.shared.tables import grid, print_table

_SCHEMA = 1
_STYLES: Mapping[str, str] = {
    "pass": "green", "fail": "red", "warn": "yellow", "unknown": "magenta", "skip": "dim",
}  # fmt: skip


def print_list(console: Console, entries: Sequence[Entry]) -> None:
    """Print a line for each finding, part by part."""
    width = max(len(one.id) for one in entries) + 2
    for number, part in enumerate(dict.fromkeys(one.part for one in entries)):
        if number:
            console.print()
        console.print(Text(part.upper(), "bold"))
        rows = [(Text(f"  {one.id}"), Text(one.question)) for one in entries if one.part == part]
        print_table(console, grid(rows, width))


def print_entry(console: Console, one: Entry) -> None:
    """Print what the manual says of one finding."""
    console.print(Text.assemble((one.id, "bold"), f"  {one.question}"))
    rows = [(Text("  compares"), Text(one.compares))]
    rows += [
        (Text(f"  {outcome}", _STYLES[outcome]), Text(said))
        for outcome, said in one.outcomes.items()
    ]
    rows += [
        (Text("  do"), Text(one.remedy)),
        (Text("  source", "dim"), Text(one.source, "dim")),
    ]
    print_table(console, grid(rows))


def render(entries: Sequence[Entry]) -> str:
    """Return it as JSON."""
    form = {
        "schema": _SCHEMA,
        "checks": [
            {
                "id": one.id,
                "part": one.part,
                "question": one.question,
                "compares": one.compares,
                "outcomes": {str(key): said for key, said in one.outcomes.items()},
                "remedy": one.remedy,
                "source": one.source,
            }
            for one in entries
        ],
    }
    return document("checks", form)
