"""Tables without the blanks with which rich fills each line."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

_UNLIMITED = 100_000

Row = tuple[Text, Text]
"""What a line is about, and what is said of it."""


def grid(rows: Iterable[Row], width: int = 0) -> Table:
    """Return two columns; the first has at least ``width`` and is never wrapped."""
    found = Table.grid(padding=(0, 2, 0, 0))
    found.add_column(no_wrap=True, min_width=width)
    found.add_column(overflow="fold")
    for row in rows:
        found.add_row(*row)
    return found


def print_table(
    console: Console, table: RenderableType, *, whole: bool = False, least: int = 0
) -> None:
    """Print a table so that no line ends in blanks.

    ``whole``: wider than the console where it must be, so that no name is cut; ``least``: for a
    console of at least that many columns, since a column without room would not be there.
    """
    options = console.options.update(max_width=max(console.width, least))
    if whole:
        wanted = Measurement.get(console, options.update(max_width=_UNLIMITED), table).maximum
        options = options.update(max_width=max(wanted, console.width))
    lines = console.render_lines(table, options, pad=False)
    with console.capture() as captured:
        for line in lines:
            console.print(Segments([*line, Segment.line()]), end="", soft_wrap=True)
    for text in captured.get().splitlines():
        console.file.write(text.rstrip() + "\n")
