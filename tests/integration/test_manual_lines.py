"""Every command line of the manual, the README and the help: its options are right, and it runs.

Run for real is only what needs no QEMU and no other host: on libvirt's own test driver, with the
domains that the examples name, and with atlases, ledger and waivers of its own. Of all others the
command line is read by the very parser of the command; tests/lab/test_manual.py runs them.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from guest_agent.cli import argument_parser
from host_agent.cli import cli
from host_agent.records.ledger import Ledger
from tests import manual_lines
from tests.commands import COMMANDS
from tests.manual_lines import GUESTS, HOSTS, codes, command_of, here, joined, runs_anywhere

DOMAINS = {
    "vm1": "7c1f0000-0000-4000-8000-000000000001",
    "vm2": "7c1f0000-0000-4000-8000-000000000002",
    "web1": "3d1b0a52-6d5e-4c1b-9c70-0a0a0a0a0001",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that the examples name."""
    place = tmp_path_factory.mktemp("examples")
    manual_lines.prepare(place)
    domains = "".join(
        f"<domain type='test'><name>{name}</name>"
        f"<uuid>{uuid}</uuid><memory>8192</memory><vcpu>1</vcpu>"
        "<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os></domain>"
        for name, uuid in DOMAINS.items()
    )
    (place / "node.xml").write_text(f"<node>{domains}</node>", encoding="utf-8")
    Ledger(str(place / "ledger.sqlite")).prepare()
    return place


@pytest.fixture(scope="module")
def environment(folder: Path) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "LIBVIRT_DEFAULT_URI": f"test://{folder}/node.xml",
        "SAMEMACHINE_LEDGER": str(folder / "ledger.sqlite"),
        "SAMEMACHINE_UPGRADES": str(folder / "upgrades"),
    }


@pytest.mark.parametrize("line", HOSTS, ids=joined)
def test_its_options_are_right(
    line: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    words = here(line, folder)
    name = command_of(line)
    before = words[: words.index(name)] if name else words
    try:
        group = cli.make_context("samemachine", [*before, name or "audit"])
    except click.exceptions.Exit as left:
        assert left.exit_code == 0
        return
    assert name is not None, "no command of ours"
    with group:
        COMMANDS[name].make_context(name, words[words.index(name) + 1 :], parent=group)


@pytest.mark.parametrize("line", [line for line in HOSTS if runs_anywhere(line)], ids=joined)
def test_it_runs(line: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "host_agent", *here(line, folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in codes(line), done.stderr


EXACT = {
    "diff debian:bookworm debian:trixie": 1,
    "diff debian:bookworm debian:bookworm": 0,
    "path jammy noble --on 2026-11-25": 0,
    "path noble jammy": 1,
    "path noble nonesuch": 3,
    "types --release noble": 0,
    "checks same-network": 0,
    "checks same-netwrk": 2,
    "audit vm1": 3,
    "audit vm9": 2,
    "audit -c test:///default": 3,
    "plan --to debian:trixie": 0,
    "plan -c test:///default --to noble": 3,
    "enroll vm1 --dry-run": 0,
    "campaign": 0,
    "history --ledger /nowhere": 4,
}


@pytest.mark.parametrize("line", EXACT)
def test_exit_codes_are_those_that_the_manual_tells(
    line: str, folder: Path, environment: Mapping[str, str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "host_agent", *line.split()],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (EXACT[line], False), done.stderr


@pytest.mark.parametrize("line", GUESTS, ids=joined)
def test_the_guests_options_are_right(line: tuple[str, ...]) -> None:
    assert argument_parser().parse_args(line[1:]).command == line[1]


@pytest.mark.parametrize("line", [line for line in GUESTS if line[1] != "serve"], ids=joined)
def test_the_guests_commands_run(line: tuple[str, ...], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "guest_agent", *here(line, folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
    )
    assert "Traceback" not in done.stderr, done.stderr
    # This machine may lack what is required, or the rights.
    assert done.returncode in ({0, 1} if line[1] == "check" else {0}), done.stderr


def test_there_are_command_lines_of_every_command() -> None:
    assert {command_of(line) for line in HOSTS} >= set(COMMANDS)
    assert {line[1] for line in GUESTS} == {"serve", "report", "check", "check-config"}
