"""What is done is on the disk, and is not done again."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.matrix.cells import Cell, Forecast, Kind, Outcome, Score, Step
from tests.lab.matrix.journal import Heading, Journal, JournalError

HEADING = Heading(
    source="bookworm",
    target="trixie",
    source_qemu="qemu 1",
    target_qemu="qemu 2",
    started="2026-11-29T07:00:00+00:00",
)
FORECAST = Forecast(kind=Kind.PLAN, about="it", told="live", came="moved", score=Score.RIGHT)
CELL = Cell(
    machine="pc-q35-7.2",
    step=Step.MOVE,
    outcome=Outcome.BEYOND,
    sentences=("the live move was refused", "\x1b[31m"),
    differences=("a", "b"),
    beyond=("b",),
    forecasts=(FORECAST,),
    figures={"move_s": 1.5},
    seconds=2.0,
    logs="logs/pc-q35-7.2/move",
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "new" / "journal.jsonl")
    made.begin(HEADING)
    return made


def test_a_cell_is_read_as_it_was_written(journal: Journal) -> None:
    journal.add(CELL)
    assert journal.read() == (HEADING, (CELL,))


def test_the_latest_counts(journal: Journal) -> None:
    other = replace(CELL, outcome=Outcome.EXPECTED)
    for cell in (CELL, replace(CELL, step=Step.LOAD), other):
        journal.add(cell)
    assert journal.read()[1] == (other, replace(CELL, step=Step.LOAD))


def test_a_line_that_was_cut_off_costs_itself(journal: Journal, tmp_path: Path) -> None:
    journal.add(CELL)
    file = tmp_path / "new" / "journal.jsonl"
    whole = file.read_bytes()
    for cut in (1, 20, 200):
        file.write_bytes(whole[:-cut])
        kept = () if cut > 1 else (CELL,)
        assert journal.read()[1] == kept
        journal.add(replace(CELL, step=Step.LOAD))
        assert journal.read()[1][-1].step is Step.LOAD
        assert len(journal.read()[1]) == len(kept) + 1


def test_beginning_anew_forgets(journal: Journal) -> None:
    journal.add(CELL)
    journal.begin(HEADING)
    assert journal.read()[1] == ()


@pytest.mark.parametrize("text", ["", "{}\n", "no JSON\n", '{"schema": 1}\n'])
def test_what_is_no_journal(tmp_path: Path, text: str) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(JournalError):
        Journal(file).read()


def test_no_journal_and_a_newer_one(tmp_path: Path, journal: Journal) -> None:
    with pytest.raises(JournalError, match="No such file"):
        Journal(tmp_path / "none").read()
    file = tmp_path / "new" / "journal.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 2'))
    with pytest.raises(JournalError, match="schema 2"):
        journal.read()


def test_which_run_it_is_of() -> None:
    assert HEADING.same_run(replace(HEADING, started="later"))
    assert not HEADING.same_run(replace(HEADING, target_qemu="qemu 3"))
