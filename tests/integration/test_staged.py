"""A staged upgrade, on disk, and the verification of the start that applies it."""

from dataclasses import replace
from pathlib import Path

import pytest

from host_agent.case.case import Case
from host_agent.case.results import Audited, Decision
from host_agent.errors import UsageError
from host_agent.finding import Finding, Outcome
from host_agent.records import staged
from host_agent.records.raised import raised_in
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import UNDER_WAY, Direction, Record, Step
from host_agent.verify import policy
from tests.unit.host_agent.shared.cases import DEFINITION, case, declared
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD

NOW = 1000.0
RAISED = declared(replace(DEFINITION, machine=NEW), machine=NEW)
WAITING = declared(replace(DEFINITION, machine=OLD), machine=NEW)
WRONG = Finding(check="identity", outcome=Outcome.FAIL, sentence="another UUID")


@pytest.fixture
def upgrades(tmp_path: Path) -> UpgradeJournal:
    return UpgradeJournal(tmp_path)


def write(upgrades: UpgradeJournal, step: Step, direction: Direction = Direction.FORWARD) -> Record:
    with upgrades.locked(RECORD.uuid) as journal:
        begun = journal.begin(RECORD, "<domain/>")
        record = replace(begun, step=step, direction=direction, stage=step is Step.STAGED)
        journal.write(record)
    return record


def audited(judged: Case, decision: Decision | None, *findings: Finding) -> Audited:
    found = policy.judge(judged)
    return Audited(case=judged, verdict=replace(found, decision=decision, findings=findings))


@pytest.mark.parametrize("step", Step)
def test_to_which_type_a_domain_is_on_its_way(upgrades: UpgradeJournal, step: Step) -> None:
    raised = raised_in(upgrades.folder)
    assert raised(RECORD.uuid) is None
    write(upgrades, step)
    on_its_way = step in UNDER_WAY | {Step.STAGED}
    assert raised(RECORD.uuid) == (NEW if on_its_way else None)
    write(upgrades, step, Direction.BACK)
    assert raised(RECORD.uuid) == (OLD if on_its_way else None)


def test_a_damaged_journal_costs_no_verdict(upgrades: UpgradeJournal) -> None:
    write(upgrades, Step.STAGED)
    (upgrades.folder / str(RECORD.uuid) / "state.json").write_text("{", encoding="ascii")
    assert raised_in(upgrades.folder)(RECORD.uuid) is None


def test_it_has_come_true(upgrades: UpgradeJournal) -> None:
    write(upgrades, Step.STAGED)
    done = audited(case(declared=RAISED, raised_to=NEW), Decision.VERIFIED)
    settled = staged.settle(upgrades, done, NOW)
    assert settled is not None
    assert (settled.step, settled.changed) == (Step.APPLIED, NOW)
    assert upgrades.read(RECORD.uuid) == settled
    # Once is enough.
    assert staged.settle(upgrades, done, NOW) is None


def test_it_went_wrong(upgrades: UpgradeJournal) -> None:
    write(upgrades, Step.STAGED)
    wrong = audited(case(declared=RAISED, raised_to=NEW), Decision.MISMATCH, WRONG)
    settled = staged.settle(upgrades, wrong, NOW)
    assert settled is not None
    assert (settled.step, settled.reason) == (Step.FAILED, "another UUID")


@pytest.mark.parametrize(
    ("judged", "decision"),
    [
        # Not started anew yet; started, but nothing could be proved; another upgrade, or none.
        (case(declared=WAITING, raised_to=NEW), Decision.VERIFIED),
        (case(declared=RAISED, raised_to=NEW), Decision.UNVERIFIED),
        (case(declared=declared(None, machine=NEW), raised_to=NEW), None),
        (case(declared=RAISED), Decision.VERIFIED),
    ],
)
def test_it_stays_staged(upgrades: UpgradeJournal, judged: Case, decision: Decision | None) -> None:
    record = write(upgrades, Step.STAGED)
    assert staged.settle(upgrades, audited(judged, decision), NOW) is None
    assert upgrades.read(RECORD.uuid) == record


@pytest.mark.parametrize("step", sorted(UNDER_WAY))
def test_what_a_command_does_is_the_commands(upgrades: UpgradeJournal, step: Step) -> None:
    record = write(upgrades, step)
    done = audited(case(declared=RAISED, raised_to=NEW), Decision.VERIFIED)
    assert staged.settle(upgrades, done, NOW) is None
    assert upgrades.read(RECORD.uuid) == record
    with (
        upgrades.locked(RECORD.uuid),
        pytest.raises(UsageError, match="another samemachine"),
    ):
        staged.settle(upgrades, done, NOW)
