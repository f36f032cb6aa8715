"""``python -m tests.folder_map``: draw the map of host_agent's folders into CONTRIBUTING.md.

It is made from the table that tests/lint/test_imports.py holds the code against, and from the
folders' own docstrings, so it says what is so.
"""

import ast
import re
from collections.abc import Iterable

from tests.checkout import CHECKOUT
from tests.lint.test_imports import DOOR_IMPORTS, FOLDERS

FILE = CHECKOUT / "CONTRIBUTING.md"
_BEGIN, _END = "<!-- folders: python -m tests.folder_map -->\n", "<!-- end of folders -->\n"
_WIDTH = 100
_MAY, _MAY_NOT = "●", "·"


def picture() -> str:
    """Return the map, from the door down to the ground: a line a folder.

    Each mark of a line stands below the name of a folder further up, and says whether that one may
    import this line's.
    """
    above = [DOOR_IMPORTS]
    lines, said = ["cli.py"], ["The door"]
    for folder, row in reversed(FOLDERS.items()):
        lines.append(_marked((_MAY if folder in may else _MAY_NOT for may in above), f"{folder}/"))
        said.append(_charter(folder))
        above.append(row.may)
    lines.append(_marked((_MAY for _ in above), "*.py"))
    said.append("The ground")
    room = max(map(len, lines)) + 2
    drawn = [f"{line:<{room}}{words}" for line, words in zip(lines, said, strict=True)]
    assert max(map(len, drawn)) <= _WIDTH, "the first words of a folder's docstring are too many"
    return "\n".join(["```", *drawn, "```"]) + "\n"


def _marked(marks: Iterable[str], name: str) -> str:
    return " ".join([*marks, name])


def _charter(folder: str) -> str:
    """Return the first words of a folder's docstring."""
    source = (CHECKOUT / "host_agent" / folder / "__init__.py").read_text(encoding="utf-8")
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    return re.split(r"[.:;]", text, maxsplit=1)[0].replace("``", "")


def drawn(text: str) -> str:
    """Return the document with the map as it is today."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{picture()}{_END}{after}"


if __name__ == "__main__":
    FILE.write_text(drawn(FILE.read_text(encoding="utf-8")), encoding="utf-8")
