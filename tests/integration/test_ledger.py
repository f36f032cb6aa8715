"""The ledger's answers, the same in SQLite and in PostgreSQL."""

import contextlib
import secrets
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sql

from host_agent.errors import LedgerError, LedgerMissingError, UsageError
from host_agent.records import ledger as ledgers
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import ENTRY, entry, trouble
from tests.integration.postgresql_server import PostgresqlServer

UUID = ENTRY.uuid
OTHER = "7c1f0000-0000-4000-8000-0000000000ff"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger that is not there yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/ledger.sqlite"
    server = request.getfixturevalue("postgresql")
    assert isinstance(server, PostgresqlServer)
    name = f"ledger_{secrets.token_hex(4)}"
    # Made sooner than a database, and as empty.
    server.execute(f"CREATE SCHEMA {name}")
    return f"{server.url()}&options=-csearch_path%3D{name}"


@pytest.fixture
def ledger(url: str) -> Ledger:
    return Ledger(url)


def test_an_entry_comes_back_as_it_was(ledger: Ledger) -> None:
    plain = entry(
        title=None, depth=None, machine=None, qemu=None, boot_id=None, passed=0, findings=()
    )
    ledger.append(ENTRY, plain)
    assert ledger.history() == (ENTRY, plain)


def test_a_domain_is_forgotten_whole_and_no_other(ledger: Ledger) -> None:
    other = entry(uuid=OTHER)
    ledger.append(ENTRY, entry(time=1.7e9 + 1, name="vm1-old", host="node41"), other)
    for uuid in (UUID, UUID, OTHER):
        ledger.keep_baseline(uuid, "<baseline/>", time=1.7e9, host="node17")
    assert ledger.count(UUID) == (2, 2)
    ledger.forget(UUID)
    assert ledger.count(UUID) == (0, 0)
    assert ledger.baseline(UUID) is None
    assert ledger.history() == (other,)
    assert ledger.count(OTHER) == (1, 1)
    ledger.forget(UUID)


def test_reading_makes_nothing(ledger: Ledger, url: str, tmp_path: Path) -> None:
    for ask in (
        ledger.history,
        lambda: ledger.arrivals("node17", 0),
        lambda: ledger.newest(UUID, "node17"),
        lambda: ledger.baseline(UUID),
        lambda: ledger.count(UUID),
        lambda: ledger.prune(1e9, host="node17", domains=()),
    ):
        with pytest.raises(LedgerMissingError, match="there is no ledger"):
            ask()
    ledger.append()
    assert not list(tmp_path.iterdir())
    ledger.prepare()
    ledger.prepare()
    assert ledger.history() == ()


def test_history_is_of_a_name_a_title_or_a_uuid(ledger: Ledger) -> None:
    renamed = entry(time=1.7e9 + 1, name="vm1-old")
    namesake = entry(time=1.7e9 + 2, uuid=OTHER, title=None)
    ledger.append(namesake, renamed, ENTRY)
    assert ledger.history() == (ENTRY, renamed, namesake)
    assert ledger.history("vm1") == (ENTRY, namesake)
    assert ledger.history("shop-db-1") == (ENTRY, renamed)
    assert ledger.history(UUID.upper()) == (ENTRY, renamed)
    assert ledger.history(OTHER) == (namesake,)
    assert ledger.history("vm") == ledger.history("%") == ledger.history("' OR 1=1 --") == ()


def test_history_since_and_at_most(ledger: Ledger) -> None:
    ledger.append(*(entry(time=1000.0 + number) for number in range(9)))
    assert [one.time for one in ledger.history(since=1005.0)] == [1005.0, 1006.0, 1007.0, 1008.0]
    assert [one.time for one in ledger.history(most=2)] == [1007.0, 1008.0]
    assert [one.time for one in ledger.history("vm1", 1000.0, 1)] == [1008.0]


def test_a_name_that_looks_like_a_uuid(ledger: Ledger) -> None:
    named = entry(name=OTHER, title=None)
    ledger.append(named)
    assert ledger.history(OTHER) == (named,)


def test_arrivals_are_the_newest_of_each_domain(ledger: Ledger) -> None:
    silent = entry(time=2000.0, verdict="no answer", findings=())
    verified = entry(time=2001.0, verdict="verified", findings=())
    other = entry(time=2002.0, uuid=OTHER, name="vm2")
    ledger.append(
        entry(time=1999.0, uuid=OTHER),
        silent,
        other,
        verified,
        entry(time=2003.0, occasion="audit"),
        entry(time=2004.0, host="node41"),
    )
    assert ledger.arrivals("node17", 2000.0) == (verified, other)
    assert ledger.arrivals("node17", 2001.5) == (other,)
    assert ledger.arrivals("node99", 0.0) == ()


