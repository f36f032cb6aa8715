"""Identifiers are found in sentences, and the work does not grow with their number."""

import re
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.records.hiding import Words
from tests.hostile.steps import steps

ALPHABET = st.text("ab-1 ", min_size=1, max_size=12)


def mark(word: str) -> str:
    return f"<{word}>"


def by_expression(words: Iterable[str], text: str) -> str:
    """The same by one regular expression: right, and slow where there are many."""
    forms = [
        re.escape(word) if len(word) >= 8 else rf"(?<!\w){re.escape(word)}(?!\w)"
        for word in sorted(set(words), key=len, reverse=True)
        if len(word) >= 4
    ]
    return re.sub("|".join(forms), lambda found: mark(found[0]), text) if forms else text


@given(st.lists(ALPHABET, max_size=8), st.lists(ALPHABET, max_size=8).map("".join))
def test_it_finds_what_an_expression_of_them_all_would(words: list[str], text: str) -> None:
    assert Words(words).hidden(text, mark) == by_expression(words, text)


@pytest.mark.parametrize(
    ("words", "text", "hidden"),
    [
        ((), "nothing is known", "nothing is known"),
        (("abcd", "abcdefgh"), "abcdefgh abcd", "<abcdefgh> <abcd>"),
        # The nearest word is not there, but one that it begins with is.
        (("abcdefgh", "abcdefghij"), "abcdefghix", "<abcdefgh>ix"),
        (("abcd",), "xabcd abcdx abcd_ (abcd)", "xabcd abcdx abcd_ (<abcd>)"),
        (("abcdefgh",), "xabcdefghx", "x<abcdefgh>x"),
        (("abc",), "abc", "abc"),
        ((), "at 52:54:00:aa:10:02.", "at <52:54:00:aa:10:02>."),
        (("hashed:0123456789abcdef",), "hashed:0123456789abcdef", "hashed:0123456789abcdef"),
        (("serial-number",), "disk serial serial-nu…", "disk serial …"),
        (("serial number 7",), "disk 'serial number…; and more", "disk '…; and more"),
        (("serial-number",), "it says something…", "it says something…"),
    ],
)
def test_rows(words: tuple[str, ...], text: str, hidden: str) -> None:
    assert Words(words).hidden(text, mark) == hidden


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (lambda number: f"s{number:07}", "s00" * 600),
        (lambda number: f"{number:07}z", "0" * 2000),
        (lambda number: "a" * (number % 500 + 4) + f"{number}", "a" * 2000),
        (lambda number: "ab" * (number % 250 + 2), "ab" * 300 + "c" * 1000),
    ],
)
def test_thirty_thousand_cost_no_more_than_three_hundred(
    word: Callable[[int], str], text: str
) -> None:
    few, many = (Words(map(word, range(number))) for number in (300, 30_000))
    assert steps(lambda: many.hidden(text, mark)) < 4 * steps(lambda: few.hidden(text, mark)) + 9000
