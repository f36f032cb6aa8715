"""JSON and TOML of any kind are parsed, or refused in one way, within bounds."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.untrusted_text import TextError, json_of, toml_of


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"), ("{", "Expecting"), ("[" * 100_000, "nested too deep"),
        ("[" + "[]," * 600_000 + "[]]", "more than 1000000 values"),
        ("9" * 5000, "digits"), ('{"a": 1}}', "Extra data"),
    ],
    ids=range(6),
)  # fmt: skip
def test_json_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(TextError, match=said):
        json_of(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "Expected '='"), ("a = 1\na = 2", "overwrite"), ("a = " + "[" * 100_000, "too deep"),
        ("a = " + "{a=" * 100_000, "too deep"), ("a = " + "9" * 5000, "digits"),
        ("a." * 100_000 + "b = 1", "too many parts"), ("a." * 50 + "b = 1\n", None),
        ("[" + "a." * 3000 + "b]\n", "too many parts"), ("a = 2027-02-31", "day|[Dd]ate|range"),
        (("a." * 120 + "b = 1\n") * 500, "too many parts"),
    ],
    ids=range(10),
)  # fmt: skip
def test_toml_that_is_refused(text: str, said: str | None) -> None:
    if said is None:
        assert toml_of(text)
        return
    with pytest.raises(TextError, match=said):
        toml_of(text)


@given(st.text() | st.text("[]{}=.,\"'#\n ab1e-:", max_size=60))
def test_no_text_breaks_them(text: str) -> None:
    for parse in (json_of, toml_of):
        with contextlib.suppress(TextError):
            parse(text)


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_json_is_what_it_was(value: object) -> None:
    assert json_of(json.dumps(value)) == value
