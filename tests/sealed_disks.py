"""Which disk will ask for its recovery key: forecast, and tried; found by real runs.

``tests/data/sealed-disks.json`` has a cell for each change and binding that ``test_sealed`` tried
with a real guest. A test holds its cells against what it saw; with SAMEMACHINE_REGENERATE=1 it
writes them. ``python -m tests.sealed_disks`` renders the table of packaging/docs/sealed-disks.md.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from tests.checkout import CHECKOUT

FILE = CHECKOUT / "tests/data/sealed-disks.json"
PAGE = CHECKOUT / "packaging/docs/sealed-disks.md"
_BEGIN, _END = "<!-- table: python -m tests.sealed_disks -->\n", "<!-- end of table -->\n"
_WORDS = {True: "opens", False: "**asks**", None: "not known"}


def hold(
    guest: str, change: str, foretold: Mapping[str, bool | None], came: Mapping[str, bool]
) -> None:
    """Hold a row: of each binding, whether its disk was to open, and whether it did."""
    seen = {bound: {"forecast": foretold[bound], "came": fate} for bound, fate in came.items()}
    rows = _rows()
    if os.environ.get("SAMEMACHINE_REGENERATE"):
        rows.setdefault(guest, {})[change] = seen
        text = json.dumps(rows, indent=1, sort_keys=True)
        FILE.write_text(text + "\n", encoding="utf-8")
    found = rows.get(guest, {}).get(change)
    assert found == seen, f"SAMEMACHINE_REGENERATE=1 writes {FILE}"


def _rows() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def table() -> str:
    """Return the table, a line a change, what was forecast and what came for each binding."""
    rows = _rows()
    bindings = sorted(
        {bound for changes in rows.values() for row in changes.values() for bound in row}
    )
    columns = ["guest", "change"]
    columns += [f"PCR {bound}, {which}" for bound in bindings for which in ("forecast", "came")]
    lines = [columns, ["---"] * len(columns)]
    for guest, changes in sorted(rows.items()):
        for change, row in sorted(changes.items()):
            cells = (
                _WORDS[row[bound][which]] for bound in bindings for which in ("forecast", "came")
            )
            lines.append([guest, change, *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rendered(text: str) -> str:
    """Return the page with the table as it is today."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
