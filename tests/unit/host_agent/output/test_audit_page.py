"""The page of an audit: whole by itself, well formed, and inert whatever stands in it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from host_agent.case.results import Failed, HostAudit
from host_agent.output import audit_page
from host_agent.verify import waivers
from tests.unit.host_agent.output import test_for_machines as for_machines
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, OFF, QUIET, WRONG, audit
from tests.unit.host_agent.output.test_for_machines import ANY, WARNED
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.cases import seen
from tests.unit.host_agent.verify.test_waivers import OLD, TODAY, waiver

VOID = {"meta", "br"}
NOTHING_LOADED = {
    "script",
    "link",
    "img",
    "iframe",
    "object",
    "embed",
    "base",
    "form",
    "image",
    "use",
}
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\u202e&amp;\x1b[2J{{ 7*7 }}"


class Page(HTMLParser):
    """Elements, texts and attributes; raises where an element is not closed as it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        assert len(dict(attributes)) == len(attributes)
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data.strip())


def read(audits: Sequence[HostAudit], unreachable: Sequence[str] = ()) -> Page:
    return sound(audit_page.render(audits, unreachable, 1))


def sound(text: str) -> Page:
    """The page, which loads nothing, runs nothing, and links to its own parts only."""
    assert "default-src 'none'" in text
    page = Page(text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for tag, attributes in page.elements:
        assert tag not in NOTHING_LOADED
        assert not any(name.startswith("on") for name in attributes)
        assert not {"src", "action", "formaction"} & set(attributes)
        if "href" in attributes:
            assert str(attributes["href"])[:1] == "#"
            assert str(attributes["href"])[1:] in ids
        style = attributes.get("style")
        assert style is None or re.fullmatch(r"width:[0-9.]+%", style)
    assert all(text.isprintable() for text in page.texts)
    return page


def test_a_page_without_a_host() -> None:
    assert any("no domains" in text for text in read([], ["test:///gone"]).texts)


def test_what_is_wrong_stands_open_and_first() -> None:
    page = read([audit(GOOD, OFF, QUIET, WRONG, FAILED)])
    opened = [
        "open" in attributes
        for tag, attributes in page.elements
        if tag == "details" and "id" in attributes
    ]
    assert opened == [True, True, True, False, False]
    words = [text for text in page.texts if text in {"mismatch", "failed", "no answer", "verified"}]
    assert words[:3] == ["mismatch", "failed", "no answer"]


def test_what_is_not_as_declared_is_marked_in_words_too() -> None:
    page = read([audit(seen(version="pc-q35-9.0"))])
    marked = [one for one in page.elements if one[1].get("class") == "differs"]
    assert len(marked) == 2
    assert page.texts.count("(differs)") == 2
    assert not [one for one in read([audit(GOOD)]).elements if one[1].get("class") == "differs"]


def test_forecast_and_timeline() -> None:
    moved = forty.audit(forty.moved(1), forty.moved(2))
    text = " ".join(read([moved]).texts)
    assert "Processor Family 0x01 -> 0xfe" in text
    assert "inventory, known" in text
    assert "changes at the next boot, QEMU 7.2" in text


def test_what_somebody_accepts_is_told_with_the_reason() -> None:
    marked = waivers.apply([forty.audit(OLD)], [waiver()], TODAY).audits
    text = " ".join(read(marked).texts)
    assert "waived: deprecated" in text
    assert f"accepted until {TODAY}: ticket 4711" in text


def test_hosts_of_one_name_are_told_apart() -> None:
    one = audit(GOOD)
    texts = read([one, replace(one, host=replace(one.host, uri="qemu:///other"))]).texts
    assert {"node1 (qemu:///system)", "node1 (qemu:///other)"} <= set(texts)


def test_several_hosts_are_side_by_side() -> None:
    other = audit(WARNED)
    audits = [audit(GOOD), replace(other, host=replace(other.host, name="node2"))]
    page = read(audits)
    assert ("nav", {"aria-label": "Hosts"}) in page.elements
    assert page.texts.count("node2") == 3
    assert any(text.startswith("the persistent") or "pc-q35-7.2" in text for text in page.texts)


@pytest.mark.parametrize("number", [40])
def test_many_domains_are_a_page_of_a_size(number: int) -> None:
    found = forty.audit(*(forty.moved(one) for one in range(1, number + 1)))
    assert len(audit_page.render([found], (), 0)) < number * 20_000


def hostile(text: str) -> list[HostAudit]:
    failed = Failed(name=text, uuid=text, error=text)
    found = audit(*for_machines.hostile(text), failed)
    return [replace(found, host=replace(found.host, name=text, distribution=text))]


def test_a_hostile_text_is_text() -> None:
    page = read(hostile(HOSTILE), [HOSTILE])
    assert any("<script>alert(1)</script>" in text for text in page.texts)
    assert any("{{ 7*7 }}" in text for text in page.texts)


@settings(deadline=None, max_examples=30)
@given(ANY)
def test_no_text_is_an_element(text: str) -> None:
    plain = [tag for tag, _ in read(hostile("x"), ["x"]).elements]
    found = [tag for tag, _ in read(hostile(text), [text]).elements]
    assert set(found) <= {*plain, "span", "br", "code"}
