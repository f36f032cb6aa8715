"""A PostgreSQL in trouble: a sentence in time, and the next call works once it is over."""

import contextlib
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from host_agent.errors import LedgerError
from host_agent.records import ledger as ledgers
from host_agent.records.ledger import Ledger
from tests.integration import postgresql_server
from tests.integration.ledger_entries import ENTRY, trouble
from tests.integration.postgresql_server import PostgresqlServer
from tests.manual_lines import HOSTS, joined


@pytest.fixture
def name(postgresql: PostgresqlServer) -> str:
    """A database of its own for every test."""
    name = f"ledger_{secrets.token_hex(4)}"
    postgresql.execute(f"CREATE DATABASE {name}")
    return name


@pytest.fixture
def ledger(postgresql: PostgresqlServer, name: str, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger with an entry, and little patience."""
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.5)
    ledger = Ledger(postgresql.url(name))
    ledger.append(ENTRY)
    return ledger


@pytest.fixture
def server(postgresql: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """The same server, which a test may stop: it runs again afterwards."""
    yield postgresql
    postgresql.stop()
    postgresql.start()


def connections(server: PostgresqlServer, name: str) -> int:
    return int(server.execute(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"))


def test_no_connection_is_held(postgresql: PostgresqlServer, name: str, ledger: Ledger) -> None:
    ledger.history()
    with ledger._writing() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "500ms"
        assert connection.exec_driver_sql("SHOW application_name").scalar() == "samemachine"
    deadline = time.monotonic() + 5
    while connections(postgresql, name):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_reading_can_not_write(ledger: Ledger) -> None:
    with trouble("read-only transaction"), ledger._reading() as connection:
        connection.exec_driver_sql("DELETE FROM samemachine_entries")
    assert ledger.history() == (ENTRY,)


def test_a_server_that_is_not_there(
    server: PostgresqlServer, ledger: Ledger, capfd: pytest.CaptureFixture[str]
) -> None:
    server.stop()
    with trouble("connection"):
        ledger.append(ENTRY)
    with trouble("connection"):
        ledger.history()
    server.start()
    ledger.append(ENTRY)
    assert len(ledger.history()) == 2
    assert capfd.readouterr().err == ""


def test_a_server_that_goes_away_midway(
    server: PostgresqlServer, ledger: Ledger, capfd: pytest.CaptureFixture[str]
) -> None:
    with trouble("ledger_"), ledger._writing() as connection:
        connection.exec_driver_sql("SELECT 1")
        server.stop()
        connection.exec_driver_sql("SELECT 1")
    with trouble("ledger_"), ledger._writing() as connection:
        # Not reached: there is nobody to begin with.
        raise AssertionError
    server.start()
    with trouble("ledger_"), ledger._writing():
        server.stop()
    server.start()
    ledger.append(ENTRY)
    assert len(ledger.history()) == 2
    assert capfd.readouterr().err == ""


def test_a_server_that_hangs_midway(
    postgresql: PostgresqlServer, ledger: Ledger, capfd: pytest.CaptureFixture[str]
) -> None:
    with contextlib.ExitStack() as stack:
        with trouble("it has not answered for 2 s"), ledger._writing() as connection:
            stack.enter_context(postgresql.frozen())
            connection.exec_driver_sql("SELECT 1")
        with trouble("timeout"):
            ledger.append(ENTRY)
    ledger.append(ENTRY)
    assert len(ledger.history()) == 2
    assert capfd.readouterr().err == ""


def test_many_threads_wait_no_longer_than_one(
    postgresql: PostgresqlServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.5)
    ledger = Ledger(postgresql.url(name))
    holder = postgresql.holding("LOCK TABLE pg_catalog.pg_class, pg_catalog.pg_namespace", name)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: refused(ledger), range(4)))
    finally:
        holder.communicate("ROLLBACK;", timeout=10)
    ledger.append(ENTRY)


def refused(ledger: Ledger) -> None:
    with trouble("ledger_"):
        ledger.append(ENTRY)


def test_a_server_that_never_lets_us_in(tmp_path: Path) -> None:
    listener = postgresql_server.hung(tmp_path)
    ledger = Ledger(f"postgresql://u:hush@/d?host={tmp_path}")
    with listener, trouble("timeout"):
        ledger.append(ENTRY)


def test_a_table_that_another_client_has_locked(
    postgresql: PostgresqlServer, name: str, ledger: Ledger
) -> None:
    holder = postgresql.holding("LOCK TABLE samemachine_entries", name)
    try:
        for act in (ledger.history, lambda: ledger.append(ENTRY)):
            with trouble("timeout"):
                act()
    finally:
        holder.communicate("ROLLBACK;", timeout=10)
    ledger.append(ENTRY)
    assert len(ledger.history()) == 2


def test_others_that_make_the_tables_just_now(
    postgresql: PostgresqlServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "WAIT_SECONDS", 0.5)
    holder = postgresql.holding(f"SELECT pg_advisory_xact_lock({ledgers._MAKING})", name)
    ledger = Ledger(postgresql.url(name))
    with trouble("timeout"):
        ledger.append(ENTRY)
    holder.communicate("ROLLBACK;", timeout=10)
    ledger.append(ENTRY)


def test_rights_are_missing(postgresql: PostgresqlServer, name: str, ledger: Ledger) -> None:
    postgresql.execute(
        "CREATE ROLE reader LOGIN; GRANT SELECT ON samemachine_entries, samemachine_ledger "
        "TO reader",
        name,
    )
    reader = Ledger(postgresql.url(name, "reader"))
    assert reader.history() == (ENTRY,)
    with trouble("permission denied for table samemachine_entries"):
        reader.append(ENTRY)
    with trouble('database "nowhere" does not exist'):
        Ledger(postgresql.url("nowhere")).append(ENTRY)


@pytest.mark.parametrize("password", ["hush-hush", "asked", "p%40ss", ""])
def test_no_password_is_told(postgresql: PostgresqlServer, name: str, password: str) -> None:
    postgresql.execute(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asked') THEN "
        "CREATE ROLE asked LOGIN PASSWORD 'right'; END IF; END $$"
    )
    ledger = Ledger(postgresql.url(name, f"asked:{password}" if password else "asked"))
    with trouble("password") as _:
        ledger.append(ENTRY)
    try:
        ledger.append(ENTRY)
    except LedgerError as error:
        told = f"{error} {ledger.place}"
        assert not password or password.replace("%40", "@") not in told
    Ledger(postgresql.url(name, "asked:right"))


def test_the_driver_is_missing(postgresql: PostgresqlServer, name: str) -> None:
    lines = f"""
import sys
sys.modules["psycopg"] = None
from host_agent.errors import LedgerError
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import entry
try:
    Ledger({postgresql.url(name)!r}).append(entry())
except LedgerError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "psycopg 3 is needed and not installed: apt install python3-psycopg" in done.stdout


def test_pruning_of_much_does_not_hit_the_limit(
    ledger: Ledger, name: str, postgresql: PostgresqlServer
) -> None:
    postgresql.execute(
        "INSERT INTO samemachine_entries (time, host, uuid, name, occasion, verdict, passed, "
        "findings) SELECT n, 'node17', 'u' || n % 100, 'v', 'audit', 'verified', 1, '[]' "
        "FROM generate_series(1, 20000) n",
        name,
    )
    assert ledger.prune(1e6, host="node17", domains=()) == 20000
    assert ledger.history() == (ENTRY,)


def test_it_ends_with_us(tmp_path: Path) -> None:
    """Whatever ends the tests ends their server."""
    lines = """
import os, sys
from tests.integration import postgresql_server
programs = postgresql_server.binaries()
with postgresql_server.running(programs) as server:
    print(server.folder, server._server.pid, flush=True)
    os.kill(os.getpid(), 9)
"""
    if postgresql_server.binaries() is None:
        pytest.skip("no PostgreSQL server is installed")
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False, timeout=60
    )
    folder, pid = done.stdout.split()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    subprocess.run(["rm", "-r", folder], check=True)


@pytest.mark.parametrize(
    "line",
    [
        line
        for line in HOSTS
        if any("postgresql:" in word for word in line) and "--fleet" not in line
    ],
    ids=joined,
)
def test_a_command_line_of_the_manual(
    line: tuple[str, ...], postgresql: PostgresqlServer, name: str, ledger: Ledger
) -> None:
    words = [postgresql.url(name) if "postgres" in word else word for word in line[1:]]
    done = subprocess.run(
        [sys.executable, "-m", "host_agent", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert str(ENTRY.title) in done.stdout
