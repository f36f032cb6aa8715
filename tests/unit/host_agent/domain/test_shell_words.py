"""Command lines in words: as the standard library's own reader does it, which is slower."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.domain import shell_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ()),
        ("LC_ALL=C  /usr/bin/qemu -S\n", ("LC_ALL=C", "/usr/bin/qemu", "-S")),
        ('-object \'{"id": "a b"}\'', ("-object", '{"id": "a b"}')),
        (r"it\'s 'it'\''s'", ("it's", "it's")),
        ("''", ("",)),
        ("a'' b", ("a", "b")),
        ('-name "two words"', ("-name", "two words")),
        ("-name 'two\nlines'", ("-name", "two\nlines")),
        ("a#b #c", ("a#b", "#c")),
    ],
)
def test_words(line: str, words: tuple[str, ...]) -> None:
    assert shell_words.split(line) == words


@pytest.mark.parametrize("line", ["'open", "end\\", '"open'])
def test_a_line_that_does_not_end(line: str) -> None:
    with pytest.raises(ValueError, match=r"No (closing quotation|escaped character)"):
        shell_words.split(line)


@given(st.lists(st.text(st.characters(exclude_characters="\0"))))
def test_what_was_quoted(words: list[str]) -> None:
    assert shell_words.split(shlex.join(words)) == tuple(words)


@given(st.text(alphabet="ab'\"\\ \n#,="))
def test_the_same_as_the_standard_library(line: str) -> None:
    try:
        expected: tuple[str, ...] | None = tuple(shlex.split(line))
    except ValueError:
        expected = None
    try:
        found: tuple[str, ...] | None = shell_words.split(line)
    except ValueError:
        found = None
    assert found == expected