def test_more_arrivals_than_an_answer_holds(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate must not open because it was shown a part."""
    monkeypatch.setattr(ledgers, "MAX_ENTRIES", 2)
    ledger.append(*(entry(uuid=UUID[:-1] + str(number)) for number in range(3)))
    with pytest.raises(LedgerError, match="more than 2 arrivals"):
        ledger.arrivals("node17", 0.0)
    assert len(ledger.history(most=100)) == 2


def test_the_newest_entry_says_where_a_domain_went(ledger: Ledger) -> None:
    # The other host's clock is slow.
    there = entry(time=1.7e9 - 5, host="node41")
    elsewhere = entry(time=1.7e9 + 9, uuid=OTHER, host="node23")
    ledger.append(ENTRY, there, elsewhere)
    assert ledger.newest(UUID, "node17") == there
    # vm1 is the one that was here, not its namesake.
    assert ledger.newest("vm1", "node17") == there
    assert ledger.newest("shop-db-1", "node17") == there
    assert ledger.newest("vm1", "node99") == elsewhere
    assert ledger.newest("vm9", "node17") is None


def test_the_newest_baseline_counts(ledger: Ledger) -> None:
    ledger.prepare()
    assert ledger.baseline(UUID) is None
    for number, text in enumerate(("<a/>", "<b/>", "<é/>")):
        ledger.keep_baseline(UUID, text, time=1.7e9 - number, host="node17")
    ledger.keep_baseline(OTHER, "<c/>", time=1.7e9, host="node17")
    assert ledger.baseline(UUID) == "<é/>"
    with pytest.raises(LedgerError, match="1048577 characters"):
        ledger.keep_baseline(UUID, "x" * (1 << 20) + "x", time=1.7e9, host="node17")
    for bad in ("\ud800", "\0"):
        with contextlib.suppress(LedgerError):
            ledger.keep_baseline(OTHER, bad, time=1.7e9, host="node17")


def test_what_is_long_is_cut_and_found_again(ledger: Ledger) -> None:
    name = "x\x1b[2J" * 99
    ledger.append(entry(name=name, title="\ud800\0" * 999, verdict="?" * 999))
    (kept,) = ledger.history(name)
    assert len(kept.name) == 255
    assert kept.name.startswith("x\\x1b[2J")
    assert kept.title is not None
    assert kept.title.startswith("\\ud800\\x00")
    assert len(kept.verdict) == 16


@pytest.mark.parametrize("time", [float("nan"), float("inf"), -1.0, 1e12])
def test_what_is_no_time(ledger: Ledger, time: float) -> None:
    with pytest.raises(LedgerError, match="is no time"):
        ledger.append(ENTRY, entry(time=time))
    with pytest.raises(LedgerMissingError):
        ledger.history()


def test_all_or_none(ledger: Ledger) -> None:
    ledger.append(ENTRY)
    with pytest.raises(LedgerError):
        ledger.append(ENTRY, entry(passed=1 << 99))
    assert ledger.history() == (ENTRY,)


def test_prune(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_BATCH", 3)
    ledger.append(*(entry(time=1000.0 + number) for number in range(9)))
    ledger.append(entry(time=1000.0, host="node41"))
    for number, uuid in enumerate((UUID, UUID, OTHER, OTHER)):
        ledger.keep_baseline(uuid, f"<b{number}/>", time=1000.0 + number, host="node17")
    assert ledger.prune(1000.0, host="node17", domains=()) == 0
    # Seven entries and UUID's replaced baseline: its newest is old, but the domain is there.
    assert ledger.prune(1002.0, host="node17", domains=(UUID,)) == 2 + 1
    assert ledger.prune(1007.0, host="node17", domains=(UUID,)) == 5 + 2
    assert [one.host for one in ledger.history()] == ["node41", "node17", "node17"]
    assert (ledger.baseline(UUID), ledger.baseline(OTHER)) == ("<b1/>", None)


def test_what_one_domain_says_again_and_again_is_thinned_out(ledger: Ledger) -> None:
    """A guest may reboot as often as it likes, and pushes out nothing but its own repetitions."""
    first = entry(time=1000.0, verdict="mismatch")
    ledger.append(first)
    for number in range(100):
        ledger.append(entry(time=2000.0 + number, verdict="verified"))
    other = entry(time=2050.0, uuid=OTHER, verdict="verified")
    ledger.append(other)
    found = ledger.history(UUID, most=999)
    assert found[0] == first
    times = [one.time for one in found[1:]]
    assert times == [*(2000.0 + number for number in range(ledgers.MOST_AN_HOUR - 1)), 2099.0]
    assert ledger.history(OTHER) == (other,)


def test_there_is_an_end_to_what_is_kept_of_one_domain(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "MOST_OF_ONE_KIND", 5)
    for number in range(9):
        ledger.append(entry(time=1e6 * (number + 1)))
    assert [one.time for one in ledger.history(UUID)] == [1e6 * number for number in range(5, 10)]
    for number in range(ledgers.MAX_COPIES + 5):
        ledger.keep_baseline(UUID, f"<b{number}/>", time=1.7e9, host="node17")
    assert ledger.count(UUID) == (5, ledgers.MAX_COPIES)
    assert ledger.baseline(UUID) == f"<b{ledgers.MAX_COPIES + 4}/>"


def test_many_threads_append(ledger: Ledger) -> None:
    start = threading.Barrier(16)

    def work(number: int) -> None:
        start.wait()
        for turn in range(5):
            uuid = UUID[:-2] + f"{number:02}"
            ledger.append(entry(time=float(turn), name=f"vm{number}", uuid=uuid))
            assert ledger.history(f"vm{number}")[-1].time == turn

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    assert len(ledger.history(most=999)) == 80


def test_two_processes_make_it_at_once(url: str) -> None:
    lines = f"""
from host_agent.records.ledger import Ledger
from tests.integration.ledger_entries import entry
input()
for turn in range(10):
    Ledger({url!r}).append(entry(time=float(turn)))
"""
    both = [
        subprocess.Popen(
            [sys.executable, "-c", lines], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for one in both:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    assert [one.communicate(timeout=60)[1] for one in both] == [""] * 2
    assert len(Ledger(url).history(most=999)) == 20


SCHEMAS = {
    "UPDATE samemachine_ledger SET schema = 2": "has schema 2, this samemachine knows 1; update",
    "DELETE FROM samemachine_ledger": "is damaged: it has no schema number",
    "DROP TABLE samemachine_entries": "samemachine_entries",
}


@pytest.mark.parametrize("statement", SCHEMAS)
def test_a_ledger_that_is_not_as_we_made_it(ledger: Ledger, statement: str) -> None:
    ledger.append(ENTRY)
    with ledger._writing() as connection:
        connection.execute(sql.text(statement))
    with trouble(SCHEMAS[statement]):
        ledger.history()
    with trouble(SCHEMAS[statement]):
        ledger.append(ENTRY)


@pytest.mark.parametrize("damage", ["findings = '[7]'", "findings = '{'", "time = 1e99"])
def test_a_damaged_entry_costs_the_others_nothing(ledger: Ledger, damage: str) -> None:
    other = entry(uuid=OTHER, name="vm2", title=None)
    ledger.append(ENTRY, other)
    with ledger._writing() as connection:
        statement = f"UPDATE samemachine_entries SET {damage} WHERE uuid = '{ENTRY.uuid}'"
        connection.execute(sql.text(statement))
    found = {one.name: one for one in ledger.history()}
    assert found["vm2"] == other
    assert found[ENTRY.name].verdict == "damaged"
    assert found[ENTRY.name].problem is not None
    # Who decides by it is told.
    with trouble("holds an entry that can't be read"):
        ledger.newest(ENTRY.uuid, ENTRY.host)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "can't be read"), ("postgresql://u:hush@h:x/d", "can't be read"),
        ("sqlite://", "names no file"), ("sqlite:///:memory:", "names no file"),
        ("sqlite:////a?mode=ro", "names no file"), ("sqlite://hush/a", "names no file"),
        ("mysql://u:hush@h/d", "not in mysql"), ("postgresql+asyncpg://u:hush@h/d", "not in post"),
        ("postgresql://u@h/d?password=hush", "belongs before the @"), ("://hush", "can't be read"),
    ],
)  # fmt: skip
def test_a_url_of_no_ledger(url: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        Ledger(url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("/a/b.sqlite", "/a/b.sqlite"), ("sqlite:////a/b?", "/a/b"),
        ("/a/\x1b[2J?#%20", "/a/\\x1b[2J?#%20"),
        ("postgresql://u:hush@h:1/d?sslmode=require", "postgresql://h:1/d"),
        ("postgres://u:hush@/d?host=/run/x", "postgresql:///run/x/d"),
        ("postgresql://", "postgresql:///"),
    ],
)  # fmt: skip
def test_the_place_in_words(url: str, place: str) -> None:
    assert Ledger(url).place == place
