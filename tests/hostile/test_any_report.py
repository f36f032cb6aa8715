"""Whatever a guest reports: the work is in proportion, and what is said and kept is bounded."""

import json

import pytest

from host_agent.case.case import Case
from host_agent.case.results import Audited, Verdict
from host_agent.checks.bounds import MAX_DIFFERENCES
from host_agent.evidence.baseline_element import MAX_ELEMENT, BaselineError, to_element
from host_agent.evidence.decode import decode
from host_agent.evidence.observation import Observation
from host_agent.evidence.report_bounds import parse
from host_agent.printable import MOST
from host_agent.records import entry as ledger_entry
from host_agent.verify.policy import judge
from host_agent.verify.today import baseline_of
from tests.hostile.large_reports import FILLS, Fill, large
from tests.hostile.steps import steps
from tests.unit.host_agent.shared.cases import BASELINE, case

SALT = bytes(16)


def raw(fill: Fill, number: int) -> tuple[bytes, bytes]:
    """Two reports of which all that one group has differs."""
    then, now = (large(fill, number, mark).SerializeToString() for mark in "ab")
    return then, now


def changed(reports: tuple[bytes, bytes]) -> Case:
    """A domain that reported the one, and now reports the other."""
    then, now = (decode(parse(raw), b"", 0.1, BASELINE.taken) for raw in reports)
    return case(observation=now, baseline=_baseline(then))


def _baseline(then: Observation) -> object:
    found = baseline_of(case(observation=then), BASELINE.taken)
    assert found is not None
    return found


def told(one: Case) -> ledger_entry.Entry:
    """Judge it, and say what history keeps."""
    audited = Audited(case=one, verdict=judge(one))
    return ledger_entry.of(audited, time=1.0, host="node17", qemu="7.2", salt=SALT)


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.__name__)
def test_the_work_is_in_proportion(fill: Fill) -> None:
    few, many = raw(fill, 200), raw(fill, 800)
    assert steps(lambda: told(changed(many))) < 5 * steps(lambda: told(changed(few))) + 20_000


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.__name__)
def test_what_is_said_and_kept_is_bounded(fill: Fill) -> None:
    one = changed(raw(fill, 4096))
    verdict: Verdict = judge(one)
    assert {finding.outcome for finding in verdict.findings} & {"fail", "warn"}
    for finding in verdict.findings:
        texts = (finding.sentence, finding.expected, finding.observed, finding.remedy)
        assert all(text is None or len(text) <= MOST for text in texts)
        assert len(finding.differences) <= MAX_DIFFERENCES
    row = ledger_entry.to_row(told(one))
    assert len(json.dumps(row)) <= ledger_entry.MAX_ROW
    kept = baseline_of(one, 1.0)
    assert kept is not None
    try:
        assert len(to_element(kept)) <= MAX_ELEMENT
    except BaselineError as error:
        assert "more than" in str(error)


def test_a_string_of_half_a_mebibyte_is_kept_and_said_as_a_short_one() -> None:
    """Known fields, unknown ones, and bytes that are no tables."""
    found = large(FILLS[0], 1, "a")
    long = "x" * 500_000
    found.boot.kernel_release = long
    raw = found.SerializeToString() + b"\xfa\x3f\xa0\x9c\x01" + b"u" * 20_000
    now = decode(parse(raw), b"", 0.1, 1.0)
    assert len(now.raw) < 10_000
    one = case(observation=now)
    assert now.kernel is not None
    assert len(now.kernel) <= 513
    assert len(json.dumps(ledger_entry.to_row(told(one)))) <= ledger_entry.MAX_ROW
