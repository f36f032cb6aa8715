"""``samemachine rehearse`` where no QEMU can be asked: what lacks is said, nothing is guessed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

URI = "test:///default"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "host_agent", "rehearse", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'DOMAIN'"),
        (("nope", "-c", URI), "no domain 'nope'; there are: test"),
        (("test", "-c", URI, "--machine", "x y"), "'x y' is no machine type's name"),
        (("test", "-c", URI, "--root", "/nonexistent"), "does not exist"),
        (("test", "-c", URI, "--rehearsal-timeout", "0"), "is not in the range"),
    ],
)
def test_usage(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_what_can_not_be_rehearsed_is_not_known(tmp_path: Path) -> None:
    done = run("test", "-c", URI)
    assert done.returncode == 3
    assert "next start  not known: libvirt's TEST driver runs no QEMU" in done.stdout
    out = tmp_path / "out.json"
    done = run("test", "-c", URI, "--format", "json", "--output", str(out))
    form = json.loads(out.read_text(encoding="utf-8"))
    assert (done.returncode, form["exit_code"], form["name"]) == (3, 3, "test")
    assert form["now"]["reason"] == form["changes"]["reason"] == "unsupported"


def test_a_host_that_is_not_there() -> None:
    assert run("test", "-c", "test:///nowhere.xml").returncode == 4
