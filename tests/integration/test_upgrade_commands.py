"""``upgrade``, ``rollback`` and ``campaign`` as commands, where nothing can be raised."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Direction, Step
from tests import json_output
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD

URI = "-c", "test:///default"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "upgrades"


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "host_agent", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"SAMEMACHINE_UPGRADES": str(folder)},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("upgrade",), "name the domains, or give --tag or --from-file"),
        (("upgrade", "test"), "nobody can be asked here: look with --dry-run, then give --yes"),
        (("rollback", "test"), "then give --yes"),
        (("upgrade", "test", "--stage", "--no-start"), "--no-start means nothing"),
        (("upgrade", "absent", "--yes"), "has no domain 'absent'"),
        (("upgrade", "--tag", "role=db", "--yes"), "no domain with the tag role=db"),
        (("upgrade", "--tag", "=db", "--yes"), "is no tag"),
        (("upgrade", "test", "--yes", "--window", "late"), "is no time window"),
        (("rollback", "test", "-c", "test:///x", "--yes"), "name one connection"),
    ],
)
def test_usage(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(folder, *arguments, *URI)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert not folder.exists()


def test_a_driver_without_qemu(folder: Path) -> None:
    done = run(folder, "upgrade", "test", "--yes", "--format", "json", *URI)
    (domain,) = json_output.read(done.stdout)["domains"]
    assert (done.returncode, domain["outcome"]) == (2, "refused")
    assert "runs no QEMU" in domain["preflight"][1]["sentence"]
    assert not folder.exists()


def test_nothing_to_roll_back(folder: Path) -> None:
    done = run(folder, "rollback", "test", "--dry-run", *URI)
    assert done.returncode == 2
    assert "no upgrade was begun from this machine" in done.stdout


def test_a_file_of_names(folder: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("# mine\n\ntest  # the only one\n", encoding="utf-8")
    done = run(folder, "upgrade", "--from-file", str(names), "--dry-run", *URI)
    assert (done.returncode, done.stdout.count("BLOCKS")) == (2, 1)
    names.write_bytes(b"\xff")
    done = run(folder, "upgrade", "--from-file", str(names), "--dry-run", *URI)
    assert (done.returncode, "can't be read" in done.stderr) == (2, True)


def test_a_host_of_the_pool_that_is_gone(folder: Path, tmp_path: Path) -> None:
    pool = tmp_path / "pool.txt"
    pool.write_text("test:///default # itself\ntest:///absent.xml\n", encoding="utf-8")
    done = run(folder, "upgrade", "test", "--dry-run", "--pool", str(pool), *URI)
    assert (done.returncode, "test:///absent.xml" in done.stderr) == (4, True)


def test_a_campaign(folder: Path) -> None:
    assert run(folder, "campaign").stdout == "no upgrade was begun from this machine\n"
    with UpgradeJournal(folder).locked(RECORD.uuid) as journal:
        begun = journal.begin(replace(RECORD, change="CHG17"), "<domain/>")
        journal.write(replace(begun, step=Step.STAGED))
        staged = run(folder, "campaign")
        assert (staged.returncode, staged.stdout) == (
            0,
            f"staged 1\n  vm1  staged (CHG17)  {OLD} -> {NEW}\n",
        )
        assert run(folder, "campaign", "--change", "other").stdout.startswith("no upgrade")
        journal.write(replace(begun, step=Step.STARTING))
        assert run(folder, "campaign").returncode == 3
        journal.write(replace(begun, step=Step.ROLLED_BACK, direction=Direction.BACK))
        told = run(folder, "campaign", "--change", "CHG17", "--format", "json")
        assert (told.returncode, json_output.read(told.stdout)["counts"]) == (1, {"rolled back": 1})
        (journal.place / "state.json").write_text("{", encoding="ascii")
    done = run(folder, "campaign")
    assert (done.returncode, "can't be used" in done.stdout) == (3, True)


def test_help_has_examples() -> None:
    for command in ("upgrade", "rollback", "campaign"):
        done = run(Path("/nowhere"), command, "--help")
        assert (done.returncode, "Examples:" in done.stdout) == (0, True)
        assert "Exit codes:" in done.stdout
