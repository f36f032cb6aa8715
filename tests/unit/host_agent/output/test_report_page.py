"""The page of a report: whole by itself, well formed, inert whatever stands in it, and complete."""

import re
from dataclasses import replace
from functools import cache

from hypothesis import given, settings

from host_agent.output import report_page
from host_agent.output.report_page import Report
from host_agent.verify import two_hosts
from tests.unit.host_agent.output.test_audit_page import HOSTILE, Page, sound
from tests.unit.host_agent.output.test_for_machines import ANY
from tests.unit.host_agent.shared import fleet

FLEET = fleet.report(fleet.audits(), "qemu+ssh://gone/system")


def read(report: Report) -> Page:
    return sound(report_page.render(report))


def texts(report: Report) -> list[str]:
    return [text for text in read(report).texts if text]


def test_every_part_is_there() -> None:
    page = read(FLEET)
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {"glance", "attention", "support", "two", "host0", "host1", "host2"} <= ids
    assert {"A note.", "qemu+ssh://gone/system", "node31"} <= set(page.texts)
    assert any(tag == "svg" for tag, _ in page.elements)


def test_each_domain_that_is_not_well_is_a_link() -> None:
    page = read(FLEET)
    wrong = [
        domain
        for host in FLEET.hosts
        for domain in host.domains
        if domain.word in {"mismatch", "failed", "no answer", "unverified"}
    ]
    links = {str(one.get("href"))[1:] for tag, one in page.elements if tag == "a"}
    domains = [one for tag, one in page.elements if tag == "details" and "id" in one]
    assert len([one for one in domains if one["id"] in links]) == len(wrong) == 4
    assert all("open" in one for one in domains if one["id"] in links)


def test_the_fleet_stands_in_the_matrix() -> None:
    told = texts(FLEET)
    for words in ("1 host, 7 domains", "1 host, 8 domains", "1 host, 2 domains"):
        assert told.count(words) == 1
    assert any(one.startswith("Ubuntu: where guests may move, on 2026-03-02") for one in told)
    lost = replace(FLEET.hosts[0], distribution=None)
    (other,) = (
        one for one in texts(fleet.of_hosts((lost,))) if one.startswith("Hosts whose release")
    )
    assert other.endswith(": node1")


def test_a_timeline_is_of_the_domain_and_bounded() -> None:
    one = FLEET.history[0]
    many = tuple(replace(one, time=1.7e9 + at, occasion=f"number {at}") for at in range(30))
    told = texts(replace(FLEET, history=many))
    shown = {word for word in told if word.startswith("number ")}
    assert shown == {f"number {at}" for at in range(10, 30)}
    assert not {word for word in texts(replace(FLEET, history=())) if word.startswith("Timeline")}


def test_two_hosts_are_a_picture_and_a_table() -> None:
    told = " ".join(texts(FLEET))
    assert "5 machine types of domains on node1 and node23: 3 differs" in told
    for name in fleet.TYPES:
        assert told.count(name) >= 3
    assert "live migration and restore are refused" in told


def test_what_no_atlas_has_is_not_known() -> None:
    diff = two_hosts.compare(FLEET.hosts[0], FLEET.hosts[2], (None, None))
    told = " ".join(texts(replace(FLEET, diff=diff)))
    assert "machine types of domains on node1 and node31: " in told
    assert "not known: no atlas of this QEMU" in told


def test_one_host_and_none() -> None:
    assert "node1" in texts(fleet.report(fleet.audits()[:1]))[0]
    assert texts(fleet.report([]))[0] == "Same Machine: 0 hosts"


def test_what_cannot_be_known_without_dates_is_left_out() -> None:
    page = read(replace(FLEET, support=None, diff=None))
    assert not {"support", "two"} & {attributes.get("id") for _, attributes in page.elements}


def test_a_hostile_text_is_text() -> None:
    told = texts(fleet.hostile(HOSTILE))
    assert any("<script>alert(1)</script>" in one for one in told)
    assert any("{{ 7*7 }}" in one for one in told)


@cache
def plain() -> set[str]:
    return {tag for tag, _ in read(fleet.hostile("x")).elements}


@settings(deadline=None, max_examples=10)
@given(ANY)
def test_no_text_is_an_element(text: str) -> None:
    found = {tag for tag, _ in read(fleet.hostile(text)).elements}
    assert found <= {*plain(), "span", "br", "code", "a", "g", "rect", "line", "text"}


def test_numbers_of_the_picture_are_numbers() -> None:
    for tag, attributes in read(fleet.hostile(HOSTILE)).elements:
        if tag in {"rect", "line", "text"}:
            for name in {"x", "y", "width", "height", "x1", "x2", "y1", "y2"} & set(attributes):
                assert re.fullmatch(r"\d+", str(attributes[name]))
