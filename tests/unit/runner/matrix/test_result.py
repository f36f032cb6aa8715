"""What a matrix comes to: cells judged, known issues, exit code, JSON and JUnit."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from rich.console import Console

from tests.lab.matrix import document, judging, known_issues, load, page, result, screen
from tests.lab.matrix.cells import Cell, Offer, Outcome, Row, Score, Step
from tests.lab.matrix.expected import Expected
from tests.lab.matrix.known_issues import KnownIssuesError
from tests.lab.matrix.result import Matrix
from tests.unit.runner.matrix.test_journal import CELL, FORECAST, HEADING
from tests.unit.runner.matrix.test_seen import FAMILY

TODAY = date(2026, 11, 29)
ROW = Row(machine="pc-q35-7.2", offer=Offer.BOTH)
GOOD = tuple(Cell(machine=ROW.machine, step=step, outcome=Outcome.EXPECTED) for step in Step)


def matrix(*cells: Cell, rows: Sequence[Row] = (ROW,)) -> Matrix:
    return Matrix(heading=HEADING, rows=rows, cells={}).with_cells((*GOOD, *cells), lambda _: ())


def code(**change: Any) -> int:
    return result.exit_code(matrix(replace(GOOD[2], **change)))


def test_exit_codes() -> None:
    assert code() == 0
    for outcome, expected in (
        (Outcome.BEYOND, 1),
        (Outcome.KNOWN, 0),
        (Outcome.UNKNOWN, 3),
        (Outcome.TOLD, 0),
        (Outcome.NOT_REACHED, 3),
    ):
        assert code(outcome=outcome) == expected
    assert code(forecasts=(replace(FORECAST, score=Score.WRONG),)) == 1
    assert code(forecasts=(replace(FORECAST, score=Score.UNKNOWN),)) == 0
    undone = Row(machine="pc-q35-7.1", offer=Offer.BOTH)
    assert result.exit_code(matrix(rows=(ROW, undone))) == 3
    assert result.exit_code(matrix(rows=())) == 3


def test_cells_of_other_types_do_not_count() -> None:
    assert matrix(replace(CELL, machine="pc-q35-1.0")).counts[Outcome.BEYOND] == 0


def verdict(word: str, depth: str = "guest", **finding: str) -> dict[str, Any]:
    return {"verdict": word, "depth": depth, "findings": [finding] if finding else []}


def test_verdicts() -> None:
    assert judging.of_verdict(verdict("verified")).outcome is Outcome.EXPECTED
    # The guest has the agent: less is missing evidence.
    assert judging.of_verdict(verdict("verified", "memory")).outcome is Outcome.UNKNOWN
    assert judging.of_verdict(verdict("unverified")).outcome is Outcome.UNKNOWN
    assert judging.of_verdict(None).outcome is Outcome.UNKNOWN
    wrong = judging.of_verdict(verdict("mismatch", check="product", outcome="fail", sentence="so"))
    assert (wrong.outcome, wrong.sentences[1]) == (Outcome.BEYOND, "product: so")


@pytest.mark.parametrize(
    ("machine", "depth", "check", "outcome"),
    [
        ("pc-i440fx-1.7", "guest", "machine-type", Outcome.TOLD),
        ("pc-i440fx-2.0", "guest", "machine-type", Outcome.UNKNOWN),
        ("pc-i440fx-1.7", "memory", "machine-type", Outcome.UNKNOWN),
        ("pc-i440fx-1.7", "guest", "product", Outcome.UNKNOWN),
    ],
)
def test_a_type_that_names_no_machine_lacks_nothing_else(
    machine: str, depth: str, check: str, outcome: Outcome
) -> None:
    domain = verdict("unverified", depth, check=check, outcome="unknown", sentence="so")
    assert judging.of_verdict(domain, machine).outcome is outcome


def test_no_reset_is_missed_where_the_move_was_foretold_to_be_refused() -> None:
    assert judging.of_no_arrival(foretold=True).outcome is Outcome.TOLD
    assert judging.of_no_arrival(foretold=False).outcome is Outcome.NOT_REACHED


def test_a_boot_is_what_was_foretold_or_is_not() -> None:
    foretold = Expected(differences=(FAMILY,), source="atlases")
    nothing = Expected(differences=(), source="atlases")
    good = verdict("verified")
    assert judging.of_boot(good, (FAMILY,), foretold).outcome is Outcome.EXPECTED
    beyond = judging.of_boot(good, (FAMILY,), nothing)
    assert (beyond.outcome, beyond.beyond) == (Outcome.BEYOND, (str(FAMILY),))
    assert judging.of_boot(verdict("mismatch"), (), foretold).outcome is Outcome.BEYOND
    assert judging.of_boot(good, (), None).outcome is Outcome.UNKNOWN
    assert judging.of_boot(verdict("mismatch"), (), None).outcome is Outcome.BEYOND


def test_refusals() -> None:
    assert judging.of_refusal("no such type", None, offered=False).outcome is Outcome.EXPECTED
    assert judging.of_refusal("failed", None, offered=True).outcome is Outcome.BEYOND
    # Neither QEMU had a word in it.
    lost = "internal error: client socket is closed"
    assert judging.of_refusal(lost, None, offered=True).outcome is Outcome.UNKNOWN


def test_a_domain_that_failed_has_no_evidence_to_hold_anything_against() -> None:
    good = verdict("verified")
    assert judging.verified(good) is good
    assert judging.verified({"name": "web1", "error": "libvirtd went away"}) is None
    assert judging.verified(None) is None


def test_a_load() -> None:
    felt = load.Felt(lost=(), lacking=(), figures={})
    assert judging.of_load(felt).outcome is Outcome.EXPECTED
    assert judging.of_load(replace(felt, lacking=("beats",))).outcome is Outcome.UNKNOWN
    assert judging.of_load(replace(felt, lost=("a line",))).outcome is Outcome.BEYOND


def test_a_probe() -> None:
    one, two = (Expected(differences=found, source="") for found in ((FAMILY,), ()))
    assert judging.of_probe(one, one).outcome is Outcome.EXPECTED
    assert judging.of_probe(one, two).beyond == (str(FAMILY),)
    assert judging.of_probe(one, None).outcome is Outcome.UNKNOWN
    assert judging.of_probe(None, two).outcome is Outcome.UNKNOWN
    assert judging.of_probe(None, two, ["no such type"]).outcome is Outcome.BEYOND
    assert judging.of_probe(None, None, ["no such type"]).outcome is Outcome.UNKNOWN


ISSUES = """
[[issue]]
step = "move"
machine = "pc-q35-*"
says = "refused"
target = "trixie"
reason = "a fault of 10.0"
until = 2026-11-29
"""


def test_known_issues() -> None:
    issues = known_issues.parse(ISSUES, "k")

    def marked(cell: Cell, target: str = "trixie", today: date = TODAY) -> Cell:
        return known_issues.marked(cell, issues, "bookworm", target, today)

    known = marked(CELL)
    assert (known.outcome, known.known) == (Outcome.KNOWN, "a fault of 10.0 (until 2026-11-29)")
    assert marked(CELL, today=date(2026, 11, 30)).outcome is Outcome.BEYOND
    assert "which is over" in marked(CELL, today=date(2026, 11, 30)).sentences[-1]
    for other in (
        replace(CELL, step=Step.BOOT),
        replace(CELL, machine="pc-i440fx-7.2"),
        replace(CELL, sentences=("another",)),
        replace(CELL, outcome=Outcome.UNKNOWN),
    ):
        assert marked(other) == other
    assert marked(CELL, target="forky") == CELL
    assert known_issues.unused(issues, [known], "bookworm", "trixie") == []
    assert len(known_issues.unused(issues, GOOD, "bookworm", "trixie")) == 1
    assert known_issues.unused(issues, GOOD, "bookworm", "forky") == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("2026-11-29", '"soon"', "until is a date"),
        ("2026-11-29", "2026-11-29T10:00:00", "until is a date"),
        ('"move"', '"jump"', "'jump' is not a valid Step"),
        ("says", "say", "unknown key 'say'"),
        ('reason = "a fault of 10.0"', "", "no reason"),
        ("[[issue]]", "[issue]", "only"),
        ("[[issue]]", "[[issues]]", "only"),
        ('"pc-q35-*"', "35", "all but until are texts"),
        ("step =", "step", "no TOML"),
    ],
)
def test_files_of_known_issues_that_are_wrong(old: str, new: str, why: str) -> None:
    with pytest.raises(KnownIssuesError, match=why):
        known_issues.parse(ISSUES.replace(old, new), "k")


def test_json_has_all_of_it() -> None:
    wrong = replace(CELL, forecasts=(replace(FORECAST, score=Score.WRONG),))
    form = json.loads(document.render(matrix(wrong), 1))
    assert (form["exit_code"], form["source"], form["not_done"]) == (1, "bookworm", 0)
    assert form["forecasts"]["plan"] == {"right": 0, "wrong": 1, "unknown": 0}
    assert form["wrong_forecasts"][0]["step"] == "move"
    (told,) = form["types"]
    assert [one["outcome"] for one in told["steps"]].count("as expected") == 6
    assert told["steps"][2]["beyond"] == ["b"]


def test_junit_is_red_where_the_exit_code_is_not_0() -> None:
    wrong = replace(GOOD[1], forecasts=(replace(FORECAST, score=Score.WRONG),))
    known = replace(CELL, step=Step.REBOOT, outcome=Outcome.KNOWN, known="why")
    root = Xml.fromstring(document.junit(matrix(CELL, wrong, known)))
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("8", "2", "1")
    (failure,) = root.findall(".//testcase[@name='move']/failure")
    assert "\\x1b" in (failure.text or "")
    assert "logs/pc-q35-7.2/move" in (failure.text or "")


def test_on_a_terminal_and_without_one() -> None:
    text = io.StringIO()
    console = Console(file=text, width=100)
    whole = matrix(replace(CELL, forecasts=(replace(FORECAST, score=Score.WRONG),)))
    with screen.watching(console, whole) as watcher:
        watcher.begun(CELL.machine, CELL.step)
        watcher.done(CELL)
    screen.print_matrix(console, whole, 1)
    said = text.getvalue()
    assert "pc-q35-7.2  move  BEYOND  2 s  the live move was refused" in said
    assert "BEYOND!" in said
    assert "WRONG FORECAST  plan of pc-q35-7.2, move: it" in said
    assert "\x1b" not in said
    terminal = Console(file=io.StringIO(), width=100, force_terminal=True)
    with screen.watching(terminal, whole) as watcher:
        watcher.begun("pc-q35-7.1", Step.BOOT)
        watcher.done(CELL)


def test_a_page_has_a_picture_and_is_escaped() -> None:
    evil = replace(CELL, sentences=("<script>", "\x1b[31m"), figures={"move_s": 1.5})
    made = page.render(matrix(evil), 1)
    assert made.count("<rect ") == len(Step)
    assert 'href="#pc-q35-7.2-move"' in made
    assert 'id="pc-q35-7.2-move"' in made
    assert "&lt;script&gt;" in made
    assert "<script>" not in made
    assert "\x1b" not in made
