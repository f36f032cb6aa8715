"""The documentation: its links lead somewhere, its drawing is whole, its findings are there."""

import re
from pathlib import Path

import pytest
from lxml import etree

from host_agent import checks
from host_agent.output.shared import manual_page
from tests import markdown_links
from tests.checkout import CHECKOUT

PAGES = (*CHECKOUT.glob("*.md"), *CHECKOUT.glob("packaging/**/*.md"))
DOCS = CHECKOUT / "packaging/docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert markdown_links.dead(page) == []


def test_the_first_page_leads_to_all_others() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    contents = text.partition("## Contents")[2].partition("\n## ")[0]
    for page in (*DOCS.glob("*.md"), *CHECKOUT.glob("*.md")):
        if page.name != "README.md":
            assert f"({page.relative_to(CHECKOUT)})" in contents, page.name


def test_the_drawing_stands_on_a_ground_of_its_own() -> None:
    drawing = DOCS / "horizons.svg"
    root = etree.fromstring(drawing.read_bytes())
    style = str(root.findtext("{*}style"))
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for name in ("ground", "card", "view", "probe", "kept"):
        assert f".{name}" in light
        assert f".{name}" in dark
    assert root.find("{*}rect").get("class") == "ground"  # type: ignore[union-attr]  # else it fails
    assert "horizons.svg" in (DOCS / "concepts.md").read_text(encoding="utf-8")


def test_trouble_is_told_by_findings_that_there_are() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    known = {one.id: one for one in manual_page.entries()}
    told = set(re.findall(r"\[`([a-z-]+)`\]\[\1\]", text))
    assert told <= set(known)
    # What ends with a mismatch or a warning of its own is told, each check of an audit.
    assert told >= {one for one in checks.IDS if {"fail", "warn"} & set(known[one].outcomes)}
