"""Machine types, paths and the matrix, as people, programs and browsers read them."""

import io
from dataclasses import replace
from datetime import date

import pytest
from lxml import etree
from rich.console import Console

from host_agent.machine_types import release_dates, releases
from host_agent.machine_types.listing import Listed, TypeList
from host_agent.machine_types.releases import Known, Matrix
from host_agent.machine_types.vendors import Vendor
from host_agent.missing import Missing
from host_agent.output import path as path_output
from host_agent.output import types as output
from tests import json_output

HOSTILE = "<b>&\"'\x1b[2J\u202e"
TODAY = date(2026, 11, 25)
OLD = Listed(
    name="pc-i440fx-bionic",
    vendor=Vendor.UBUNTU,
    base="2.11",
    default=False,
    aliases=(),
    deprecated=None,
    removed="with bionic's support",
    support_ends=date(2023, 5, 31),
    domains=("a", "b", "c", "d", "e"),
)
NEW = replace(
    OLD,
    name="pc-i440fx-noble",
    base="8.2",
    default=True,
    aliases=("ubuntu",),
    deprecated=True,
    removed="with noble's support",
    support_ends=date(2029, 5, 31),
    domains=(HOSTILE,),
)
LIST = TypeList(
    place=f"node1 {HOSTILE}",
    architecture="x86_64",
    types=(OLD, NEW),
    notes=("twice",),
    unlisted=(("pc-q35-trusty", ("lost",)),),
)


def known() -> Known:
    found = release_dates.known()
    assert not isinstance(found, Missing)
    return found


def made(first: str = "jammy") -> Matrix:
    release = releases.find(first, known())
    assert release
    return releases.matrix(releases.from_lts(release, known()), known(), TODAY)


def console(width: int = 100) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, highlight=False), out


def test_types_as_text() -> None:
    to, out = console()
    output.print_types(to, LIST, TODAY)
    lines = out.getvalue().splitlines()
    assert lines[1] == "twice"
    assert lines[3].split("  ")[0] == "TYPE"
    assert lines[4].split() == [
        "pc-i440fx-bionic",
        "ubuntu",
        "2.11",
        "with",
        "bionic's",
        "support",
        "2023-05-31",
        "ended",
        "a",
        "b",
        "c",
        "d",
        "+1",
    ]
    assert "default, ubuntu, deprecated" in lines[5]
    assert lines[-1] == "NOT OFFERED HERE  pc-q35-trusty  lost: the next start fails"
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_types_as_json() -> None:
    form = json_output.read(output.render_types([LIST, LIST]))
    assert form["schema"] == 1
    document, _ = form["lists"]
    assert document["types"][0]["support_ends"] == "2023-05-31"
    assert document["types"][1]["domains"] == [HOSTILE]
    assert document["not_offered"] == [{"name": "pc-q35-trusty", "domains": ["lost"]}]


@pytest.mark.parametrize("live", [True, False])
def test_answers(live: bool) -> None:
    answer = releases.path("bullseye", "trixie", known(), on=TODAY, live=live)
    to, out = console()
    path_output.print_answer(to, answer)
    text = out.getvalue()
    assert text.startswith("NO  bullseye (11) -> trixie (13), " + ("live" if live else "stopped"))
    assert "way round  bullseye -> bookworm -> trixie" in text
    assert ("samemachine upgrade" in " ".join(text.split())) is not live
    document = json_output.read(path_output.render_answer(answer))
    assert document["through"] == ["bullseye", "bookworm", "trixie"]
    assert document["supported"] == "no"


def test_the_matrix_fits_a_terminal() -> None:
    to, out = console(80)
    path_output.print_matrix(to, made())
    lines = out.getvalue().splitlines()
    assert max(map(len, lines[:12])) <= 80
    assert lines[3].split() == [
        "1",
        "jammy",
        "(22.04",
        "LTS)",
        "Y",
        "(Y)",
        "·",
        "·",
        "Y",
        "·",
        "·",
        "·",
        "Y",
    ]


def test_the_matrix_for_programs() -> None:
    document = json_output.read(path_output.render_json(made()))
    paths = {(one["from"], one["to"]): one for one in document["paths"]}
    assert len(paths) == 81
    assert paths["jammy", "resolute"]["supported"]
    assert paths["jammy", "kinetic"] == {
        "from": "jammy",
        "to": "kinetic",
        "policy": True,
        "supported": False,
    }
    assert document["releases"][0]["support_ends"] >= "2027-06-01"


def words(form: str, matrix: Matrix) -> list[str]:
    """Every text of a page, which a strict reader of XML takes."""
    page = path_output.render_page(matrix, form)
    root = etree.fromstring(page.encode(), etree.XMLParser(load_dtd=False, no_network=True))
    assert b"http" not in etree.tostring(root).replace(b"http://www.w3.org", b"")
    assert "<script" not in page
    return [text.strip() for text in root.itertext() if text.strip()]


@pytest.mark.parametrize("form", ["svg", "html"])
def test_a_page_is_well_formed_and_says_it_all(form: str) -> None:
    found = words(form, made())
    for release in made().releases:
        assert str(release) in found
        assert release.codename in found
    assert found.count("Y") == sum(one.supported for row in made().rows for one in row)
    ended = sum(one.allowed and not one.supported for row in made().rows for one in row)
    assert found.count("(Y)") == ended


@pytest.mark.parametrize("form", ["svg", "html"])
def test_what_a_page_says_is_escaped(form: str) -> None:
    one = made()
    hostile = "<script>alert('&')</script>\""
    odd = replace(one.releases[0], codename=hostile)
    page = path_output.render_page(replace(one, releases=(odd, *one.releases[1:])), form)
    assert hostile not in page
    found = words(form, replace(one, releases=(odd, *one.releases[1:])))
    assert any(hostile in text for text in found)
