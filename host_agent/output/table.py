"""Tables without the blanks with which rich fills each line."""

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.segment import Segment, Segments

_UNLIMITED = 100_000


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
