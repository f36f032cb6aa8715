"""The bench: when a goal is held, what is said of it; each row is measured and explained."""

import json
import re
from collections import Counter

import pytest
from lxml import etree

from tests.bench import plot, report
from tests.bench.__main__ import main
from tests.bench.figure import Figure, Goal, Series, Unmeasured
from tests.bench.rows import GROUPS, ROWS
from tests.checkout import CHECKOUT

COST = CHECKOUT / "packaging/docs/cost.md"


def figure(
    floor: tuple[float, ...], ours: tuple[float, ...], goal: Goal, limit: float, unit: str = "s"
) -> Figure:
    series = Series(unit=unit, floor=floor, ours=ours)
    return Figure(row="row", what="what", beside="beside", judged=series, goal=goal, limit=limit)


@pytest.mark.parametrize(
    ("floor", "ours", "goal", "limit", "held"),
    [
        ((1.0, 1.0, 4.0), (2.0, 2.0, 4.0), Goal.AT_MOST, 2.0, True),
        ((1.0,), (2.1,), Goal.AT_MOST, 2.0, False),
        ((0.0,), (2.0,), Goal.AT_MOST, 2.0, False),
        ((50.0,), (1.0,), Goal.FASTER, 50.0, True),
        ((49.0,), (1.0,), Goal.FASTER, 50.0, False),
        ((10.0,), (70.0,), Goal.MORE, 60.0, True),
        ((0.0,), (1.0,), Goal.MORE, 0.0, False),
        ((1.0,), (9.0,), Goal.NONE, 0.0, None),
    ],
)  # fmt: skip
def test_a_goal_is_held_by_the_median_of_the_pairs(
    floor: tuple[float, ...], ours: tuple[float, ...], goal: Goal, limit: float, held: bool | None
) -> None:
    assert figure(floor, ours, goal, limit).held is held


def test_a_figure_is_told_with_its_spread_and_its_goal() -> None:
    one = figure((0.1, 0.2, 0.4), (0.3, 0.4, 0.8), Goal.AT_MOST, 1.5)
    text = report.text(one)
    assert "200 ms (100 ms to 400 ms)" in text
    assert "2.00 times; at most 1.5 times: MISSED" in text
    more = figure((10240.0,), (20480.0,), Goal.MORE, 61440.0, "KiB")
    assert "10 MiB more; at most 60 MiB more: held" in report.text(more)
    left = Unmeasured(row="other", why="it needs root")
    lines = report.summary([one, more], [left]).splitlines()
    assert len(lines) == 4
    assert lines[-1].endswith("not measured: it needs root")
    document = json.loads(json.dumps(report.document({}, [one], [left])))
    assert document["rows"][0]["held"] is False
    assert document["not_measured"] == [{"row": "other", "why": "it needs root"}]


def test_growth_is_drawn_with_every_value() -> None:
    lines: plot.Lines = {
        "ours & theirs": {10: (0.5, 0.6), 5000: (9.0, 8.0)},
        "bare": {10: (0.1,), 5000: (1.0,)},
    }
    root = etree.fromstring(plot.drawing("An audit <of more>", lines).encode())
    assert root.findtext("{*}title") == "An audit <of more>"
    assert len(root.findall("{*}circle")) == 4
    assert "5000 8.5 s" in str(root.findtext("{*}desc"))


def test_each_row_has_one_group_that_measures_it_in_one_place() -> None:
    assert Counter(row for group in GROUPS for row in group.rows) == Counter(list(ROWS))
    assert all((group.here is None) != (group.there is None) for group in GROUPS)


def test_the_manual_explains_each_row() -> None:
    text = COST.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    told = {name for cell in rows for name in re.findall(r"`([a-z-]+)`", cell)}
    assert told == set(ROWS)


def test_rows_are_listed_and_unknown_ones_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(ROWS)
    with pytest.raises(SystemExit) as refused:
        main(["no-such-row"])
    assert refused.value.code == 2
