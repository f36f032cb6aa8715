"""What a run of the tests comes to, for people: read from pytest's JUnit files."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_SLOWEST = 10
_NO_TESTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One test."""

    __test__ = False

    node: str
    """As pytest takes it."""
    seconds: float
    outcome: str
    """passed, failed or skipped."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one pytest ran."""

    name: str
    seconds: float
    tests: Sequence[Test]
    wrong: bool
    """Whether a test failed, or pytest itself."""

    def line(self) -> str:
        """Return how it went, in a line."""
        return f"{self.name}: {counted(self.tests) or 'no test'} in {self.seconds:.0f} s"


def read(name: str, file: Path, seconds: float, exit_code: int) -> Part:
    """Return how a part went that pytest wrote into a JUnit file before it ended."""
    tests = (
        [_test(case) for case in ElementTree.parse(file).iter("testcase")]
        if (file.exists())
        else []
    )
    wrong = exit_code not in {0, _NO_TESTS}
    return Part(name=name, seconds=seconds, tests=tests, wrong=wrong)


def _test(case: ElementTree.Element) -> Test:
    node = f"{case.get('file')}::{case.get('name')}"
    outcome, why = "passed", ""
    for child in case:
        if child.tag in {"failure", "error"}:
            outcome = "failed"
        elif child.tag == "skipped" and outcome == "passed":
            outcome, why = "skipped", child.get("message", "")
    return Test(node=node, seconds=float(case.get("time", 0)), outcome=outcome, why=why)


def counted(tests: Sequence[Test]) -> str:
    """Return how many went how: ``3 passed, 1 skipped``."""
    counts = Counter(test.outcome for test in tests)
    return ", ".join(
        f"{counts[one]} {one}" for one in ("failed", "passed", "skipped") if counts[one]
    )


def render(parts: Sequence[Part], seconds: float, *, not_begun: int) -> tuple[str, bool]:
    """Return the summary, and whether all is well."""
    tests = [test for part in parts for test in part.tests]
    lines = ["", "SLOWEST"]
    slowest = sorted(tests, key=lambda test: -test.seconds)[:_SLOWEST]
    lines += [f"{test.seconds:7.1f} s  {test.node}" for test in slowest]
    lines += ["", "PARTS"]
    for part in sorted(parts, key=lambda part: -part.seconds):
        lines.append(f"{part.seconds:7.1f} s  {part.name}  {counted(part.tests)}")
    skipped = Counter(test.why for test in tests if test.outcome == "skipped")
    if skipped:
        lines += ["", "SKIPPED", *(f"{number:7}    {why}" for why, number in skipped.most_common())]
    failed = [test.node for test in tests if test.outcome == "failed"]
    broken = [part.name for part in parts if part.wrong and "failed" not in counted(part.tests)]
    if failed or broken:
        lines += ["", "FAILED   run it again:"]
        lines += [f"  sh tests/rooted .venv/bin/pytest {shlex.quote(node)}" for node in failed]
        lines += [f"  pytest itself ended badly: {name}" for name in broken]
    if not_begun:
        lines += ["", f"INTERRUPTED  {not_begun} parts were not begun"]
    counts = Counter(test.outcome for test in tests)
    lines += [
        "",
        f"{seconds / 60:.1f} minutes",
        f"{counts['passed']} passed, {counts['failed'] + len(broken)} failed, "
        f"{counts['skipped']} skipped",
    ]
    return "\n".join(lines), not (failed or broken or not_begun)
