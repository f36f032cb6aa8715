"""A domain that was reverted to a snapshot: its baseline went back with it."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent import times
from host_agent.case.case import Occasion, SnapshotTaken
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence.baseline import Event
from host_agent.finding import Outcome
from host_agent.guest.dialler import undialled
from host_agent.missing import Missing, Reason
from host_agent.verify import story
from tests.unit.host_agent.case.test_kept_evidence import (
    FULL,
    HERE,
    OTHER,
    THERE,
    answer,
    lose_a_function,
)
from tests.unit.host_agent.shared.cases import RUNNING, case, declared, smbios
from tests.unit.host_agent.verify.test_verifier import Trial

THEN = replace(
    FULL, trail=(Event(time=1.0, host="node17", qemu=None, occasion="restart", verdict="verified"),)
)
LATER = replace(
    THEN,
    taken=THEN.taken + 600,
    trail=(
        *THEN.trail,
        Event(time=500.0, host="node17", qemu=None, occasion="restart", verdict="mismatch"),
    ),
)
REVERTED: dict[str, Any] = {
    "occasion": Occasion.REVERTED, "running": replace(THERE, started=7300.0),
    "declared": replace(declared(), reason="from snapshot"), "baseline": THEN, "newer": LATER,
    "snapshot": SnapshotTaken(name="s1", created=100.0),
}  # fmt: skip


def test_it_is_held_against_the_snapshots_own_state() -> None:
    trial = Trial(case(**REVERTED, observation=answer()))
    trial.ledger.copies.append((str(LATER.uuid), baselines.to_element(LATER)))
    done = trial.attempt()
    assert done.audited.verdict.decision == "verified", done.audited.verdict.findings
    (said,) = done.complaints
    assert said.startswith("held against the snapshot's own baseline; the ledger keeps that of ")
    # Nothing of the ledger is gone, and the trail has what the snapshot did not know.
    assert len(trial.ledger.copies) == 2
    assert [event.verdict for event in trial.domain.baseline.trail] == [
        "verified",
        "mismatch",
        "verified",
    ]
    assert trial.domain.baseline.trail[-1].occasion == "reverted"
    assert [entry.occasion for entry in trial.ledger.entries] == ["reverted"]


def test_a_mismatch_that_was_open_then_is_one_again() -> None:
    """The snapshot was taken when its baseline and its hardware were two things already."""
    changed = answer(smbios_booted=smbios(chassis_version="other"))
    done = Trial(case(**REVERTED, observation=changed)).attempt()
    found = {one.check: one for one in done.audited.verdict.findings}
    assert found["same-smbios"].outcome is Outcome.FAIL
    assert not done.kept
    assert "since the snapshot's baseline" in story.ticket(done.audited)


@pytest.mark.parametrize("boot", [None, OTHER])
def test_what_was_plugged_before_the_snapshot_is_a_warning(boot: str | None) -> None:
    seen = answer(pci=lose_a_function, **({} if boot is None else {"boot": boot}))
    done = Trial(case(**REVERTED, observation=seen)).attempt()
    found = {one.check: one for one in done.audited.verdict.findings}
    assert found["same-pci"].outcome is (Outcome.WARN if boot is None else Outcome.FAIL)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "reverted to 's1' of {created} (2 h thrown away) on node17 (7.2.22), same boot"),
        ({"snapshot": None}, "reverted to a snapshot on node17 (7.2.22), same boot"),
        ({"snapshot": SnapshotTaken(name="s1", created=None)},
         "reverted to 's1' on node17 (7.2.22), same boot"),
        # A clock that was set since tells nothing of how long it was.
        ({"running": HERE}, "reverted to 's1' of {created} on node17 (7.2.22), same boot"),
    ],
)  # fmt: skip
def test_headline(changes: dict[str, Any], words: str) -> None:
    one = case(**{**REVERTED, "observation": answer(), **changes})
    assert story.headline(one) == words.format(created=times.day(100.0))


@pytest.mark.parametrize(
    ("state", "reason", "kind", "words"),
    [
        ("crashed", "panicked", Reason.NOT_RUNNING, "the domain is crashed (panicked): "),
        ("paused", "crashed", Reason.NOT_RUNNING, "the domain is paused (crashed): "),
        ("paused", "paused", Reason.PAUSED, "the domain is paused: "),
        ("pmsuspended", "unknown", Reason.NOT_RUNNING, "the domain is pmsuspended: "),
    ],
)
def test_a_crashed_guest_is_said_to_be_that(
    state: str, reason: str, kind: Reason, words: str
) -> None:
    """After a panic the channel still counts as open."""
    found = undialled(replace(declared(), state=state, reason=reason), RUNNING)
    assert isinstance(found, Missing)
    assert found.reason is kind
    assert found.sentence == f"{words}its guest can't answer"
