"""Metrics: one sample for each set of labels, whatever the names are."""

import re
from dataclasses import replace

import pytest
from hypothesis import given

pytest.importorskip("prometheus_client")

from prometheus_client.parser import text_string_to_metric_families

from host_agent.commands.shared.metrics import address_of
from host_agent.errors import UsageError
from host_agent.output import prometheus
from host_agent.output.prometheus import Looked
from host_agent.verify import standing
from host_agent.verify.standing import Standing
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, QUIET, WRONG, audit
from tests.unit.host_agent.output.test_for_machines import ANY
from tests.unit.host_agent.shared.cases import seen

ONE = Standing(host="node1", name="vm1", uuid="u", machine="pc", word="verified", verified=5.0)


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    return {
        family.name: [(dict(one.labels), one.value) for one in family.samples]
        for family in text_string_to_metric_families(text)
    }


def test_what_is_told_of_an_audit() -> None:
    looked = prometheus.of_audits([audit(GOOD, FAILED)], ["qemu+ssh://me:hush@gone/system?x=hush"])
    text = prometheus.render(looked)
    assert "hush" not in text
    told = samples(text)
    assert told["samemachine_host_reachable"] == [
        ({"connection": "qemu:///system"}, 1.0),
        ({"connection": "qemu+ssh://gone/system"}, 0.0),
    ]
    verdicts = {
        (labels["domain"], labels["verdict"]): value
        for labels, value in told["samemachine_domain_verdict"]
    }
    assert len(verdicts) == 2 * len(standing.WORDS)
    assert {key for key, value in verdicts.items() if value} == {
        ("vm1", "verified"),
        ("odd\\x1b[31m", "failed"),
    }
    assert told["samemachine_audit_timestamp_seconds"] == [({"host": "node1"}, 1.7e9)]
    assert told["samemachine_last_verified_timestamp_seconds"][0][1] == 1.7e9
    assert len(told["samemachine_last_verified_timestamp_seconds"]) == 1


def test_findings_are_counted_by_host_check_and_outcome() -> None:
    told = samples(prometheus.render(prometheus.of_audits([audit(GOOD, WRONG, QUIET)], [])))
    found = {
        (labels["check"], labels["outcome"]): value for labels, value in told["samemachine_finding"]
    }
    assert found["machine-type", "fail"] == 1
    assert found["agent", "pass"] == 2
    assert found["agent", "unknown"] == 1


def test_of_no_audit_there_is_no_time() -> None:
    assert "samemachine_audit" not in prometheus.render(Looked(standings=(ONE,)))


def test_one_sample_for_each_set_of_labels() -> None:
    text = prometheus.render(Looked(standings=(ONE, ONE)))
    assert len(re.findall("^samemachine_domain_info{", text, re.MULTILINE)) == 1


@given(ANY, ANY)
def test_no_name_is_another_sample(name: str, machine: str) -> None:
    text = prometheus.render(Looked(standings=(replace(ONE, name=name, machine=machine),)))
    told = samples(text)
    ((labels, value),) = told["samemachine_domain_info"]
    assert (labels["uuid"], labels["host"], value) == ("u", "node1", 1.0)
    assert all(part.isprintable() for part in labels.values())
    assert all(len(part) <= 255 for part in labels.values())
    assert len(told["samemachine_domain_verdict"]) == len(standing.WORDS)
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9918", ("127.0.0.1", 9918)), ("192.0.2.1:1", ("192.0.2.1", 1)),
        ("[::1]:9918", ("::1", 9918)), ("localhost:9918", ("localhost", 9918)),
    ],
)  # fmt: skip
def test_an_address(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize(
    "text", ["", "0", "65536", ":9918", "::1", "a b:1", "9918\n", "http://x:1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="is meant"):
        address_of(text)


def test_no_guest_is_heard() -> None:
    """What a guest says of itself, and what is said of that, is in no label."""
    word = "what-a-guest-says"
    text = prometheus.render(prometheus.of_audits([audit(seen(version=word, product=word))], []))
    assert word not in text
    assert 'verdict="mismatch"} 1.0' in text
