"""The manual's table of sealed disks says what the tests found."""

from tests import sealed_disks


def test_the_table_is_todays() -> None:
    text = sealed_disks.PAGE.read_text(encoding="utf-8")
    assert sealed_disks.rendered(text) == text, "python -m tests.sealed_disks"
