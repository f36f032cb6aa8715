"""The fleet's memory in a real PostgreSQL: told once, whatever happens to it, and asked."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sql

from host_agent.errors import LedgerError, LedgerMissingError
from host_agent.fleet import tables
from host_agent.fleet.answers import Answers
from host_agent.fleet.fold import fold
from host_agent.fleet.memory import Memory
from host_agent.fleet.sender import Sender
from host_agent.fleet.spool import Spool
from host_agent.fleet.told import Alive, Record
from tests import json_output
from tests.bench import fleet_rows
from tests.integration import fleet_records
from tests.integration.fleet_records import START
from tests.integration.postgresql_server import PostgresqlServer
from tests.manual_lines import HOSTS as HOSTS_LINES
from tests.manual_lines import command_of, joined

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
HOSTS, DOMAINS = 20, 6


@pytest.fixture
def url(postgresql: PostgresqlServer) -> str:
    """A database of its own for every test."""
    name = f"fleet_{secrets.token_hex(4)}"
    postgresql.execute(f"CREATE DATABASE {name}")
    return postgresql.url(name)


@pytest.fixture
def server(postgresql: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """The same server, which a test may stop: it runs again afterwards."""
    yield postgresql
    postgresql.stop()
    postgresql.start()


def told(memory: Memory) -> None:
    """Have each host tell of its domains once."""
    for host in range(HOSTS):
        word = "unverified" if host == 3 else "verified"
        records: list[Record] = [
            Alive(time=START + host, libvirt="9.0.0", qemu="7.2.0"),
            fleet_records.offers(host, host),
            *(fleet_records.verdict(host, number, host, word) for number in range(DOMAINS)),
        ]
        memory.write(f"sender {host}", f"host{host:02}", list(enumerate(records, 1)))


def everything(memory: Memory) -> dict[str, list[tuple[object, ...]]]:
    with memory.reading() as connection:
        return {
            table.name: sorted(
                (
                    tuple(row)[1:] if table is tables.CHANGES else tuple(row)
                    for row in connection.execute(sql.select(table))
                ),
                key=repr,
            )
            for table in tables.TABLES.sorted_tables
        }


@pytest.fixture(params=["postgresql", "sqlite"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Memory:
    if request.param == "sqlite":
        return Memory(str(tmp_path / "fleet.sqlite"))
    return Memory(request.getfixturevalue("url"))


def test_each_question(memory: Memory) -> None:
    told(memory)
    answers = Answers(memory, 50)
    status = answers.status(START + 5)
    assert (status.hosts, status.silent) == (HOSTS, 5)
    assert status.machines == {
        one: {"unverified": 2, "verified": 2 * HOSTS - 2} for one in sorted(fleet_records.TYPES)
    }
    (one,) = answers.where("web 7-2")
    assert (one.host, one.domain.name, one.domain.verdict) == ("host07", "vm2", "verified")
    assert answers.where(str(UUID(int=(7 << 32) + 3))) == (one,)
    assert len(answers.where("vm2")) == HOSTS
    assert len(answers.where("host07")) == DOMAINS
    changes, number = answers.changed(START + HOSTS - 1)
    assert (number, {one.host for one in changes}) == (DOMAINS, {"host19"})
    assert answers.changed(START)[1] == HOSTS * DOMAINS
    assert len(answers.changed(START)[0]) == 50
    unverified = answers.unverified(START + 5)
    assert unverified.counts == {"unverified agent": DOMAINS}
    assert {one.host for one in unverified.domains} == {"host03"}
    assert [one.host for one in unverified.silent] == [f"host{one:02}" for one in range(5)]
    (_, q35) = answers.ceilings()
    assert (q35.name, q35.bound_by, q35.hosts) == ("pc-q35-9.2", 18, 20)
    same = answers.same_name()
    assert [one.machine for one in same] == sorted(fleet_records.TYPES)
    for machine in same:
        usual, other = machine.variants
        assert (usual.domains, other.domains, other.qemu) == (36, 4, "10.0.2")
        assert other.host == "host09"
        assert usual.differences == ()
        assert other.differences
        assert "usual" in (other.differences[0].old or "")


def test_machines_that_differ_in_acpi_alone_are_told_apart(memory: Memory) -> None:
    for host, digest in enumerate(("0123", "0123", "4567")):
        one = replace(
            fleet_records.verdict(0, 0, host),
            shown=f"shown {digest}",
            parts=("ACPI APIC: 120 89ab", f"ACPI DSDT: 8345 {digest}"),
        )
        memory.write(f"sender {host}", f"host{host}", [(1, one)])
    # A host that tells nothing of it is no other machine.
    older = replace(fleet_records.verdict(0, 0, 9), shown="shown without", parts=())
    memory.write("sender 9", "host9", [(1, older)])
    (same,) = Answers(memory, 50).same_name()
    found = {one.host: [str(each) for each in one.differences or ()] for one in same.variants}
    assert found == {
        "host0": [],
        "host2": ["ACPI DSDT: contents 8345 bytes (0123) -> 8345 bytes (4567)"],
        "host9": [],
    }


def test_what_is_told_again_is_not_written_again(memory: Memory) -> None:
    told(memory)
    before = everything(memory)
    told(memory)
    assert everything(memory) == before
    # A later one of the same sender is.
    later = fleet_records.verdict(0, 0, 100.0, "mismatch")
    memory.write("sender 0", "host00", [(8, later), (9, later)])
    assert len(everything(memory)["samemachine_fleet_changes"]) == HOSTS * DOMAINS + 1


def test_no_host_has_told_anything(memory: Memory) -> None:
    with pytest.raises(LedgerMissingError, match=r"no host has written|no fleet's memory"):
        Answers(memory, 50).status(0)
    told(memory)
    assert memory.forget_host("host05") == DOMAINS
    assert Answers(memory, 50).status(0).hosts == HOSTS - 1
    memory.prune(START + 10)
    assert Answers(memory, 50).changed(0)[1] == 10 * DOMAINS


def test_older_tables_are_brought_up_to_date_by_many_at_once(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(Memory(url))
    before = everything(Memory(url))
    steps = [*tables.STEPS]
    ran: list[int] = []

    def step(connection: sql.engine.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE samemachine_fleet_hosts ADD COLUMN rack text")
        ran.append(1)

    monkeypatch.setattr(tables, "STEPS", (*steps, step))
    with pytest.raises(LedgerMissingError, match="with this version yet"):
        Answers(Memory(url), 50).status(0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: told(Memory(url)), range(8)))
    assert ran == [1]
    monkeypatch.setattr(tables, "STEPS", tuple(steps))
    # Who is older writes nothing, and says why.
    with pytest.raises(LedgerError, match="has schema 2, this samemachine knows 1; update"):
        told(Memory(url))
    with pytest.raises(LedgerError, match="update samemachine"):
        Answers(Memory(url), 50).status(0)
    monkeypatch.setattr(tables, "STEPS", (*steps, step))
    after = everything(Memory(url))
    assert {**after, "samemachine_fleet": []} == {**before, "samemachine_fleet": []}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_database_is_killed_and_back_in_the_middle_of_a_day(
    server: PostgresqlServer, url: str, tmp_path: Path, end: str
) -> None:
    hosts, domains, rounds = 3, 6, 20
    said: list[str] = []
    senders = []
    days = {host: list(fleet_records.day(host, domains, rounds)) for host in range(hosts)}
    spools = [Spool(tmp_path / f"{host}.sqlite") for host in range(hosts)]
    for host, spool in enumerate(spools):
        sender = Sender(Memory(url), spool, f"host{host}", said.append, gather=0.01, first=0.05)
        senders.append(sender)
        sender.start()
    with ThreadPoolExecutor(hosts) as pool:
        halves = [pool.submit(_tell, senders[host], days[host][:60]) for host in range(hosts)]
        while not any(spool.count() for spool in spools) and not all(one.done() for one in halves):
            time.sleep(0.001)
        getattr(server, end)()
        for one in halves:
            one.result()
        # What comes while it is away, and from a daemon that was started anew, waits.
        for host in range(hosts):
            senders[host].end(60)
            spool = Spool(tmp_path / f"{host}.sqlite")
            senders[host] = Sender(
                Memory(url), spool, f"host{host}", said.append, gather=0.01, first=0.05
            )
            senders[host].start()
            _tell(senders[host], days[host][60:90])
        assert sum(spool.count() for spool in spools) >= 30 * hosts
        server.start()
        rest = [pool.submit(_tell, senders[host], days[host][90:]) for host in range(hosts)]
        for one in rest:
            one.result()
    until = time.monotonic() + 120
    while any(spool.count() for spool in spools):
        assert time.monotonic() < until, said
        time.sleep(0.05)
    for sender in senders:
        sender.end(60)
    assert any("waits on this host's disk" in one for one in said)
    found = everything(Memory(url))
    for host, records in days.items():
        now, changes = fold({}, records)
        mine = [row[1:] for row in found["samemachine_fleet_domains"] if row[0] == f"host{host}"]
        assert {row[0] for row in mine} == set(now)
        assert {row[12 - 1] for row in mine} == {one.time for one in now.values()}
        written = [row for row in found["samemachine_fleet_changes"] if row[1] == f"host{host}"]
        # Nothing lost, nothing twice.
        assert sorted(written, key=repr) == sorted(
            (
                (one.time, f"host{host}", one.uuid, one.name, one.what, one.old, one.new)
                for one in changes
            ),
            key=repr,
        )


def _tell(sender: Sender, records: Sequence[Record]) -> None:
    for record in records:
        sender.tell(record)


def test_what_can_not_be_told_waits_within_bounds(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", most=5)
    for number in range(8):
        spool.put(fleet_records.verdict(0, number, number))
    name, records, last = spool.next()
    assert ([number for number, _ in records], last, spool.lost) == ([4, 5, 6, 7, 8], 8, 3)
    # Whoever comes later is the same sender, and begins after them.
    again = Spool(tmp_path / "spool.sqlite")
    again.done(last)
    again.put(fleet_records.verdict(0, 1, 9.0))
    assert again.next() == (name, [(9, fleet_records.verdict(0, 1, 9.0))], 9)


def test_a_daemon_tells_and_the_command_answers(url: str, tmp_path: Path) -> None:
    rows = "".join(
        f"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
        f"<name>vm{number}</name><uuid>{UUID(int=number + 1)}</uuid><memory>8192</memory>"
        f"<os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type></os>"
        "<test:runstate>1</test:runstate></domain>"
        for number in range(3)
    )
    node = tmp_path / "node.xml"
    node.write_text(f"<node>{rows}</node>", encoding="utf-8")
    environment = {**os.environ, "SAMEMACHINE_FLEET": url}
    ledger = str(tmp_path / "ledger.sqlite")
    words = ["serve", "-c", f"test://{node}", "--boot-wait", "1", "--ledger", ledger]

    def asked(*question: str) -> dict[str, object]:
        done = subprocess.run(
            [*SAMEMACHINE, "fleet", *question, "--format", "json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 4:
            return {"machines": []}
        assert done.returncode == 0, done.stderr
        document: dict[str, object] = json_output.read(done.stdout)
        return document

    with subprocess.Popen(
        [*SAMEMACHINE, *words], env=environment, stderr=subprocess.PIPE, text=True
    ) as serving:
        expected = [{"machine": "pc-q35-9.2", "verdicts": {"unverified": 3}}]
        until = time.monotonic() + 60
        while asked("status")["machines"] != expected:
            assert time.monotonic() < until
            assert serving.poll() is None
            time.sleep(0.2)
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
    domains = asked("status", "vm1")["domains"]
    assert isinstance(domains, list)
    assert [one["uuid"] for one in domains] == [str(UUID(int=2))]
    assert asked("changed", "--since", "1h")["count"] == 3
    assert asked("unverified", "--silent-after", "10")["silent_count"] == 0
    assert asked("ceiling")["ceilings"] == []
    assert asked("same-name")["machines"] == []
    for question in ("status", "changed", "unverified", "ceiling", "same-name"):
        done = subprocess.run(
            [*SAMEMACHINE, "fleet", question],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["status"], 2, "which fleet? --fleet postgresql://user@host/database"),
        (["changed", "vm1", "--fleet", "/nowhere/f"], 2, "'samemachine fleet status vm1' does"),
        (["status", "--fleet", "/nowhere/f"], 4, "there is no"),
        (["status", "--fleet", "mysql://u:hush@h/d"], 2, "is kept in SQLite or PostgreSQL"),
    ],
)
def test_what_can_not_be_answered(words: list[str], code: int, sentence: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "SAMEMACHINE_FLEET"}
    done = subprocess.run(
        [*SAMEMACHINE, "fleet", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "hush" not in done.stderr


def test_a_record_of_a_machine_that_changed() -> None:
    one = fleet_records.verdict(0, 0, 0.0)
    assert fold(fold({}, [one])[0], [replace(one, machine="pc-q35-10.0")])[1][0].what == "machine"


@pytest.mark.parametrize(
    "line", [line for line in HOSTS_LINES if command_of(line) == "fleet"], ids=joined
)
def test_a_command_line_of_the_manual(line: tuple[str, ...], url: str) -> None:
    told(Memory(url))
    words = [url if "postgresql:" in word else word for word in line[1:]]
    if "--fleet" not in words:
        words += ["--fleet", url]
    done = subprocess.run([*SAMEMACHINE, *words], capture_output=True, text=True, check=False)
    # No mismatch, and hosts that have been silent since: an answer, whatever it is.
    assert done.returncode in {0, 3}, done.stderr
    assert done.stdout


def test_the_fleet_that_is_measured_is_one(url: str) -> None:
    """``make bench`` makes it in the database, and so has to follow what hosts would write."""
    memory = Memory(url)
    fleet_rows.fill(memory, 6)
    answers = Answers(memory, 50)
    assert answers.status(0).hosts == 6
    differing = answers.same_name()
    assert differing
    assert all(one.differences for same in differing for one in same.variants[1:])
