"""What the daemon does with one task, and what it does next."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from host_agent.case.gather import Gatherer
from host_agent.errors import EvidenceError, LibvirtError
from host_agent.evidence.baseline import Baseline, Event
from host_agent.evidence.baseline_element import observation_of_memory, to_element
from host_agent.finding import Finding, Outcome
from host_agent.hypervisor import Hypervisor
from host_agent.missing import Reason
from host_agent.qemu.process import NONE, Processes
from host_agent.records import entry as ledger_entry
from host_agent.records.entry import Entry
from host_agent.records.systemd_journal import Journal
from host_agent.verify.schedule import Task
from host_agent.verify.serve import Daemon, Options
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import BASELINE, RUNNING, case, smbios
from tests.unit.host_agent.verify.test_verifier import MOVED, Evidence, Memory, OneDomain

FOREVER = 1e12
BUSY = EvidenceError(Reason.BUSY, "a job of libvirt is running on the domain")
ARRIVAL = Task(uuid=UUID_1, why="arrived", due=0.0, until=FOREVER)


class Present(OneDomain):
    kept: Baseline | None = None

    def xml(self, *, inactive: bool) -> str:
        element = "" if self.kept is None else to_element(self.kept)
        return f"<domain><uuid>{UUID_1}</uuid><metadata>{element}</metadata></domain>"

    def is_active(self) -> bool:
        return True

    def is_persistent(self) -> bool:
        return True


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def daemon(memory: Memory, tmp_path: Path) -> Iterator[Daemon]:
    with (tmp_path / "journal").open("w") as said:
        journal = Journal(tmp_path / "none", said)
        yield Daemon(Options(uri="test:///default"), cast("Any", memory), journal=journal)


def on(domain: object) -> Hypervisor:
    return cast("Hypervisor", SimpleNamespace(domain=lambda uuid: domain))


def seeing(*changes: Any) -> Gatherer:
    return cast("Gatherer", Evidence(*(case(**one) for one in changes)))


def test_what_was_refused_is_written_later_and_not_verified_again(
    daemon: Daemon, memory: Memory
) -> None:
    domain = Present(refuses=BUSY)
    later = daemon._do(on(domain), seeing(MOVED), ARRIVAL)
    assert later is not None
    assert later[0].unwritten is not None
    assert [entry.verdict for entry in memory.entries] == ["verified"]
    assert daemon._do(on(domain), seeing(MOVED), later[0]) is not None
    domain.refuses = None
    assert daemon._do(on(domain), seeing(MOVED), later[0]) is None
    assert domain.baseline.host == "node41"
    assert len(memory.entries) == 1


def test_a_newer_event_is_verified_though_something_is_unwritten(
    daemon: Daemon, memory: Memory
) -> None:
    daemon._do(on(Present(refuses=BUSY)), seeing(MOVED), ARRIVAL)
    domain = Present()
    assert daemon._do(on(domain), seeing(MOVED), ARRIVAL) is None
    assert len(memory.entries) == 2
    assert domain.baseline.host == "node41"


class Gone:
    def domain(self, uuid: object) -> None:
        raise LibvirtError("the connection was closed")


@pytest.mark.parametrize(("until", "waiting"), [(FOREVER, 1), (0.0, 0)])
def test_a_libvirtd_that_goes_away_costs_no_verdict(
    daemon: Daemon, until: float, waiting: int
) -> None:
    daemon._schedule.add(Task(uuid=UUID_1, why="rebooted", due=0.0, until=until))
    (task,) = daemon._schedule.take(1.0, 1)
    daemon._work(cast("Hypervisor", Gone()), seeing(MOVED), task)
    daemon._inbox.get_nowait()()
    assert (daemon._schedule.under_way, len(daemon._schedule)) == (0, waiting)


THIS = replace(RUNNING, host_boot="b", ticks=5)
SEEN = replace(BASELINE, observation=observation_of_memory(smbios(), BASELINE.taken))


def trail(process: str | None) -> Baseline:
    event = Event(
        time=1.0, host="node17", qemu=None, occasion="restart", verdict="verified", process=process
    )
    return replace(SEEN, trail=(event,))


@pytest.mark.parametrize(
    ("host", "when", "kept", "planned"),
    [
        ("node17", 1.0, None, 0), ("node17", -1.0, None, 1), ("node41", 1.0, None, 1),
        # By the clock, which was set since, it would be the other way round.
        ("node17", -1.0, trail(THIS.process), 0), ("node17", 1.0, trail("b:42:4"), 1),
        ("node17", -1.0, trail(None), 1), ("node17", 1.0, SEEN, 0),
    ],
    ids=["told", "told of the process before", "told by another host", "clock set forward",
         "clock set back", "an older trail", "no trail"],
)  # fmt: skip
def test_what_was_missed_is_planned(
    daemon: Daemon, memory: Memory, host: str, when: float, kept: Baseline | None, planned: int
) -> None:
    told = Entry(
        time=RUNNING.started + when,
        host=host,
        uuid=str(UUID_1),
        name="vm1",
        occasion="audit",
        verdict="verified",
    )
    cast("Any", memory).newest = lambda uuid, here: told
    gatherer = SimpleNamespace(
        processes=Processes(found=(THIS,)), facts=SimpleNamespace(name="node17")
    )
    domain = Present()
    domain.kept = kept
    here = SimpleNamespace(domains=lambda: [domain])
    daemon._catch_up(cast("Hypervisor", here), cast("Gatherer", gatherer))
    assert len(daemon._schedule) == planned
    assert [one.word for one in daemon._board.standings] == ["verified"] * (host == "node17")


class Broken(Present):
    """What nobody foresaw goes wrong with it."""

    def is_active(self) -> bool:
        raise ZeroDivisionError("unforeseen")


@pytest.mark.parametrize(
    ("domain", "evidence"),
    [(Broken(), Evidence(case())), (Present(), Evidence(ZeroDivisionError("unforeseen")))],
    ids=["before it is looked at", "while it is looked at"],
)
def test_what_nobody_foresaw_is_recorded_and_told(
    memory: Memory, tmp_path: Path, domain: Present, evidence: Evidence
) -> None:
    told = tmp_path / "told"
    script = tmp_path / "tell"
    script.write_text(f'#!/bin/sh\necho "$1 $2 $SAMEMACHINE_PROBLEM" >{told}\n')
    script.chmod(0o755)
    with (tmp_path / "journal").open("w+") as said:
        daemon = Daemon(
            Options(uri="test:///default", command=(str(script),)),
            cast("Any", memory),
            journal=Journal(tmp_path / "none", said),
        )
        daemon._schedule.add(ARRIVAL)
        (task,) = daemon._schedule.take(1.0, 1)
        daemon._work(on(domain), cast("Gatherer", evidence), task)
        daemon._inbox.get_nowait()()
        said.seek(0)
        line = said.read()
    assert len(daemon._schedule) == 0
    assert [entry.verdict for entry in memory.entries] == ["failed"]
    assert "vm1 FAILED" in line
    assert "ZeroDivisionError: unforeseen" in line
    assert told.read_text().startswith("failed vm1 ZeroDivisionError: unforeseen in ")


def test_one_that_is_broken_keeps_no_other_from_being_caught_up_with(
    daemon: Daemon, memory: Memory
) -> None:
    cast("Any", memory).newest = lambda uuid, here: None
    gatherer = SimpleNamespace(processes=NONE, facts=SimpleNamespace(name="node17"))
    here = SimpleNamespace(domains=lambda: [Broken(), Present()])
    daemon._catch_up(cast("Hypervisor", here), cast("Gatherer", gatherer))
    assert len(daemon._schedule) == 1


def test_a_command_is_run_however_long_a_guests_strings_are(memory: Memory, tmp_path: Path) -> None:
    """execve(2) takes no string of 128 KiB: a guest must not suppress its own alarm."""
    told = tmp_path / "told"
    script = tmp_path / "tell"
    script.write_text(f'#!/bin/sh\nprintf %s "$SAMEMACHINE_PROBLEM" >{told}\n')
    script.chmod(0o755)
    finding = Finding(check="product", outcome=Outcome.FAIL, sentence="x" * 500_000)
    entry = Entry(
        time=1.0,
        host="h",
        uuid="u",
        name="n" * 500_000,
        occasion="audit",
        verdict="mismatch",
        findings=(finding,),
    )
    with (tmp_path / "journal").open("w") as said:
        journal = Journal(tmp_path / "none", said)
        daemon = Daemon(Options(uri="", command=(str(script),)), None, journal=journal)
        daemon._command(ledger_entry.bounded(entry))
    assert told.read_text() == "x" * ledger_entry.MAX_TEXT


def test_the_watchdog_hears_no_more_than_it_needs(tmp_path: Path) -> None:
    beats: list[None] = []
    manager = SimpleNamespace(watchdog_seconds=60.0, watchdog=lambda: beats.append(None))
    with (tmp_path / "journal").open("w") as said:
        daemon = Daemon(
            Options(uri=""),
            None,
            journal=Journal(tmp_path / "none", said),
            manager=cast("Any", manager),
        )
        for _ in range(100):
            daemon._beat()
        assert len(beats) == 1
        daemon._next_beat = 0.0
        daemon._beat()
        assert len(beats) == 2
        # Where nobody watches, it sleeps.
        manager.watchdog_seconds, daemon._next_beat = None, 0.0
        daemon._beat()
    assert len(beats) == 2
    assert daemon._tick() > 3600
