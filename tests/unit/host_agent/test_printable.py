"""Text of strangers, as it is printed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.printable import MOST, printable, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("vm1", "vm1"), (" a b ", " a b "), ("a\x1b[2Jb", "a\\x1b[2Jb"), ("a\nb", "a\\nb"),
        ("a\x9bb", "a\\x9bb"), ("a\xa0b", "a\\xa0b"), ("a\xadb", "a\\xadb"),
        ("vm\u200b", "vm\\u200b"), ("a\u202eb", "a\\u202eb"), ("a\u2066b", "a\\u2066b"),
        ("\u3164", "\\u3164"), ("\uffa0", "\\uffa0"), ("\u115f\u1160", "\\u115f\\u1160"),
        ("a\u034f", "a\\u034f"), ("a\ufe0f", "a\\ufe0f"), ("a\U000e0100", "a\\U000e0100"),
        ("\u2800", "\\u2800"), ("\u17b5", "\\u17b5"), ("\u180b", "\\u180b"),
        ("\U000e0041", "\\U000e0041"), ("\ud800", "\\ud800"), ("\ue000", "\\ue000"),
        # What is drawn as another text is.
        ("e\u0301", "e\\u0301"), ("\u212b", "\\u212b"), ("\u1100\u1161", "\u1100\\u1161"),
        ("\u212b\u212b", "\\u212b\\u212b"),
        # What people write stays.
        ("M\u00fcller", "M\u00fcller"),
        ("\ud55c\uae00", "\ud55c\uae00"), ("Vi\u1ec7t", "Vi\u1ec7t"),
        ("\u0928\u092e\u0938\u094d\u0924\u0947", "\u0928\u092e\u0938\u094d\u0924\u0947"),
        ("\u0e19\u0e49\u0e33", "\u0e19\u0e49\u0e33"),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(max_size=80))
def test_nothing_is_hidden(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
    assert unicodedata.is_normalized("NFC", shown)


@pytest.mark.parametrize(
    ("text", "shown"), [("abc", "abc"), ("abcd", "abc\u2026"), ("ab\u200bd", "ab\\u200b\u2026")]
)
def test_shortened(text: str, shown: str) -> None:
    assert shortened(text, 3) == shown


def test_what_is_too_long_ends_with_a_mark() -> None:
    assert printable("x" * MOST) == "x" * MOST
    for text in ("x" * (MOST + 1), "x" * 10_000_000):
        assert printable(text) == "x" * (MOST - 1) + "\u2026"
    # Escaped it is longer than it was.
    assert len(printable("\x1b" * MOST)) == MOST
