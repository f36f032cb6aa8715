"""``enroll`` on libvirt's own test driver, which plugs no channels: how the command ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
URI = "test:///default"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SAMEMACHINE, "enroll", "-c", URI, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("arguments", [(), ("test", "--all"), ("test",), ("nope", "--dry-run")])
def test_usage(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("samemachine: ")


def test_a_dry_run_tells_and_changes_nothing(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    done = run("test", "--dry-run", "--format", "json", "--output", str(told))
    assert done.returncode == 0, done.stderr
    (host,) = json.loads(told.read_text())["hosts"]
    (domain,) = host["domains"]
    assert domain["changes"] == {"definition": True, "running": False}
    assert domain["done"] is False
    assert domain["lines"][0] == "+ <channel type='unix'>"


def test_what_libvirt_refuses_is_told() -> None:
    done = run("test", "--yes")
    assert done.returncode == 4
    assert "libvirt refused it" in done.stdout


def test_a_host_that_is_not_there() -> None:
    done = run("-c", "test:///nowhere.xml", "--all", "--dry-run")
    assert done.returncode == 4
    assert "test  definition" in done.stdout


MARKUP = "[red]$(x) [b"


def test_markup_in_names_is_text(tmp_path: Path) -> None:
    """libvirt takes any name; the host's own is in its node file."""
    node = tmp_path / "node.xml"
    node.write_text(
        f"""<node><domain type='test'><name>{MARKUP}</name><memory>1</memory>
        <os><type>hvm</type></os></domain></node>""",
        encoding="utf-8",
    )
    uri = f"test://{node}"
    for words in (
        ["enroll", "--all", "--dry-run"],
        ["audit", "--verbose"],
        ["show", MARKUP],
        ["upgrade", MARKUP, "--dry-run"],
        ["why", MARKUP],
    ):
        done = subprocess.run(
            [*SAMEMACHINE, *words, "-c", uri],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                "HOME": str(tmp_path),
                "SAMEMACHINE_LEDGER": str(tmp_path / "ledger.sqlite"),
            },
        )
        told = done.stdout + done.stderr
        assert "Traceback" not in told, told
        assert MARKUP in told, (words, told)
