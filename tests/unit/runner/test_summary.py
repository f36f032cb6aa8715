"""The summary at the end of ``make test``, and what is left to ``make test-all``."""

import json
from pathlib import Path

import pytest

from tests import everything, shown, summary
from tests.checkout import CHECKOUT

JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest">
<testcase file="tests/a/test_x.py" name="test_good" time="0.5"/>
<testcase file="tests/a/test_x.py" name="test_bad[it's]" time="9.25">
  <failure message="no">trace</failure></testcase>
<testcase file="tests/a/test_x.py" name="test_both" time="1"><skipped message="no zsh"/>
  <error message="at teardown"/></testcase>
<testcase file="tests/a/test_x.py" name="test_away" time="0"><skipped message="no zsh"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def part(tmp_path: Path) -> summary.Part:
    file = tmp_path / "a.xml"
    file.write_text(JUNIT, encoding="utf-8")
    return summary.read("a", file, 12.0, 1)


def test_each_test_is_counted_once(part: summary.Part) -> None:
    assert part.line() == "a: 2 failed, 1 passed, 1 skipped in 12 s"


def test_what_failed_can_be_run_again(part: summary.Part) -> None:
    text, good = summary.render([part], 90.0, not_begun=0)
    assert not good
    assert """sh tests/rooted .venv/bin/pytest 'tests/a/test_x.py::test_bad[it'"'"'s]'""" in text
    assert "    1    no zsh" in text
    assert text.splitlines()[-2:] == ["1.5 minutes", "1 passed, 2 failed, 1 skipped"]
    slowest = text.partition("SLOWEST\n")[2].splitlines()[0]
    assert slowest.split() == ["9.2", "s", "tests/a/test_x.py::test_bad[it's]"]


@pytest.mark.parametrize(
    ("exit_code", "not_begun", "words"),
    [
        (0, 0, "0 passed, 0 failed, 0 skipped"),
        (5, 0, "0 passed, 0 failed, 0 skipped"),
        (2, 0, "pytest itself ended badly: gone"),
        (0, 3, "INTERRUPTED  3 parts were not begun"),
    ],
)
def test_a_part_without_results(tmp_path: Path, exit_code: int, not_begun: int, words: str) -> None:
    part = summary.read("gone", tmp_path / "none.xml", 1.0, exit_code)
    text, good = summary.render([part], 1.0, not_begun=not_begun)
    assert words in text
    assert good is (exit_code in {0, 5} and not not_begun)


def test_no_file_of_tests_is_forgotten() -> None:
    listed = [path for task in everything.tasks() for path in task.paths]
    files = [str(file.relative_to(CHECKOUT)) for file in (CHECKOUT / "tests").rglob("test_*.py")]
    assert sorted(listed) == sorted(files)


def test_a_subject_is_left_out_while_its_files_are_those_that_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown, "_FILE", tmp_path / "shown.json")
    assert shown.left_out() == frozenset()
    shown.write()
    assert shown.left_out() == frozenset(shown.SUBJECTS)
    (tmp_path / "shown.json").write_text(
        json.dumps({name: shown.digest(name) for name in shown.SUBJECTS} | {"images": "another"})
    )
    assert shown.left_out() == frozenset(shown.SUBJECTS) - {"images"}


def test_each_subject_has_files() -> None:
    assert all(
        [file for pattern in patterns for file in CHECKOUT.glob(pattern)]
        for patterns in shown.SUBJECTS.values()
    )
