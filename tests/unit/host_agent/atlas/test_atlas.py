"""Atlases as text."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.atlas.atlas import SCHEMA, Atlas, AtlasError, from_text, to_text
from tests.damage import damaged
from tests.fingerprint_builder import MADE, atlas, machine

WHOLE = atlas(
    machine("pc-i440fx-7.2", alias="pc", default=True),
    machine("pc-q35-7.2", acpi=None),
    machine("xenpv", error="this machine has no fw_cfg device"),
)
TEXT = to_text(WHOLE)
FORM = json.loads(TEXT)


def refused(text: str, said: str) -> None:
    with pytest.raises(AtlasError, match=said):
        from_text(text)


def test_what_is_written_is_read_and_written_the_same() -> None:
    assert from_text(TEXT) == WHOLE
    assert to_text(from_text(TEXT)) == TEXT
    assert from_text(to_text(atlas())) == atlas()


def test_a_blob_is_kept_once() -> None:
    twice = to_text(atlas(machine("a"), machine("b")))
    assert len(json.loads(twice)["blobs"]) == len(json.loads(to_text(atlas(machine("a"))))["blobs"])


def test_keys_of_later_versions_are_ignored() -> None:
    form = json.loads(TEXT)
    for place in (form, form["made"], *form["machines"], form["machines"][0]["fingerprint"]):
        place["future"] = {"deep": [{}]}
    assert from_text(json.dumps(form)) == WHOLE


def test_the_title_names_version_package_and_architecture() -> None:
    assert WHOLE.title == "QEMU 7.2.22 (qemu-system-x86 1:7.2), x86_64"
    assert replace(WHOLE, made=replace(MADE, package=None)).title == "QEMU 7.2.22, x86_64"


def test_a_newer_schema_is_refused_with_what_to_do() -> None:
    refused(
        json.dumps({**FORM, "samemachine_atlas": SCHEMA + 1, "machines": "?"}),
        "it has schema 2, this samemachine reads up to 1; update samemachine",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no whole JSON"),
        (TEXT[: len(TEXT) // 2], "no whole JSON"),
        (TEXT + "x", "no whole JSON"),
        ("[" * 1_000_000, "no whole JSON"),
        ('{"a":' * 1_000_000, "no whole JSON"),
        ('{"samemachine_atlas": ' + "9" * 5000 + "}", "no whole JSON"),
        ("[]", "no atlas"),
        ("null", "no atlas"),
        ('"samemachine_atlas"', "no atlas"),
        ("{}", "no atlas"),
    ],
)
def test_what_is_no_atlas_is_refused(text: str, said: str) -> None:
    refused(text, said)


DEEP: Any = []
for _ in range(800):
    DEEP = [DEEP]
MACHINE = FORM["machines"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"samemachine_atlas": "1"}, "no version"),
        ({"samemachine_atlas": True}, "no version"),
        ({"samemachine_atlas": 0}, "no version"),
        ({"samemachine_atlas": 1.0}, "no version"),
        ({"made": None}, "missing"),
        ({"made": {}}, "qemu"),
        ({"made": {**FORM["made"], "qemu": None}}, "made.qemu is no text"),
        ({"made": {**FORM["made"], "package": 5}}, "made.package is no text"),
        ({"blobs": []}, "blobs are no object"),
        ({"blobs": {}}, "missing"),
        ({"blobs": {"ab" * 32: "AAAA"}}, "damaged"),
        ({"machines": {}}, "no list"),
        ({"machines": ""}, "no list"),
        ({"machines": [MACHINE] * 4097}, "more than 4096"),
        ({"machines": [5]}, "missing"),
        ({"machines": [DEEP]}, "missing"),
        ({"machines": [{}]}, "name"),
        ({"machines": [{**MACHINE, "name": 5}]}, "name is no text"),
        ({"machines": [{**MACHINE, "alias": []}]}, "name is no text"),
        ({"machines": [{**MACHINE, "default": "no"}]}, "true or false"),
        ({"machines": [{**MACHINE, "fingerprint": []}]}, "missing"),
        ({"machines": [{**MACHINE, "fingerprint": {}}]}, "files"),
        ({"machines": [{**MACHINE, "fingerprint": False}]}, "missing"),
        ({"machines": [{**MACHINE, "fingerprint": DEEP}]}, "missing"),
        ({"machines": [{**MACHINE, "fingerprint": None}]}, "neither a fingerprint nor an error"),
        ({"machines": [{**MACHINE, "fingerprint": None, "error": DEEP}]}, "neither"),
    ],
)
def test_an_atlas_of_wrong_parts_is_refused(change: dict[str, Any], said: str) -> None:
    refused(json.dumps({**FORM, **change}), said)


@pytest.mark.parametrize("depth", [*range(900, 1000, 3), 5000])
def test_nesting_of_any_depth_is_refused_or_ignored(depth: int) -> None:
    for key in ("name", "alias", "error", "fingerprint", "default"):
        value = "[" * depth + "]" * depth
        one = json.dumps({**MACHINE, key: "HERE"}).replace('"HERE"', value)
        text = json.dumps({**FORM, "machines": ["HERE"]}).replace('"HERE"', one)
        with contextlib.suppress(AtlasError):
            from_text(text)


def test_nothing_hostile_is_left_in_what_is_read() -> None:
    bad = "\x1b[2J\u202e\ud800"
    form = {
        **FORM,
        "made": {**FORM["made"], "qemu": bad, "host": bad},
        "machines": [{**MACHINE, "fingerprint": None, "name": bad, "alias": bad, "error": bad}],
    }
    read = from_text(json.dumps(form))
    (one,) = read.machines
    for text in (read.title, read.made.host, one.name, one.alias, one.error):
        assert text
        assert text.isprintable()


def test_the_text_can_be_written_whatever_a_path_is_called() -> None:
    odd = Atlas(made=replace(MADE, binary="/opt/\udcff/qemu", host="h\u00f6st"), machines=())
    assert to_text(odd).isascii()


@given(st.text() | damaged(TEXT.encode()).map(lambda raw: raw.decode("utf-8", "replace")))
def test_no_text_breaks_it(text: str) -> None:
    with contextlib.suppress(AtlasError):
        from_text(text)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats()
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*FORM, *MACHINE, *FORM["made"]]), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*FORM]), JSON, max_size=2),
    st.dictionaries(st.sampled_from([*MACHINE, "error"]), JSON, max_size=2),
)
def test_no_json_breaks_it(parts: dict[str, Any], of_machine: dict[str, Any]) -> None:
    form = {**FORM, "machines": [{**MACHINE, **of_machine}], **parts}
    with contextlib.suppress(AtlasError):
        from_text(json.dumps(form))
