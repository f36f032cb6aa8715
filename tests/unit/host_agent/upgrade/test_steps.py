"""What to do next in an upgrade, wherever the domain stands, and that it always gets there."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from host_agent.records.upgrade_record import UNDER_WAY, Direction, Step
from host_agent.upgrade.steps import (
    STEPS,
    Action,
    Beginning,
    Seen,
    beginning,
    ended,
    hindrance,
    next_action,
)
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD

OTHER = "pc-i440fx-5.0"
BACK: dict[str, Any] = {"direction": Direction.BACK}
STAGE: dict[str, Any] = {"stage": True}
OFF: dict[str, Any] = {"was_running": False}
NO_START: dict[str, Any] = {"start": False}
STOP, DEFINE, START, VERIFY, FINISH, LEAVE = Action

ROWS = [
    # record    runs   defined  next
    ({},        OLD,   OLD,     STOP),
    ({},        None,  OLD,     DEFINE),
    ({},        None,  NEW,     START),
    ({},        NEW,   NEW,     VERIFY),
    # Somebody else started it in between, or put one of both back.
    ({},        OLD,   NEW,     STOP),
    ({},        NEW,   OLD,     DEFINE),
    # What ran was not even what was defined.
    ({},        OTHER, OLD,     STOP),
    ({},        OLD,   OTHER,   LEAVE),
    ({},        None,  OTHER,   LEAVE),
    ({},        OLD,   None,    LEAVE),
    # It did not run, or is not to be started.
    (OFF,       None,  OLD,     DEFINE),
    (OFF,       None,  NEW,     FINISH),
    (OFF,       NEW,   NEW,     VERIFY),
    (NO_START,  OLD,   OLD,     STOP),
    (NO_START,  None,  NEW,     FINISH),
    # Staged: nobody stops it.
    (STAGE,     OLD,   OLD,     DEFINE),
    (STAGE,     OLD,   NEW,     FINISH),
    (STAGE,     OTHER, NEW,     FINISH),
    (STAGE,     None,  NEW,     FINISH),
    (STAGE,     NEW,   NEW,     VERIFY),
    # Back: defined first, so that the next start is the old one whatever the guest does.
    (BACK,      NEW,   NEW,     DEFINE),
    (BACK,      NEW,   OLD,     STOP),
    (BACK,      None,  NEW,     DEFINE),
    (BACK,      None,  OLD,     START),
    (BACK,      OLD,   OLD,     VERIFY),
    (BACK,      OLD,   NEW,     DEFINE),
    (BACK,      NEW,   OTHER,   LEAVE),
    (BACK | OFF, None, OLD,     FINISH),
    (BACK | NO_START, None, OLD, START),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "active", "persistent", "action"), ROWS)
def test_next(
    changes: dict[str, Any], active: str | None, persistent: str | None, action: Action
) -> None:
    record = replace(RECORD, **changes)
    assert next_action(record, Seen(active=active, persistent=persistent)) is action


def test_a_saved_guest_is_not_started() -> None:
    saved = Seen(active=None, persistent=NEW, saved=True)
    assert next_action(RECORD, saved) is LEAVE
    assert "virsh start vm1" in (hindrance(RECORD, saved) or "")
    # While it runs there is nothing that would be restored.
    assert next_action(RECORD, replace(saved, active=NEW)) is VERIFY


@pytest.mark.parametrize("changes", [{}, BACK, STAGE, OFF, NO_START, BACK | OFF, STAGE | OFF])
def test_wherever_it_stands_it_comes_to_an_end(changes: dict[str, Any]) -> None:
    """Each action done, once or twice, or undone once by somebody, the goal is reached."""
    record = replace(RECORD, **changes)
    for active, persistent in product((None, OLD, NEW, OTHER), (OLD, NEW)):
        seen = Seen(active=active, persistent=persistent)
        taken = []
        for _ in range(10):
            action = next_action(record, seen)
            taken.append(action)
            if action in {VERIFY, FINISH}:
                break
            seen = done(record.goal, seen, action)
        assert taken[-1] in {VERIFY, FINISH}, (active, persistent, taken)
        assert len(set(taken)) == len(taken), "nothing is done twice"
        assert seen.persistent == record.goal
        if record.runs_at_the_end and not record.stage:
            assert seen.active == record.goal


def done(goal: str, seen: Seen, action: Action) -> Seen:
    if action is STOP:
        return replace(seen, active=None)
    if action is DEFINE:
        return replace(seen, persistent=goal)
    assert action is START
    return replace(seen, active=seen.persistent)


def test_each_action_is_recorded_as_a_step_under_way() -> None:
    assert set(STEPS) == {STOP, DEFINE, START, VERIFY}
    assert set(STEPS.values()) == UNDER_WAY


@pytest.mark.parametrize(
    ("step", "persistent", "how"),
    [
        (None, OLD, Beginning.ANEW),
        (Step.PLANNED, OLD, Beginning.ANEW),
        (Step.STOPPING, OLD, Beginning.RESUME),
        (Step.DEFINING, NEW, Beginning.RESUME),
        (Step.STARTING, NEW, Beginning.RESUME),
        (Step.VERIFYING, NEW, Beginning.RESUME),
        (Step.STAGED, NEW, Beginning.RESUME),
        # Somebody undid what was staged, or left it failed at the old type.
        (Step.STAGED, OLD, Beginning.ANEW),
        (Step.FAILED, NEW, Beginning.RESUME),
        (Step.FAILED, OLD, Beginning.ANEW),
        (Step.APPLIED, NEW, Beginning.ANEW),
        (Step.ROLLED_BACK, OLD, Beginning.ANEW),
    ],
)
def test_beginning(step: Step | None, persistent: str, how: Beginning) -> None:
    record = None if step is None else replace(RECORD, step=step)
    assert beginning(record, persistent) is how


@pytest.mark.parametrize(
    ("changes", "last", "step"),
    [
        ({}, VERIFY, Step.APPLIED),
        ({}, FINISH, Step.STAGED),
        (STAGE, VERIFY, Step.APPLIED),
        (BACK, VERIFY, Step.ROLLED_BACK),
        (BACK, FINISH, Step.ROLLED_BACK),
    ],
)
def test_how_it_ended(changes: dict[str, Any], last: Action, step: Step) -> None:
    assert ended(replace(RECORD, **changes), last) is step
