"""``samemachine history``: what is printed, where to, and the exit codes."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from host_agent.records.ledger import Ledger
from tests import json_output
from tests.integration.ledger_entries import ENTRY, entry

SAMEMACHINE = [sys.executable, "-m", "host_agent", "history"]


def run(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SAMEMACHINE, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "TZ": "UTC", **environment},
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of three entries: two are old, one was made just now."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    other = entry(name="vm2", title=None, verdict="verified", findings=(), time=1.7e9 + 60)
    Ledger(str(file)).append(ENTRY, other, entry(time=time.time()))
    return file


def test_a_timeline(file: Path) -> None:
    done = run("--ledger", file)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{file} | 3 entries | times +0000"
    assert lines[2:6] == [
        "2023-11-14 Tue",
        "22:13:20  shop-db-1  arrival  MISMATCH  by guest  node17  QEMU 7.2.22",
        "          same-network  the NIC moved",
        "22:14:20  vm2        arrival  verified  by guest  node17  QEMU 7.2.22",
    ]


@pytest.mark.parametrize(
    ("arguments", "names", "older"),
    [
        ((), ["vm1", "vm2", "vm1"], False), (("vm1",), ["vm1", "vm1"], False),
        (("shop-db-1", "--since", "2h"), ["vm1"], False), (("--since", "2h"), ["vm1"], False),
        (("--since", "2023-11-14 22:14"), ["vm2", "vm1"], False),
        (("--limit", "2"), ["vm2", "vm1"], True), (("--limit", "3"), ["vm1", "vm2", "vm1"], False),
        (("vm9",), [], False),
    ],
)  # fmt: skip
def test_what_is_asked_for(file: Path, arguments: Any, names: list[str], older: bool) -> None:
    done = run(*arguments, "--format", "json", SAMEMACHINE_LEDGER=f"sqlite:///{file}")
    assert (done.returncode, done.stderr) == (0, "")
    document = json_output.read(done.stdout)
    assert [one["name"] for one in document["entries"]] == names
    assert document["older_left_off"] is older


def test_into_a_file(file: Path, tmp_path: Path) -> None:
    done = run("--ledger", file, "--output", tmp_path / "out")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "MISMATCH" in (tmp_path / "out").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--ledger", "/nowhere/l.sqlite"), 4, "there is no ledger /nowhere/l.sqlite yet"),
        (("--ledger", "/etc/passwd"), 4, "the file is damaged, or no ledger"),
        (("--ledger", "postgresql:///x?host=/nowhere"), 4, "the ledger postgresql:///nowhere/x: "),
        (("--ledger", "mysql://u:hush@h/d"), 2, "ledger is kept in SQLite or PostgreSQL, not in"),
        (("--since", "soon"), 2, "'soon' is no time; such as 2h"),
        (("--since", "@9999999999"), 2, "is still to come"),
        (("--limit", "0"), 2, "0 is not in the range"), (("--odd",), 2, "No such option"),
    ],
)  # fmt: skip
def test_trouble(arguments: tuple[str, ...], code: int, sentence: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert sentence in done.stderr
    assert "hush" not in done.stderr


def test_help_names_examples_and_exit_codes() -> None:
    shown = run("--help").stdout
    assert "Examples:" in shown
    assert "4  the ledger can't be read, or there is none" in shown
    assert max(map(len, shown.splitlines())) <= 100
