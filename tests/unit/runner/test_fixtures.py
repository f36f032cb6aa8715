"""A fixture that fails costs the test that asked for it, and no other."""

import subprocess
import sys
from pathlib import Path

from tests.checkout import CHECKOUT

FILE = """
import pytest
made = []

@pytest.fixture(scope="module")
def guest():
    made.append(1)
    if len(made) == 1:
        raise RuntimeError("it did not boot in time")
    yield len(made)

@pytest.mark.parametrize("number", range(3))
def test_it(guest, number):
    assert guest == 2
"""


def test_one_failure_costs_one_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FILE, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "tests.conftest",
            "-p",
            "no:cacheprovider",
            f"--rootdir={tmp_path}",
            "-c",
            "/dev/null",
            tmp_path,
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed, 1 error" in done.stdout, done.stdout + done.stderr
