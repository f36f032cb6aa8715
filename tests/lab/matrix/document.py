"""A matrix as JSON, and as JUnit XML. Pure."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as Xml

from host_agent.printable import printable
from tests.lab.matrix.cells import Cell, Outcome
from tests.lab.matrix.journal import SCHEMA, cell_form
from tests.lab.matrix.result import Matrix

_LONGEST = 2000
_KINDS = {
    Outcome.BEYOND: "failure", Outcome.UNKNOWN: "error", Outcome.KNOWN: "skipped",
    Outcome.NOT_REACHED: "skipped",
}  # fmt: skip


def render(matrix: Matrix, code: int) -> str:
    """Return the JSON, ending with a newline."""
    form = {
        "schema": SCHEMA,
        "exit_code": code,
        **asdict(matrix.heading),
        "counts": {outcome: matrix.counts[outcome] for outcome in Outcome},
        "not_done": matrix.undone,
        "forecasts": matrix.scores,
        "wrong_forecasts": [
            {"machine": cell.machine, "step": cell.step, **asdict(one)}
            for cell, one in matrix.wrong
        ],
        "unused_known_issues": list(matrix.unused),
        "types": [
            {
                "machine": row.machine,
                "offered_by": row.offer,
                "steps": [_step(matrix.cells.get((row.machine, step)), step) for step in row.steps],
            }
            for row in matrix.rows
        ],
    }
    return json.dumps(form, indent=1) + "\n"


def _step(cell: Cell | None, step: str) -> dict[str, Any]:
    if cell is None:
        return {"step": step, "outcome": None}
    form = cell_form(cell)
    del form["machine"]
    return form


def junit(matrix: Matrix) -> str:
    """Return JUnit XML: a class a machine type, a case a step, and a suite of wrong forecasts."""
    root = Xml.Element("testsuites", name="samemachine matrix")
    name = f"{matrix.heading.source} -> {matrix.heading.target}"
    _suite(root, name, [_case(cell) for cell in matrix.found])
    _suite(root, "forecasts", list(_wrong(matrix)))
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    Xml.indent(root)
    return str(Xml.tostring(root, encoding="us-ascii"), "ascii") + "\n"


def _suite(root: Xml.Element, name: str, cases: list[Xml.Element]) -> None:
    suite = Xml.SubElement(root, "testsuite", name=_text(name), tests=str(len(cases)))
    for total, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(total, str(sum(case.find(kind) is not None for case in cases)))
    suite.extend(cases)


def _case(cell: Cell) -> Xml.Element:
    made = Xml.Element(
        "testcase", classname=_text(cell.machine), name=cell.step, time=f"{cell.seconds:.3f}"
    )
    said = "\n".join((*cell.sentences, *cell.beyond))
    kind = _KINDS.get(cell.outcome)
    if kind is None:
        if said:
            Xml.SubElement(made, "system-out").text = _text(said)
        return made
    message = cell.known or (cell.sentences[0] if cell.sentences else cell.outcome)
    wrong = Xml.SubElement(made, kind, message=_text(message))
    if kind != "skipped":
        wrong.set("type", cell.outcome)
        wrong.text = _text(said + (f"\nlogs: {cell.logs}" if cell.logs else ""))
    return made


def _wrong(matrix: Matrix) -> Iterator[Xml.Element]:
    for cell, one in matrix.wrong:
        name = f"{one.kind} of {cell.step}: {one.about}"
        made = Xml.Element("testcase", classname=_text(cell.machine), name=_text(name), time="0")
        message = _text(f"told: {one.told}; came: {one.came}")
        Xml.SubElement(made, "failure", message=message, type="wrong forecast").text = message
        yield made


def _text(text: str) -> str:
    return "\n".join(printable(line, _LONGEST) for line in text.splitlines())
