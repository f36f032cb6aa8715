"""Upgrades on disk: whole or not there, held alone, and refused where they can't be kept."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from host_agent.errors import UpgradeJournalError, UsageError
from host_agent.records.upgrade_folder import default_folder
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Step
from tests.checkout import CHECKOUT
from tests.unit.host_agent.shared.upgrade_records import RECORD

XML = "<domain><name>vm1</name><secret>é</secret></domain>"
OTHER = UUID(int=7)


@pytest.fixture
def upgrades(tmp_path: Path) -> UpgradeJournal:
    return UpgradeJournal(tmp_path / "upgrades")


def test_what_was_is_there_again(upgrades: UpgradeJournal) -> None:
    assert upgrades.read(RECORD.uuid) is None
    assert upgrades.all() == ([], [])
    with upgrades.locked(RECORD.uuid) as journal:
        begun = journal.begin(RECORD, XML)
        assert upgrades.read(RECORD.uuid) == begun
        stopping = replace(begun, step=Step.STOPPING)
        journal.write(stopping)
        assert journal.original(stopping) == XML
    assert upgrades.read(RECORD.uuid) == stopping
    assert upgrades.all() == ([stopping], [])


def test_only_its_owner_may_read_it(upgrades: UpgradeJournal) -> None:
    umask = os.umask(0)
    try:
        with upgrades.locked(RECORD.uuid) as journal:
            journal.begin(RECORD, XML)
    finally:
        os.umask(umask)
    folder = upgrades.folder / str(RECORD.uuid)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})
    assert not [file.name for file in folder.iterdir() if file.name.endswith(".unfinished")]


def test_where_others_may_write_nothing_is_believed(upgrades: UpgradeJournal) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        journal.begin(RECORD, XML)
    (upgrades.folder / str(RECORD.uuid)).chmod(0o777)
    with pytest.raises(UpgradeJournalError, match="others may write"):
        upgrades.read(RECORD.uuid)
    with pytest.raises(UpgradeJournalError, match="others may write"), upgrades.locked(RECORD.uuid):
        pass


def test_one_at_a_time(upgrades: UpgradeJournal) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        begun = journal.begin(RECORD, XML)
        assert upgrades.is_busy(RECORD.uuid)
        with pytest.raises(UsageError, match="another samemachine"), upgrades.locked(RECORD.uuid):
            pass
        with upgrades.locked(OTHER):
            pass
        journal.write(replace(begun, step=Step.APPLIED))
        # Whoever verifies may: it is done.
        assert not upgrades.is_busy(RECORD.uuid)
    assert not upgrades.is_busy(RECORD.uuid)


def test_a_killed_program_holds_nothing(upgrades: UpgradeJournal) -> None:
    program = f"""
import os, signal, sys
from pathlib import Path
from host_agent.records.upgrade_folder import default_folder
from host_agent.records.upgrade_journal import UpgradeJournal
from tests.unit.host_agent.shared.upgrade_records import RECORD
with UpgradeJournal(Path({str(upgrades.folder)!r})).locked(RECORD.uuid) as journal:
    journal.begin(RECORD, "<domain/>")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, check=False, timeout=60)
    assert done.returncode == -9
    assert not upgrades.is_busy(RECORD.uuid)
    with upgrades.locked(RECORD.uuid) as journal:
        record = journal.read()
        assert record is not None
        assert journal.original(record) == "<domain/>"


