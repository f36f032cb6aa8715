"""One domain's way, on libvirt's own test driver: real definitions and runs, no QEMU."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from host_agent.case.gather import Gatherer
from host_agent.errors import UpgradeJournalError
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Hypervisor
from host_agent.records.systemd_journal import Journal
from host_agent.records.upgrade_journal import DomainJournal, UpgradeJournal
from host_agent.records.upgrade_record import Direction, Record, Step
from host_agent.upgrade.run import Patience, UpgradeRun
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD

OTHER = "pc-i440fx-5.0"
ID = UUID(int=0xABC7)
XML = f"""<domain type='test'><name>u</name><uuid>{ID}</uuid><memory>1024</memory>
<os><type arch='i686' machine='{OLD}'>hvm</type></os></domain>"""


class Trial:
    """One domain, its journal and its run."""

    def __init__(self, hypervisor: Hypervisor, journal: DomainJournal) -> None:
        self.hypervisor = hypervisor
        self.journal = journal
        self.interrupted = False
        self.steps: list[tuple[Direction, Step]] = []
        self.before: Callable[[Record], None] = lambda _: None
        hypervisor.raw.defineXML(XML)

    @property
    def domain(self) -> Domain:
        found = self.hypervisor.domain(ID)
        assert found is not None
        return found

    @property
    def machines(self) -> tuple[str | None, str]:
        run = self.run()
        seen = run.look()
        return seen.active, seen.persistent or ""

    def define(self, machine: str) -> None:
        self.hypervisor.raw.defineXML(XML.replace(OLD, machine))

    def run(self) -> UpgradeRun:
        gatherer = Gatherer.on(
            self.hypervisor, "test:///default", seconds=1, probe=False, opened=OpenedChannels()
        )

        def told(record: Record) -> None:
            self.steps.append((record.direction, record.step))
            self.before(record)

        return UpgradeRun(
            domain=self.domain,
            gatherer=gatherer,
            journal=self.journal,
            ledger=None,
            patience=Patience(shutdown=1.0, wait=1.0),
            interrupted=lambda: self.interrupted,
            told=told,
            log=Journal(Path("/nowhere"), io.StringIO()),
        )

    def carry_out(self, **changes: Any) -> tuple[Record, UpgradeRun]:
        run = self.run()
        running = self.domain.is_active()
        first = replace(RECORD, uuid=ID, name="u", depth=None, was_running=running)
        record = replace(self.journal.begin(first, run.domain.lifecycle().definition()), **changes)
        return run.carry_out(record), run


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    hypervisor = Hypervisor.open("test:///default")
    with UpgradeJournal(tmp_path).locked(ID) as journal:
        yield Trial(hypervisor, journal)
    hypervisor.close()


def steps(*words: str, direction: Direction = Direction.FORWARD) -> list[tuple[Direction, Step]]:
    return [(direction, Step(word)) for word in words]


def test_one_that_runs(trial: Trial) -> None:
    trial.domain.lifecycle().start()
    record, run = trial.carry_out()
    assert (record.step, trial.machines) == (Step.APPLIED, (NEW, NEW))
    assert run.after is not None
    assert list(dict.fromkeys(trial.steps)) == steps(
        "stopping", "defining", "starting", "verifying", "applied"
    )
    assert trial.journal.read() == record


@pytest.mark.parametrize(
    ("changes", "ending", "machines"),
    [
        ({}, Step.STAGED, (None, NEW)),
        ({"direction": Direction.BACK}, Step.ROLLED_BACK, (None, OLD)),
    ],
)
def test_one_that_does_not(
    trial: Trial, changes: dict[str, Any], ending: Step, machines: tuple[str | None, str]
) -> None:
    record, _ = trial.carry_out(**changes)
    assert (record.step, trial.machines) == (ending, machines)


@pytest.mark.parametrize(
    ("changes", "machines"),
    [({"stage": True}, (OLD, NEW)), ({"start": False}, (None, NEW))],
)
def test_what_waits_for_a_start(
    trial: Trial, changes: dict[str, Any], machines: tuple[str | None, str]
) -> None:
    trial.domain.lifecycle().start()
    record, run = trial.carry_out(**changes)
    assert (record.step, trial.machines) == (Step.STAGED, machines)
    assert run.after is None


@pytest.mark.parametrize("at", [Step.STOPPING, Step.DEFINING, Step.STARTING])
def test_interrupted(trial: Trial, at: Step) -> None:
    trial.domain.lifecycle().start()

    def interrupt(record: Record) -> None:
        trial.interrupted = record.step is at or trial.interrupted

    trial.before = interrupt
    record, _ = trial.carry_out()
    assert (record.step, record.reason) == (Step.ROLLED_BACK, "interrupted")
    assert trial.machines == (OLD, OLD)


def test_somebody_else_changes_the_type_meanwhile(trial: Trial) -> None:
    trial.domain.lifecycle().start()

    def meddle(record: Record) -> None:
        if record.step is Step.STARTING:
            trial.define(OTHER)

    trial.before = meddle
    record, _ = trial.carry_out()
    assert record.step is Step.FAILED
    assert f"changed its machine type to {OTHER}" in (record.reason or "")
    assert trial.machines[1] == OTHER


def test_somebody_else_starts_it_meanwhile(trial: Trial) -> None:
    trial.domain.lifecycle().start()
    started: list[bool] = []

    def meddle(record: Record) -> None:
        if record.step is Step.DEFINING and not started:
            started.append(True)
            trial.domain.lifecycle().start()

    trial.before = meddle
    record, _ = trial.carry_out()
    assert (record.step, trial.machines) == (Step.APPLIED, (NEW, NEW))


def test_somebody_saves_it_meanwhile(trial: Trial) -> None:
    trial.domain.lifecycle().start()

    def meddle(record: Record) -> None:
        if record.step is Step.STOPPING and record.stopped and trial.domain.is_active():
            trial.hypervisor.look_up(ID).managedSave(0)

    trial.before = meddle
    record, _ = trial.carry_out()
    assert record.step is Step.FAILED
    assert "was saved meanwhile" in (record.reason or "")
    # Neither the saved guest nor the definition that it needs was touched.
    assert trial.machines == (None, OLD)
    assert trial.domain.lifecycle().has_managed_save()


def test_a_definition_that_libvirt_does_not_take(trial: Trial) -> None:
    trial.domain.lifecycle().start()
    record, _ = trial.carry_out(new="a b")
    assert record.step is Step.ROLLED_BACK
    assert "no machine type's name" in (record.reason or "")
    assert trial.machines == (OLD, OLD)


class FullJournal(DomainJournal):
    """A journal whose disk is full from a certain step on."""

    full_from: Step | None = None

    def write(self, record: Record) -> None:
        if record.step is self.full_from or self.full_from is Step.PLANNED:
            self.full_from = Step.PLANNED
            raise UpgradeJournalError("no space left on device")
        super().write(record)


@pytest.mark.parametrize("step", [Step.STOPPING, Step.DEFINING, Step.STARTING, Step.VERIFYING])
def test_what_can_not_be_written_down_is_not_done(trial: Trial, step: Step) -> None:
    trial.domain.lifecycle().start()
    journal = FullJournal(trial.journal.place, trial.journal._folder, ID)
    journal.full_from = step
    trial.journal = journal
    record, run = trial.carry_out()
    assert (record.step, record.reason) == (Step.ROLLED_BACK, "no space left on device")
    assert trial.machines == (OLD, OLD)
    assert run.notes


def test_what_was_edited_since_stays(trial: Trial) -> None:
    record, _ = trial.carry_out()
    edited = trial.domain.lifecycle().definition().replace(">1024<", ">2048<")
    trial.hypervisor.raw.defineXML(edited)
    run = trial.run()
    back = run.carry_out(replace(record, direction=Direction.BACK))
    assert (back.step, trial.machines) == (Step.ROLLED_BACK, (None, OLD))
    assert ">2048<" in trial.domain.lifecycle().definition()
    assert record.backup in run.notes[0]
