"""What the ledger remembers of a verdict."""

import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.case.case import Case
from host_agent.case.results import Audited
from host_agent.finding import Finding, Outcome
from host_agent.records import entry as ledger_entry
from host_agent.records.entry import Entry
from host_agent.verify.policy import judge
from tests.unit.host_agent.shared.cases import (
    DEFINITION,
    NOT_ENROLLED,
    SILENT,
    case,
    declared,
    seen,
)

texts = st.text(max_size=20) | st.text("x \0", min_size=250, max_size=260)
findings = st.builds(
    Finding,
    check=texts,
    outcome=st.sampled_from(Outcome),
    sentence=texts,
    expected=texts | st.none(),
    observed=texts | st.none(),
    remedy=texts | st.none(),
)
entries = st.builds(
    Entry,
    time=st.floats(0, 2e11),
    host=texts,
    uuid=texts,
    name=texts,
    occasion=texts,
    verdict=texts,
    title=texts | st.none(),
    depth=texts | st.none(),
    machine=texts | st.none(),
    qemu=texts | st.none(),
    boot_id=texts | st.none(),
    passed=st.integers(0, 99),
    findings=st.lists(findings, max_size=3).map(tuple),
)


def of(case: Case) -> Entry:
    audited = Audited(case=case, verdict=judge(case))
    return ledger_entry.of(audited, time=1.7e9, host="node1", qemu="7.2.22", salt=None)


def test_a_verdict_that_is_good() -> None:
    entry = of(case())
    assert (entry.verdict, entry.depth, entry.occasion) == ("verified", "guest", "audit")
    assert entry.passed > 5
    assert entry.problem is None
    assert entry.boot_id is not None


def test_the_owners_own_name_is_the_title() -> None:
    nova = "http://openstack.org/xmlns/libvirt/nova/1.1"
    element = f"<n:i xmlns:n='{nova}'><n:name>shop-db-1</n:name></n:i>"
    theirs = declared(replace(DEFINITION, metadata={nova: element}))
    assert (of(case(declared=theirs)).title, of(case()).title) == ("shop-db-1", None)


def test_the_worst_comes_first() -> None:
    entry = of(seen(version="pc-q35-9.0"))
    assert entry.verdict == "mismatch"
    assert entry.problem is not None
    assert entry.problem.outcome is Outcome.FAIL
    assert {finding.outcome for finding in entry.findings} <= {
        Outcome.FAIL,
        Outcome.UNKNOWN,
        Outcome.WARN,
    }


def test_without_an_answer() -> None:
    assert of(case(observation=SILENT)).boot_id is None
    off = of(case(declared=declared(active=None), observation=NOT_ENROLLED))
    assert (off.verdict, off.depth) == ("not running", None)


@given(entries)
def test_whatever_is_kept_is_bounded_printable_and_comes_back(entry: Entry) -> None:
    row = ledger_entry.to_row(entry)
    for name, value in row.items():
        assert not isinstance(value, str) or value.isprintable(), name
    assert len(str(row["name"])) <= 255
    kept = ledger_entry.from_row(row)
    # What is kept once is kept the same again.
    assert ledger_entry.to_row(kept) == row


def test_no_more_than_so_many_findings() -> None:
    finding = Finding(check="c", outcome=Outcome.FAIL, sentence="s" * 99999)
    row = ledger_entry.to_row(dataclasses.replace(of(case()), findings=(finding,) * 9999))
    assert len(str(row["findings"])) < 200_000
    assert len(ledger_entry.from_row(row).findings) == 100


def findings_of(**fields: object) -> dict[str, Any]:
    whole = {"check": "c", "outcome": "fail", "sentence": "s", **fields}
    return {"findings": json.dumps([whole])}


DAMAGES: dict[str, dict[str, Any]] = {
    "no time": {"time": None}, "a text as time": {"time": "x"}, "a late time": {"time": 1e300},
    "no count": {"passed": None}, "bytes as name": {"name": b"x"}, "no host": {"host": None},
    "no JSON": {"findings": "{"}, "a number": {"findings": "7"}, "no form": {"findings": "[[]]"},
    "deep": {"findings": "[" * 99999}, "a number as check": findings_of(check=7),
    "no outcome": findings_of(outcome="odd"), "a list as outcome": findings_of(outcome=[]),
    "an unknown field": findings_of(odd="x"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row(damage: str) -> None:
    row = ledger_entry.to_row(of(case()))
    try:
        ledger_entry.from_row({**row, **DAMAGES[damage]})
    except ValueError:
        return
    pytest.fail("it was taken for an entry")
