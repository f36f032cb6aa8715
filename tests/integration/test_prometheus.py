"""Metrics, alerts and dashboard, held against Prometheus' own tool and Grafana's own types."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_agent import checks
from host_agent.output import prometheus
from host_agent.verify import standing
from tests.checkout import CHECKOUT
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, OFF, QUIET, WRONG, audit

pytest.importorskip("prometheus_client")

RULES = CHECKOUT / "packaging/prometheus/samemachine.rules.yml"
DASHBOARD = CHECKOUT / "packaging/grafana/samemachine.json"
RUNBOOK = CHECKOUT / "packaging/docs/alerts.md"
TESTS = CHECKOUT / "tests/data/prometheus"
PARTS = ("Means", "Impact", "Diagnosis", "Mitigation")
TOLD = prometheus.render(
    prometheus.of_audits([audit(GOOD, WRONG, QUIET, OFF, FAILED)], ["qemu+ssh://gone/system"])
)
NAMES = set(re.findall(r"^# TYPE (\w+) gauge$", TOLD, re.MULTILINE))


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: make system")
    return found


def run(*command: object, given: str = "") -> None:
    done = subprocess.run(
        [str(word) for word in command], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_told_is_what_prometheus_reads(promtool: str) -> None:
    run(promtool, "check", "metrics", given=TOLD)


def test_the_alerts(promtool: str) -> None:
    run(promtool, "check", "rules", RULES)
    run(promtool, "test", "rules", *sorted(TESTS.glob("*.yml")))


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)


def test_each_alert_has_its_tests_and_its_place_in_the_runbook() -> None:
    rules, runbook = RULES.read_text(encoding="utf-8"), RUNBOOK.read_text(encoding="utf-8")
    tested = "".join(file.read_text(encoding="utf-8") for file in TESTS.glob("*.yml"))
    told = dict(
        re.findall(r"^## (Samemachine\w+)\n(.*?)(?=^## |\Z)", runbook, re.MULTILINE | re.DOTALL)
    )
    assert list(told) == alerts()
    for name, text in told.items():
        assert f"alertname: {name}\n" in tested
        assert f"/alerts.md#{name.lower()}" in rules
        assert re.findall(r"^\*\*(\w+)\*\*: ", text, re.MULTILINE) == list(PARTS)


def expressions() -> Iterator[str]:
    yield RULES.read_text(encoding="utf-8")
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_what_is_asked_for_is_told() -> None:
    words = {word.replace(" ", "_") for word in standing.WORDS}
    for text in expressions():
        assert set(re.findall(r"samemachine_\w+", text)) <= NAMES
        assert set(re.findall(r'check="([^"]+)"', text)) <= checks.IDS
        for verdicts in re.findall(r'verdict=~?"([^"]+)"', text):
            assert set(verdicts.split("|")) <= words
    runbook = RUNBOOK.read_text(encoding="utf-8")
    assert set(re.findall(r"`(samemachine_\w+)`", runbook)) == NAMES
    for name in NAMES:
        (row,) = [line for line in runbook.splitlines() if line.startswith("| ") and name in line]
        told = set(re.findall(rf"^{name}{{(.*)}}", TOLD, re.MULTILINE))
        labels = {label for one in told for label in re.findall(r'(\w+)="', one)}
        assert labels == set(row.split(" | ")[1].split(", ")), name


def test_the_dashboards_questions_are_ones(promtool: str, tmp_path: Path) -> None:
    asked = [text.replace("$host", ".*") for text in expressions()][1:]
    rules = [{"record": f"asked:{number}", "expr": text} for number, text in enumerate(asked)]
    file = tmp_path / "asked.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}), encoding="utf-8")
    run(promtool, "check", "rules", file)


def test_the_dashboard_is_one_of_grafanas() -> None:
    """Read and written again by Grafana's own types: a key that they do not know is lost."""
    models = pytest.importorskip("grafana_foundation_sdk.models.dashboard")
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder").JSONEncoder
    ours = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    theirs = json.loads(encoder().encode(models.Dashboard.from_json(ours)))
    assert list(lost(ours, theirs, "dashboard")) == []
    places = [panel["gridPos"] for panel in ours["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({panel["id"] for panel in ours["panels"]}) == len(ours["panels"])


def lost(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    if isinstance(ours, dict):
        for name, value in ours.items():
            if not isinstance(theirs, dict) or name not in theirs:
                yield f"{place}.{name}"
            else:
                yield from lost(value, theirs[name], f"{place}.{name}")
    elif isinstance(ours, list):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            yield place
        else:
            for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                yield from lost(one, other, f"{place}[{number}]")
    elif ours != theirs:
        yield f"{place}: {ours!r} is {theirs!r}"
