"""History that can't be written just now: said, kept, and written later."""

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from host_agent.errors import LedgerError
from host_agent.records import patient_ledger
from host_agent.records.ledger import Ledger
from host_agent.records.patient_ledger import PatientLedger
from tests.integration.ledger_entries import ENTRY, entry
from tests.integration.test_verification_commands import URI, serving

ELEMENT = "<baseline/>"


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """The place of a ledger that can't be made: a file is where its folder is to be."""
    (tmp_path / "state").write_text("")
    return tmp_path / "state" / "ledger.sqlite"


def opened(place: Path) -> Path:
    place.parent.unlink()
    return place


def test_what_was_not_written_is_written_later_in_its_order(blocked: Path) -> None:
    ledger = PatientLedger(str(blocked))
    for at in range(3):
        with pytest.raises(LedgerError):
            ledger.append(entry(time=1.7e9 + at))
    with pytest.raises(LedgerError):
        ledger.keep_baseline(ENTRY.uuid, "<old/>", time=1.0, host="node17")
    with pytest.raises(LedgerError):
        ledger.keep_baseline(ENTRY.uuid, ELEMENT, time=2.0, host="node17")
    assert ledger.waiting == 4
    assert ledger.trouble is not None
    opened(blocked)
    ledger.append(entry(time=1.7e9 + 3))
    assert not ledger.waiting
    assert not ledger.trouble
    assert [one.time - 1.7e9 for one in Ledger(str(blocked)).history()] == [0, 1, 2, 3]
    assert Ledger(str(blocked)).baseline(ENTRY.uuid) == ELEMENT


def test_what_can_never_be_written_holds_nothing_up(blocked: Path) -> None:
    ledger = PatientLedger(str(blocked))
    with pytest.raises(LedgerError, match="is no time"):
        ledger.append(entry(time=float("nan")))
    assert ledger.waiting == 0


def test_what_waits_is_bounded(blocked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_ledger, "MOST_WAITING", 2)
    monkeypatch.setattr(patient_ledger, "MOST_CHARACTERS", 25)
    ledger = PatientLedger(str(blocked))
    for at in range(5):
        with suppress(LedgerError):
            ledger.append(entry(time=1.7e9 + at))
        with suppress(LedgerError):
            ledger.keep_baseline(str(at), ELEMENT, time=1.0, host="node17")
    assert (ledger.waiting, ledger.lost) == (4, 3)
    ledger.trouble = None
    opened(blocked)
    ledger.write_waiting()
    assert [one.time - 1.7e9 for one in Ledger(str(blocked)).history()] == [3, 4]
    assert Ledger(str(blocked)).baseline("4") == ELEMENT
    assert Ledger(str(blocked)).baseline("2") is None


def test_what_is_forgotten_does_not_come_back(blocked: Path) -> None:
    ledger = PatientLedger(str(blocked))
    with suppress(LedgerError):
        ledger.append(ENTRY)
    with suppress(LedgerError):
        ledger.keep_baseline(ENTRY.uuid, ELEMENT, time=1.0, host="node17")
    with suppress(LedgerError):
        ledger.forget(ENTRY.uuid)
    assert ledger.waiting == 0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "SAMEMACHINE_LEDGER": str(tmp_path / "ledger.sqlite")}


def limited(pid: int, soft: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def test_serve_goes_on_without_room_and_writes_when_there_is_some(
    environment: dict[str, str],
) -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow at all, as on a full disk; what is started has it from us.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        context = serving(environment, "-c", URI)
        daemon = context.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
    try:
        daemon.wait("no history: the ledger ")
        daemon.wait("UNVERIFIED")
        daemon.wait("verdicts are given all the same")
        daemon.wait("test: no history: ")
        assert Path(environment["SAMEMACHINE_LEDGER"]).stat().st_size == 0
        limited(daemon.process.pid, hard)
        daemon.wait("history is written again: 1 records that had waited are in it")
        (kept,) = Ledger(environment["SAMEMACHINE_LEDGER"]).history()
        assert (kept.name, kept.verdict) == ("test", "unverified")
        daemon.end(signal.SIGTERM)
        assert not [line for line in daemon.said if "history is lost" in line]
    finally:
        context.__exit__(None, None, None)


def test_serve_says_what_it_could_not_write_until_it_ended(environment: dict[str, str]) -> None:
    with serving(environment, "-c", URI, "--ledger", "/dev/null/l.sqlite") as daemon:
        daemon.wait("test: no history: ")
        daemon.end(signal.SIGTERM)
        assert [line for line in daemon.said if "history is lost: 1 records were not" in line]
