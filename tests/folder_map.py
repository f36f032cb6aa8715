"""``python -m tests.folder_map``: write the map of host_agent's folders into CONTRIBUTING.md.

It is made from the table that tests/lint/test_imports.py holds the code against, and from the
folders' own docstrings, so it says what is so.
"""

import ast

from tests.checkout import CHECKOUT
from tests.lint.test_imports import FOLDERS

FILE = CHECKOUT / "CONTRIBUTING.md"
_BEGIN, _END = "<!-- folders: python -m tests.folder_map -->\n", "<!-- end of folders -->\n"


def rows() -> str:
    """Return the map as a Markdown table: the lowest folder first."""
    lines = ["| folder | what lies in it | imports, beside the ground |", "| --- | --- | --- |"]
    for folder, row in FOLDERS.items():
        source = (CHECKOUT / "host_agent" / folder / "__init__.py").read_text(encoding="utf-8")
        said = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0]
        words = " ".join(said.split()).removesuffix(".").replace("``", "`")
        lines.append(f"| `{folder}/` | {words} | {', '.join(row.imports.split()) or 'nothing'} |")
    return "\n".join(lines) + "\n"


def drawn(text: str) -> str:
    """Return the document with the map as it is today."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{rows()}{_END}{after}"


if __name__ == "__main__":
    FILE.write_text(drawn(FILE.read_text(encoding="utf-8")), encoding="utf-8")
