"""The published schemas: whole, of one mind, and one for each document that is printed."""

import json
import re
from typing import Any

import pytest

from host_agent.atlas import atlas, files
from host_agent.case.results import Decision, Depth
from host_agent.difference import Area, Effect
from host_agent.errors import UsageError
from host_agent.finding import Outcome
from host_agent.missing import Reason
from host_agent.output import schemas
from host_agent.plan.facts import Answer
from host_agent.records.upgrade_record import Step
from tests import json_output
from tests.checkout import CHECKOUT

NAMES = sorted(schemas.titles())
FORMS = {name: json.loads(schemas.text(name)) for name in NAMES}
SOURCES = [file.read_text(encoding="utf-8") for file in (CHECKOUT / "host_agent").rglob("*.py")]


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_whole_without_the_others(name: str) -> None:
    form = FORMS[name]
    assert form["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (
        form["$id"] == form["properties"]["$schema"]["const"] == f"urn:samemachine:schema:{name}:1"
    )
    assert form["title"].startswith("samemachine ")
    assert schemas.text(form["$id"]) == schemas.text(name)
    used = set(re.findall(r'"\$ref": "([^"]+)"', schemas.text(name)))
    assert used == {f"#/$defs/{one}" for one in form.get("$defs", {})}
    pytest.importorskip("jsonschema").Draft202012Validator.check_schema(form)


def test_what_several_have_is_the_same_in_each() -> None:
    told: dict[str, Any] = {}
    for form in FORMS.values():
        for name, shared in form.get("$defs", {}).items():
            assert told.setdefault(name, shared) == shared, name


def test_there_is_one_for_each_document() -> None:
    printed = set(re.findall(r'\b(?:document|one_line)\("([a-z-]+)"', "".join(SOURCES)))
    assert printed | {"atlas"} == set(NAMES)


def test_one_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no schema 'x'; there are: atlas, audit"):
        schemas.text("x")


@pytest.mark.parametrize("name", ["debian:bookworm:x86_64", "debian:trixie:ppc64"])
def test_an_atlas(name: str) -> None:
    json_output.read(atlas.to_text(files.read_shipped(name)))


@pytest.mark.parametrize(
    "changed",
    [{"exit_code": "0"}, {"hosts": None}, {"schema": 2}, {"more": 1}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_not_as_it_says_is_seen(changed: dict[str, Any]) -> None:
    library = pytest.importorskip("jsonschema")
    good = {
        "$schema": FORMS["audit"]["$id"],
        "schema": 1,
        "exit_code": 0,
        "unreachable": [],
        "hosts": [],
    }
    json_output.read(json.dumps(good))
    with pytest.raises(library.ValidationError):
        json_output.read(json.dumps(good | changed))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("area", Area), ("effect", Effect), ("outcome", Outcome), ("reason", Reason),
        ("answer", Answer), ("upgrade_step", Step), ("decision", {*Decision, None}),
        ("depth", {*Depth, None}),
    ],
)  # fmt: skip
def test_words_are_those_of_the_code(name: str, words: Any) -> None:
    (told,) = {
        json.dumps(form["$defs"][name]) for form in FORMS.values() if name in form.get("$defs", {})
    }
    assert set(json.loads(told)["enum"]) == set(words)
