"""How a domain stands, and the board that the daemon keeps of it."""

from dataclasses import replace

import pytest

from host_agent.case.case import Case
from host_agent.case.results import Audited
from host_agent.evidence.baseline import Event
from host_agent.finding import Finding, Outcome
from host_agent.records.entry import Entry
from host_agent.verify import standing, waivers
from host_agent.verify.board import Board
from host_agent.verify.policy import judge
from host_agent.verify.standing import Standing, of_entry, of_result
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, HOST, OFF, QUIET, WRONG, audit
from tests.unit.host_agent.output.test_for_machines import WARNED
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.cases import BASELINE, case, seen
from tests.unit.host_agent.verify.test_waivers import TODAY

NOW = 2e9
ENTRY = Entry(time=5.0, host="h", uuid="u", name="vm1", occasion="audit", verdict="verified")


def of(found: Case) -> Standing:
    return of_result(Audited(case=found, verdict=judge(found)), host="node1", now=NOW)


@pytest.mark.parametrize(
    ("found", "word"),
    [(GOOD, "verified"), (WRONG, "mismatch"), (QUIET, "unverified"), (OFF, "not running")],
)
def test_each_domain_has_one_word(found: Case, word: str) -> None:
    assert of(found).word == word
    assert word in standing.WORDS
    assert of_result(FAILED, host="h", now=NOW).word == "failed"


def test_when_it_was_verified_last() -> None:
    trail = tuple(
        Event(time=time, host="h", qemu=None, occasion="audit", verdict=verdict)
        for time, verdict in ((1.0, "verified"), (2.0, "verified"), (3.0, "mismatch"))
    )
    wrong = seen(version="pc-q35-9.0")
    assert of(GOOD).verified == NOW
    assert of(wrong).verified == BASELINE.taken
    assert of(replace(wrong, baseline=replace(BASELINE, trail=trail))).verified == 2.0
    assert of(replace(wrong, baseline=QUIET.observation)).verified is None  # type: ignore[arg-type]


def test_what_is_waived_or_predicted_is_no_warning() -> None:
    assert ("pending-change", "warn") in of(WARNED).outcomes
    accepted = waivers.Waiver(check="pending-change", reason="known", until=TODAY)
    marked = waivers.marked(Audited(case=WARNED, verdict=judge(WARNED)), "node1", [accepted])
    assert ("pending-change", "waived") in of_result(marked, host=HOST.name, now=NOW).outcomes
    moved = forty.audit(forty.moved(1))
    found = of_result(moved.results[0], host="h", now=NOW, predictions=moved.predictions)
    assert ("next-boot", "known") in found.outcomes
    assert ("next-boot", "warn") in of_result(moved.results[0], host="h", now=NOW).outcomes
    assert audit(WARNED).results


@pytest.mark.parametrize(
    ("verdict", "word", "verified"),
    [("verified", "verified", 5.0), ("mismatch", "mismatch", None), ("no answer", "failed", None)],
)
def test_what_was_recorded(verdict: str, word: str, verified: float | None) -> None:
    finding = Finding(check="same-boot", outcome=Outcome.FAIL, sentence="s")
    told = of_entry(replace(ENTRY, verdict=verdict, findings=(finding,), machine="pc-q35-7.2"))
    assert (told.word, told.verified, told.machine) == (word, verified, "pc-q35-7.2")
    assert told.outcomes == (("same-boot", "fail"),)


def test_the_board() -> None:
    board = Board()
    good, wrong = of(GOOD), of(WRONG)
    board.put(good)
    board.put(replace(wrong, verified=None))
    (told,) = board.standings
    assert (told.word, told.verified) == ("mismatch", NOW)
    board.stopped(good.uuid)
    board.stopped("another")
    (told,) = board.standings
    assert (told.word, told.outcomes, told.verified) == ("not running", (), NOW)
    board.put(replace(good, uuid="2", name="a"))
    assert [one.name for one in board.standings] == ["a", "vm1"]
    board.keep({"2"})
    assert board.knows("2")
    assert not board.knows(good.uuid)
    board.forget("2")
    assert board.standings == ()
    board.answers("test:///default", there=True)
    board.answers("test:///default", there=False)
    assert board.reachable == {"test:///default": False}


def test_a_case_is_needed() -> None:
    assert of(case()).machine == "pc-i440fx-7.2"
