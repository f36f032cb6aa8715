"""What guests of each architecture are verified by: found by real runs, and shown in the manual.

``tests/data/architectures.json`` has a row for each machine that a test of the lab booted. A test
holds its part of a row against what it saw; with SAMEMACHINE_REGENERATE=1 it writes it.
``python -m tests.architectures`` renders the table of packaging/docs/architectures.md.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from tests.checkout import CHECKOUT
from tests.lab.asking import Audit

FILE = CHECKOUT / "tests/data/architectures.json"
PAGE = CHECKOUT / "packaging/docs/architectures.md"
_BEGIN, _END = "<!-- table: python -m tests.architectures -->\n", "<!-- end of table -->\n"

# Column of the table → check of an audit.
_CHECKS = {
    "UUID":              "identity",
    "product or family": "product",
    "type as booted":    "machine-type",
    "type served now":   "machine-type-live",
    "every byte":        "exact",
    "QEMU's process":    "running-qemu",
}  # fmt: skip
# Part of a row that another test than the audit's may have seen → column.
_OCCASIONS = {
    "rehearsal": "as rehearsed",
    "restart":   "after a restart",
    "migration": "after a live migration",
    "raise":     "after a type upgrade",
}  # fmt: skip
_WORDS = {"pass": "yes", "skip": "none", "unknown": "not seen", "fail": "**no**", "warn": "warns"}
_NOT_RUN = "not run"


def of_audit(result: Audit, name: str) -> Mapping[str, Any]:
    """Return a row's part of one audit of a domain, without what differs at each run.

    Of the machine type the family is left.
    """
    domain = result.domains[name]
    type_ = result.finding(name, "running-qemu")["observed"]
    family = re.sub(r"-[0-9.]+$", "", type_)
    parts: dict[str, Any] = {
        "machine": family,
        "depth": domain["depth"],
        "verdict": domain["verdict"],
    }
    for check in _CHECKS.values():
        found = result.finding(name, check)
        # It names the process.
        sentence = "" if check == "running-qemu" else found["sentence"].replace(type_, family)
        parts[check] = {"outcome": found["outcome"], "sentence": sentence}
    return parts | {"memory": of_memory(result, name)}


def of_memory(result: Audit, name: str) -> Mapping[str, str]:
    """Return what one audit found in a domain's memory.

    With UEFI it is searched only where no agent answers.
    """
    memory = result.domains[name]["evidence"]["memory"]
    return {
        "outcome": "unknown" if "missing" in memory else "pass",
        "sentence": memory.get("sentence", ""),
    }


def hold(row: str, part: str, seen: Any) -> None:
    """Hold a part of a row (``audit``, ``memory``, and occasions) against the file's.

    ``memory`` is what was found there without the guest's agent; else that of ``audit`` is shown.
    ``row`` names architecture and firmware, such as ``aarch64, UEFI``.
    """
    rows = _rows()
    if os.environ.get("SAMEMACHINE_REGENERATE"):
        rows.setdefault(row, {})[part] = seen
        text = json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False)
        FILE.write_text(text + "\n", encoding="utf-8")
    assert rows.get(row, {}).get(part) == seen, f"SAMEMACHINE_REGENERATE=1 writes {FILE}"


def _rows() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text(encoding="utf-8"))) if FILE.exists() else {}


def table() -> str:
    """Return the table, with a note for each sentence of a finding."""
    notes: dict[str, int] = {}

    def cell(part: Mapping[str, str] | None) -> str:
        if part is None:
            return _NOT_RUN
        word, sentence = _WORDS[part["outcome"]], part["sentence"]
        if not sentence:
            return word
        return f"{word} ({notes.setdefault(sentence, len(notes) + 1)})"

    columns = ["guest", *_CHECKS, "tables in its memory", "depth", *_OCCASIONS.values()]
    lines = [columns, ["---"] * len(columns)]
    for name, row in sorted(_rows().items()):
        audit = row.get("audit", {})
        lines.append(
            [
                f"{name}: {audit.get('machine', _NOT_RUN)}",
                *(cell(audit.get(check)) for check in _CHECKS.values()),
                cell(row.get("memory", audit.get("memory"))),
                audit.get("depth") or _NOT_RUN,
                *(row.get(occasion, _NOT_RUN) for occasion in _OCCASIONS),
            ]
        )
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"{body}\n" + "".join(f"{number}. {text}\n" for text, number in notes.items())


def rendered(text: str) -> str:
    """Return the page with the table as it is today."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
