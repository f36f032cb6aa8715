"""``samemachine checks``: what the manual says of findings, at the command line."""

import json
import subprocess
import sys
from pathlib import Path

from host_agent import checks
from host_agent.output.shared import manual_page

SAMEMACHINE = [sys.executable, "-m", "host_agent", "checks"]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SAMEMACHINE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_all_are_listed_with_a_line_each() -> None:
    done = run()
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.splitlines() if line[:2] == "  "]
    for one in manual_page.entries():
        assert one.id in listed
    assert not [line for line in done.stdout.splitlines() if len(line) > 100]


def test_one_is_told_whole() -> None:
    done = run("same-network")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("same-network  Does the guest have the network interfaces")
    for word in ("compares", "pass", "fail", "warn", "unknown", "skip", "do", "source"):
        assert f"\n  {word} " in done.stdout


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "checks.json"
    assert run("--format", "json", "--output", str(file)).returncode == 0
    told = {one["id"]: one for one in json.loads(file.read_text(encoding="utf-8"))["checks"]}
    assert set(told) > checks.IDS
    assert told["clock"]["outcomes"].keys() == {"pass", "warn", "unknown", "skip"}


def test_one_that_is_not_there() -> None:
    done = run("same-netwrk")
    assert done.returncode == 2
    assert "did you mean same-network" in done.stderr