def test_earlier_backups_stay(upgrades: UpgradeJournal) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        for number in range(8):
            begun = journal.begin(replace(RECORD, started=float(number)), f"<domain n='{number}'/>")
        assert journal.original(begun) == "<domain n='7'/>"
        (journal.place / "state.json.00.unfinished").touch()
        journal.begin(replace(RECORD, started=9.0), XML)
    folder = upgrades.folder / str(RECORD.uuid)
    assert len(list(folder.glob("original-*.xml"))) == 6
    assert not list(folder.glob("*.unfinished"))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[]", b"{" * 100000])
def test_a_damaged_record_is_said_and_left(upgrades: UpgradeJournal, content: bytes) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        begun = journal.begin(RECORD, XML)
        (journal.place / "state.json").write_bytes(content)
        with pytest.raises(UpgradeJournalError, match=r"state\.json can't be (used|read)"):
            journal.read()
    assert upgrades.all()[0] == []
    assert str(RECORD.uuid) in upgrades.all()[1][0]
    kept = upgrades.folder / str(RECORD.uuid) / begun.backup
    assert kept.read_text(encoding="utf-8") == XML


def test_another_domains_record_is_not_ours(upgrades: UpgradeJournal) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        journal.begin(RECORD, XML)
        text = (journal.place / "state.json").read_text(encoding="utf-8")
    with upgrades.locked(OTHER) as journal:
        (journal.place / "state.json").write_text(text, encoding="utf-8")
        with pytest.raises(UpgradeJournalError, match="another domain's"):
            journal.read()


def test_a_damaged_backup_is_not_used(upgrades: UpgradeJournal) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        begun = journal.begin(RECORD, XML)
        (journal.place / begun.backup).write_text("<domain/>", encoding="utf-8")
        with pytest.raises(UpgradeJournalError, match="SHA-256"):
            journal.original(begun)
        (journal.place / begun.backup).unlink()
        with pytest.raises(UpgradeJournalError, match="can't be read"):
            journal.original(begun)


def test_what_is_forgotten_is_gone(upgrades: UpgradeJournal) -> None:
    with upgrades.locked(RECORD.uuid) as journal:
        journal.begin(RECORD, XML)
        journal.forget()
        assert journal.read() is None
    folder = upgrades.folder / str(RECORD.uuid)
    assert [file.name for file in folder.iterdir()] == ["lock"]


def test_what_is_not_ours_is_passed_by(upgrades: UpgradeJournal) -> None:
    upgrades.folder.mkdir()
    (upgrades.folder / "notes").mkdir()
    (upgrades.folder / str(OTHER)).mkdir(mode=0o700)
    assert upgrades.all() == ([], [])


def test_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEMACHINE_UPGRADES", "/x")
    assert default_folder() == Path("/x")
    monkeypatch.delenv("SAMEMACHINE_UPGRADES")
    monkeypatch.setenv("XDG_STATE_HOME", "/y")
    own = Path("/var/lib/samemachine/upgrades")
    assert default_folder() == (own if os.geteuid() == 0 else Path("/y/samemachine/upgrades"))


FULL = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
from host_agent.errors import UpgradeJournalError
from host_agent.records.upgrade_folder import default_folder
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Step
from tests.unit.host_agent.shared.upgrade_records import RECORD

place = Path(sys.argv[1])
upgrades = UpgradeJournal(place / "upgrades")
told = {}

def fill():
    with (place / "full").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

with upgrades.locked(RECORD.uuid) as journal:
    begun = journal.begin(RECORD, "<domain/>")
    fill()
    # In the middle there is room that was put aside.
    for step in (Step.STOPPING, Step.DEFINING, Step.STARTING, Step.VERIFYING, Step.APPLIED):
        begun = replace(begun, step=step)
        journal.write(begun)
    told["written"] = journal.read().step
    fill()
    try:
        journal.begin(RECORD, "<domain n='2'/>")
    except UpgradeJournalError as error:
        told["refused"] = str(error)
    told["stays"] = journal.original(journal.read())
print(json.dumps(told))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=256k none "$1" || exit 99; exec "$0" -c "$2" "$1"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, sys.executable, tmp_path, FULL],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 99:
        pytest.skip("no mount may be made here")
    told = json.loads(done.stdout or "{}")
    assert told, done.stderr
    assert (told["written"], told["stays"]) == ("applied", "<domain/>")
    assert "can't be written down" in told["refused"]
    assert "No space left on device" in told["refused"]
