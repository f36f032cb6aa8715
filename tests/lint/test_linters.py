"""Linters and the type checker are tests: what they find is a failure like any other."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        # The guest side runs on guests that are older than hosts.
        ("vermin", "-t=3.9-", "--violations", "--eval-annotations", "--backport", "typing",
         "--no-parse-comments", "guest_agent", "proto/samemachine/session.py",
         "proto/samemachine/pump.py", "proto/samemachine/stream.py",
         "proto/samemachine/event_log.py"),
        ("vermin", "-t=3.11-", "--violations", "--no-parse-comments", "host_agent"),
    ],
    ids=lambda command: " ".join(command[:2]),
)  # fmt: skip
def test_nothing_is_found(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
