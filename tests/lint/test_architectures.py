"""The manual's table of architectures says what the tests found."""

from tests import architectures


def test_the_table_is_todays() -> None:
    text = architectures.PAGE.read_text(encoding="utf-8")
    assert architectures.rendered(text) == text, "python -m tests.architectures"
