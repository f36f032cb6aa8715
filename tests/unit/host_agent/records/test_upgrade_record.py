"""Records of upgrades: there and back, and what is no record."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.case.results import Depth
from host_agent.finding import Outcome
from host_agent.records import entry as ledger_entry
from host_agent.records.upgrade_record import (
    Direction,
    Record,
    RecordError,
    Step,
    entry,
    from_text,
    sentence,
    to_text,
)
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD

TEXT = st.text(min_size=1, max_size=20)


@given(
    name=TEXT,
    change=st.none() | st.text(max_size=20),
    reason=st.none() | st.text(max_size=50),
    step=st.sampled_from(Step),
    direction=st.sampled_from(Direction),
    depth=st.none() | st.sampled_from(Depth),
    stage=st.booleans(),
    started=st.floats(0, 1e11),
)
def test_there_and_back(**fields: Any) -> None:
    record = replace(RECORD, **fields)
    assert from_text(to_text(record), record.uuid) == record


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(RecordError, match=r"\w"):
        from_text(text, RECORD.uuid)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "update samemachine"),
        ({"schema": True}, "no schema number"),
        ({"schema": None}, "no schema number"),
        ({"uuid": str(UUID(int=7))}, "another domain's"),
        ({"name": 5}, "its name is no text"),
        ({"old": ""}, "its old is no text"),
        ({"reason": ["a"]}, "its reason is no text"),
        ({"stage": 1}, "its stage is no yes or no"),
        ({"started": "now"}, "its started is no time"),
        ({"step": "flying"}, "flying"),
        ({"direction": "up"}, "up"),
        ({"depth": "deep"}, "deep"),
        ({"backup": "/etc/shadow"}, "no file of ours"),
        ({"backup": "original-../../x.xml"}, "no file of ours"),
        ({"sha256": "zz"}, "sha256"),
        ({"more": 1}, "not those of schema 1: more"),
    ],
)
def test_a_damaged_record(changes: dict[str, Any], words: str) -> None:
    form = {**json.loads(to_text(RECORD)), **changes}
    with pytest.raises(RecordError, match=words):
        from_text(json.dumps(form), RECORD.uuid)


def test_the_goal_follows_the_direction() -> None:
    assert RECORD.goal == NEW
    assert replace(RECORD, direction=Direction.BACK).goal == OLD
    assert not replace(RECORD, start=False).runs_at_the_end
    # Who takes it back wants it as it was: running.
    assert replace(RECORD, start=False, direction=Direction.BACK).runs_at_the_end


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (Step.APPLIED, Outcome.PASS),
        (Step.STAGED, Outcome.PASS),
        (Step.ROLLED_BACK, Outcome.WARN),
        (Step.FAILED, Outcome.FAIL),
        (Step.STOPPING, Outcome.UNKNOWN),
    ],
)
def test_the_ledger_keeps_it(step: Step, outcome: Outcome) -> None:
    record: Record = replace(RECORD, step=step, change="CHG17", reason="it is\nso")
    kept = entry(record)
    assert (kept.verdict, kept.findings[0].outcome) == (step, outcome)
    assert ledger_entry.from_row(ledger_entry.to_row(kept)).verdict == step
    assert sentence(record) == f"{OLD} -> {NEW}, {step}: it is\nso; change CHG17"
