"""``forget`` on libvirt's own test driver: what is kept is told, and then it is gone."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from host_agent.errors import NoDomainError
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence.baseline import NAMESPACE
from host_agent.hypervisor import Hypervisor
from host_agent.records import forget
from host_agent.records.forget import Options
from host_agent.records.ledger import Ledger
from host_agent.records.remembered import Remembered
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Step
from tests import json_output
from tests.integration.ledger_entries import entry
from tests.unit.host_agent.shared.upgrade_records import RECORD

URI = "test:///default"
NAME = "test"
UUID_ = "6695eb01-f6a4-8304-79aa-97f2502e193f"
"""Of the test driver's only domain."""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(str(tmp_path / "ledger.sqlite"))
    gone = entry(uuid="7c1f0000-0000-4000-8000-00000000000a", name="gone")
    found.append(entry(uuid=UUID_, name=NAME), gone)
    found.keep_baseline(UUID_, "<baseline/>", time=1.0, host="node17")
    return found


@pytest.fixture
def upgrades(tmp_path: Path) -> UpgradeJournal:
    return UpgradeJournal(tmp_path / "upgrades")


def begun(upgrades: UpgradeJournal, step: Step) -> None:
    record = replace(RECORD, uuid=UUID(UUID_), name=NAME, step=step)
    with upgrades.locked(UUID(UUID_)) as journal:
        journal.write(journal.begin(record, "<domain/>"))


def marked(monkeypatch: pytest.MonkeyPatch) -> Hypervisor:
    """The job's own connection, to a host whose domain carries a baseline."""
    hypervisor = Hypervisor.open(URI)
    (domain,) = hypervisor.domains()
    assert str(domain.uuid) == UUID_
    domain.set_metadata(
        f"<baseline xmlns='{NAMESPACE}'/>",
        baselines.PREFIX,
        NAMESPACE,
        live=True,
        persistent=True,
    )
    # A connection of the test driver's is a host of its own.
    monkeypatch.setattr(Hypervisor, "open", lambda _: hypervisor)
    monkeypatch.setattr(Hypervisor, "close", lambda _: None)
    return hypervisor


def test_all_of_it_goes(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, upgrades: UpgradeJournal
) -> None:
    hypervisor = marked(monkeypatch)
    begun(upgrades, Step.APPLIED)
    asked: list[bool] = []

    def agree(kept: Sequence[Remembered], place: str) -> bool:
        asked.extend(one.anything for one in kept)
        return True

    options = Options(uri=URI, names=(NAME, "gone"))
    report = forget.forget(options, ledger, upgrades, agree)
    test, gone = report.results
    assert asked == [True, True]
    assert test.errors == gone.errors == ()
    assert len(test.removed) == 3
    assert test.removed[0] == "the baseline in its definition and running domain"
    assert (gone.remembered.here, len(gone.removed)) == (False, 1)
    assert ledger.history() == ()
    assert ledger.baseline(UUID_) is None
    assert upgrades.read(UUID(UUID_)) is None
    (domain,) = hypervisor.domains()
    assert NAMESPACE not in domain.xml(inactive=True) + domain.xml(inactive=False)
    # The domain itself is not touched, and a second time nothing is left.
    assert domain.is_active()
    again = forget.forget(Options(uri=URI, names=(NAME,)), ledger, upgrades, agree)
    assert not again.results[0].remembered.anything


@pytest.mark.parametrize("step", [Step.STAGED, Step.STOPPING])
def test_an_upgrade_that_is_not_over_is_refused(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, upgrades: UpgradeJournal, step: Step
) -> None:
    marked(monkeypatch)
    begun(upgrades, step)
    report = forget.forget(
        Options(uri=URI, names=(NAME,)), ledger, upgrades, lambda *_: pytest.fail("asked")
    )
    (one,) = report.results
    assert f"upgrade of it is {step}" in (one.remembered.refused or "")
    assert ledger.count(UUID_) == (1, 1)


def test_who_says_no_and_who_looks_only(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger, upgrades: UpgradeJournal
) -> None:
    marked(monkeypatch)
    for options, agrees in (
        (Options(uri=URI, names=(NAME,)), False),
        (Options(uri=URI, names=(NAME,), dry_run=True), True),
    ):
        forget.forget(options, ledger, upgrades, lambda *_, agrees=agrees: agrees)
        assert ledger.count(UUID_) == (1, 1)


def test_one_that_nobody_knows(ledger: Ledger, upgrades: UpgradeJournal) -> None:
    with pytest.raises(NoDomainError, match="'nope'"):
        forget.forget(Options(uri=URI, names=("nope",)), ledger, upgrades, lambda *_: True)


def run(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "SAMEMACHINE_LEDGER": str(tmp_path / "ledger.sqlite"),
        "SAMEMACHINE_UPGRADES": str(tmp_path / "upgrades"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "host_agent", "forget", "-c", URI, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_the_command(tmp_path: Path, ledger: Ledger) -> None:
    assert run(tmp_path, NAME).returncode == 2
    assert run(tmp_path).returncode == 2
    looked = run(tmp_path, NAME, "--dry-run")
    assert looked.returncode == 0
    assert "1 entries and 1 copies of baselines" in looked.stdout
    assert "nothing was removed" in looked.stdout
    done = run(tmp_path, NAME, "--yes", "--format", "json")
    document = json_output.read(done.stdout)
    assert done.returncode == document["exit_code"] == 0
    assert len(document["domains"][0]["removed"]) == 1
    assert ledger.count(UUID_) == (0, 0)
    assert "nothing is kept of it" in run(tmp_path, NAME, "--yes").stdout
    assert run(tmp_path, "nope", "--yes").returncode == 2
