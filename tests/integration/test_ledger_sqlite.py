"""A ledger's file in trouble: a sentence in time, and the next call works once it is over."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host_agent.errors import LedgerError
from host_agent.records import ledger as ledgers
from host_agent.records.ledger import Ledger
from tests.damage import damaged
from tests.integration.ledger_entries import ENTRY, entry, trouble

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger with an entry."""
    file = tmp_path / "state/samemachine/ledger.sqlite"
    Ledger(str(file)).append(ENTRY)
    return file


@pytest.fixture
def ledger(file: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The same ledger, with little patience."""
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.5)
    return Ledger(str(file))


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_nobody_else_may_read_it(file: Path, ledger: Ledger) -> None:
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with ledger._writing():
        assert modes(file.parent) == {
            file.name: 0o600,
            f"{file.name}-wal": 0o600,
            f"{file.name}-shm": 0o600,
        }
    assert modes(file.parent) == {file.name: 0o600}


def test_the_default_place_is_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Ledger().append(ENTRY)
    assert ledgers.default_path() == tmp_path / "samemachine/ledger.sqlite"
    assert Ledger().history() == (ENTRY,)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Ledger().place == "/home/somebody/.local/state/samemachine/ledger.sqlite"


def test_a_reader_does_not_wait_for_a_writer(ledger: Ledger) -> None:
    with ledger._writing():
        assert ledger.history() == (ENTRY,)


def test_a_lock_that_another_program_holds(file: Path, ledger: Ledger) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with trouble("another program has held its lock for too long"):
        ledger.append(ENTRY)
    assert ledger.history() == (ENTRY,)
    other.execute("ROLLBACK")
    other.close()
    ledger.append(ENTRY)
    assert len(ledger.history()) == 2


def test_a_lock_that_is_given_back_in_time(file: Path, ledger: Ledger) -> None:
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(0.2, other.execute, ["COMMIT"])
    timer.start()
    ledger.append(ENTRY)
    timer.join()
    other.close()
    assert len(ledger.history()) == 2


def test_threads_wait_for_each_other_with_an_end(ledger: Ledger) -> None:
    with ledger._writing(), trouble("has held its lock"):
        ledger.append(ENTRY)
    ledger.append(ENTRY)


@needs_root
def test_a_full_disk(tmp_path: Path) -> None:
    """It fills up, stays full, and is given room again."""
    place = tmp_path / "disk"
    place.mkdir()
    lines = f"""
from pathlib import Path
from uuid import uuid4
from host_agent.errors import LedgerError
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import entry
ledger = Ledger("{place}/ledger.sqlite")
ledger.append(entry())
ballast = Path("{place}/ballast")
ballast.write_bytes(bytes(600 << 10))
wholes, seen = 1, set()
for size in (100, 10, 1, 1, 1):
    try:
        while True:
            # Of as many domains: of one a flood is bounded.
            ledger.append(*(entry(uuid=str(uuid4()), name="x" * 250) for _ in range(size)))
            wholes += size
    except LedgerError as error:
        seen.add(str(error))
filler = Path("{place}/filler")
try:
    filler.write_bytes(bytes(1 << 22))
except OSError:
    pass
for act in (lambda: ledger.append(entry()), ledger.history):
    try:
        act()
    except LedgerError as error:
        seen.add(str(error))
print(seen)
filler.unlink()
ballast.unlink()
ledger.append(entry())
assert len(ledger.history(most=9999)) == wholes + 1
assert ledger.prune(2e9, host="node17", domains=()) == wholes + 1
ledger.append(entry())
assert len(ledger.history()) == 1
"""
    script = 'mount -t tmpfs -o size=1m none "$0" || exit 99; exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, place, sys.executable, "-c", lines],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{{'the ledger {place}/ledger.sqlite: its disk is full'}}\n"


@needs_root
def test_a_read_only_file_system(tmp_path: Path, file: Path) -> None:
    lines = f"""
from host_agent.errors import LedgerError
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import entry
ledger = Ledger({str(file)!r})
assert len(ledger.history()) == 1
try:
    ledger.append(entry())
except LedgerError as error:
    print(error)
"""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 99; exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, file.parent, sys.executable, "-c", lines],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "it can't be written: the file or its file system is read-only" in done.stdout


@needs_root
def test_a_file_of_somebody_else(file: Path) -> None:
    for path in (file.parent, file.parent.parent, *file.parents):
        if path.stat().st_uid == 0 and path.is_relative_to("/tmp/pytest-of-root"):
            path.chmod(0o755)
    file.parent.chmod(0o700)
    lines = f"""
from host_agent.errors import LedgerError
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import entry
ledger = Ledger({str(file)!r})
import os
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for act in (ledger.history, lambda: ledger.append(entry())):
    try:
        act()
    except LedgerError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"the ledger {file}: Permission denied\n" * 2


def to_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def to_another_database(file: Path) -> None:
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (x)")


REPLACED: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda file: file.write_text("hello " * 99), "is damaged, or no ledger; move it away"),
    "a folder": (to_folder, "can't be opened"),
    "another program's": (to_another_database, "is another program's database, not a ledger"),
    "cut": (lambda file: os.truncate(file, 5000), "damaged"),
}


@pytest.mark.parametrize("how", REPLACED)
def test_what_is_no_ledger(file: Path, ledger: Ledger, how: str) -> None:
    replace, sentence = REPLACED[how]
    replace(file)
    for act in (ledger.history, lambda: ledger.append(ENTRY), ledger.prepare):
        with trouble(sentence):
            act()
    file.rename(file.with_suffix(".away"))
    ledger.append(ENTRY)
    assert ledger.history() == (ENTRY,)


def test_a_place_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with trouble("File exists|Not a directory"):
        Ledger(f"{tmp_path}/file/ledger.sqlite").append(ENTRY)
    with trouble("No such file|Permission denied|not permitted"):
        Ledger("/proc/none/ledger.sqlite").append(ENTRY)
    with trouble("File name too long"):
        Ledger(f"{tmp_path}/{'x' * 999}").append(ENTRY)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with trouble("can't be opened"):
        Ledger(f"{tmp_path}/link").append(ENTRY)


def test_a_file_that_was_moved_away_is_made_anew(file: Path, ledger: Ledger) -> None:
    ledger.append(ENTRY)
    file.unlink()
    ledger.append(ENTRY)
    assert ledger.history() == (ENTRY,)


def test_an_empty_file_is_an_empty_ledger(tmp_path: Path) -> None:
    file = tmp_path / "a name?with=%20#all"
    file.touch()
    ledger = Ledger(str(file))
    with trouble("there is no ledger"):
        ledger.history()
    ledger.append(ENTRY)
    assert ledger.history() == (ENTRY,)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_ledger_error(data: st.DataObject, tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.unlink(missing_ok=True)
    ledger = Ledger(str(file))
    ledger.append(*(entry(name=f"vm{number}") for number in range(9)))
    ledger.keep_baseline(ENTRY.uuid, "<a/>", time=1.7e9, host="node17")
    file.write_bytes(data.draw(damaged(file.read_bytes())))
    for act in (
        ledger.history,
        lambda: ledger.history("vm1"),
        lambda: ledger.append(ENTRY),
        lambda: ledger.arrivals("node17", 0),
        lambda: ledger.newest("vm1", "node17"),
        lambda: ledger.baseline(ENTRY.uuid),
        lambda: ledger.prune(2e9, host="node17", domains=(ENTRY.uuid,)),
    ):
        try:
            act()
        except LedgerError as error:
            assert str(error).isprintable()
    for path in tmp_path.iterdir():
        path.unlink()
