"""The timeline that people read, also of hostile names and on narrow terminals."""

import dataclasses
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from host_agent.finding import Finding, Outcome
from host_agent.output.history import History, print_history, render
from host_agent.records.entry import Entry
from tests import json_output

MOVED = Finding(
    check="same-network",
    outcome=Outcome.FAIL,
    sentence="sees 52:54:00:aa:10:02 moved 0000:01:00.0 -> 0000:02:00.0",
)
SILENT = Finding(check="agent", outcome=Outcome.UNKNOWN, sentence="nobody answered in 5 s")
FIRST = Entry(
    time=1772417647.0,
    host="node41",
    uuid="7c1f",
    name="vm1",
    occasion="arrival",
    verdict="verified",
    depth="guest",
    qemu="8.2.2",
    passed=19,
)
SECOND = dataclasses.replace(
    FIRST, time=1772417740.0, name="vm2", uuid="9e02", verdict="mismatch", findings=(MOVED, SILENT)
)
THIRD = dataclasses.replace(
    FIRST,
    time=1772530000.0,
    name="instance-0000abcd",
    title="shop-db-1",
    verdict="no answer",
    depth=None,
    qemu=None,
    findings=(SILENT,),
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def history(*entries: Entry, **fields: Any) -> History:
    return History(
        **{
            "place": "/var/lib/samemachine/ledger.sqlite",
            "domain": None,
            "since": None,
            "older": False,
            "entries": entries,
            **fields,
        }
    )


def printed(shown: History, width: int = 80) -> str:
    out = io.StringIO()
    print_history(Console(file=out, width=width, highlight=False), shown)
    return out.getvalue()


def test_a_timeline() -> None:
    assert (
        printed(history(FIRST, SECOND, THIRD))
        == """\
/var/lib/samemachine/ledger.sqlite | 3 entries | times +0000

2026-03-02 Mon
02:14:07  vm1        arrival  verified   by guest  node41  QEMU 8.2.2
02:15:40  vm2        arrival  MISMATCH   by guest  node41  QEMU 8.2.2
          same-network  sees 52:54:00:aa:10:02 moved 0000:01:00.0 ->
          0000:02:00.0 (and 1 more)

2026-03-03 Tue
09:26:40  shop-db-1  arrival  NO ANSWER  -         node41  -
          agent  nobody answered in 5 s
"""
    )


def test_what_was_asked_is_said() -> None:
    shown = printed(history(FIRST, SECOND, domain="vm1", since=1.772e9, older=True))
    assert shown.splitlines()[:3] == [
        "/var/lib/samemachine/ledger.sqlite | 2 entries of vm1 | since 2026-02-25 06:13:20 | "
        "times +0000",
        "this name was 2 domains': 7c1f 9e02",
        "older entries are left off; --limit shows more",
    ]


def test_nothing_is_said_too() -> None:
    assert printed(history(domain="vm9")) == (
        "/var/lib/samemachine/ledger.sqlite | nothing recorded of vm9\n"
    )


@pytest.mark.parametrize("width", [40, 80, 100])
def test_long_names_fold_and_are_whole(width: int) -> None:
    name = "kubevirt-namespace-with-a-name_" + "machine" * 9
    shown = printed(history(dataclasses.replace(FIRST, name=name), FIRST), width)
    lines = shown.splitlines()[3:]
    if width >= 80:
        assert max(map(len, lines)) <= width
        assert name in "".join(line[10:].split("  ")[0] for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_nothing_hostile_reaches_the_terminal() -> None:
    bad = "\x1b[2J[bold]\u202e\n"
    hostile = Entry(
        time=0.0,
        host=bad,
        uuid=bad,
        name=bad,
        occasion=bad,
        verdict=bad,
        title=bad,
        depth=bad,
        machine=bad,
        qemu=bad,
        boot_id=bad,
        findings=(Finding(check=bad, outcome=Outcome.FAIL, sentence=bad),),
    )
    shown = printed(history(hostile, FIRST, domain=bad, place=bad), 200)
    assert all(line.isprintable() for line in shown.splitlines())
    assert "\\x1b[2J[bold]\\u202e" in shown


def test_json_is_ascii_and_says_everything() -> None:
    raw = render(history(FIRST, SECOND, domain="vm\u00e9", since=1.772e9, older=True))
    assert raw.isascii()
    assert raw.endswith("}\n")
    document = json_output.read(raw)
    assert {key: value for key, value in document.items() if key != "entries"} == {
        "$schema": "urn:samemachine:schema:history:1",
        "schema": 1,
        "ledger": "/var/lib/samemachine/ledger.sqlite",
        "domain": "vm\u00e9",
        "since": "2026-02-25T06:13:20.000+00:00",
        "older_left_off": True,
    }
    first, second = document["entries"]
    assert first["time"] == "2026-03-02T02:14:07.000+00:00"
    assert set(first) == {field.name for field in dataclasses.fields(Entry)}
    assert second["findings"][0] == {
        "check": "same-network",
        "outcome": "fail",
        "sentence": MOVED.sentence,
        "expected": None,
        "observed": None,
        "remedy": None,
    }
