"""What people write for a time, and what they mean."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.errors import UsageError
from host_agent.times import FORMS, parse_past

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 30, 5, 0, tzinfo=BERLIN)
"""The day after the clocks went forward."""


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("90s", "2026-03-30T02:58:30"), ("15m", "2026-03-30T02:45:00"),
        ("15min", "2026-03-30T02:45:00"), ("2h", "2026-03-30T01:00:00"),
        ("3d", "2026-03-27T03:00:00"), ("1w", "2026-03-23T03:00:00"),
        ("1h30m", "2026-03-30T01:30:00"), (" 1 h 30 m ago ", "2026-03-30T01:30:00"),
        ("2H", "2026-03-30T01:00:00"), ("0s", "2026-03-30T03:00:00"),
        ("99999999999w", "1970-01-01T00:00:00"), ("@1700000000", "2023-11-14T22:13:20"),
        ("04:11", "2026-03-30T02:11:00"), ("4:11:07", "2026-03-30T02:11:07"),
        # The last one that was: of yesterday.
        ("05:01", "2026-03-29T03:01:00"), ("23:00", "2026-03-29T21:00:00"),
        ("today", "2026-03-29T22:00:00"), ("yesterday", "2026-03-28T23:00:00"),
        # Summer's day, winter's day: each by its own rules.
        ("2026-03-30", "2026-03-29T22:00:00"), ("2026-03-02", "2026-03-01T23:00:00"),
        ("20260302", "2026-03-01T23:00:00"), ("2026-03-02 04:11", "2026-03-02T03:11:00"),
        ("2026-03-02T04:11:07", "2026-03-02T03:11:07"), ("2026-03-02t04", "2026-03-02T03:00:00"),
        ("2026-03-02T04:11:07Z", "2026-03-02T04:11:07"),
        ("2026-03-02 04:11:07+05:30", "2026-03-01T22:41:07"),
        ("2026-03-02T04:11:07.250Z", "2026-03-02T04:11:07.250"),
    ],
)  # fmt: skip
def test_meaning(text: str, meaning: str) -> None:
    expected = datetime.fromisoformat(meaning).replace(tzinfo=UTC).timestamp()
    assert parse_past(text, NOW, BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "h", "2", "-2h", "2.5h", "2y", "2h3", "ago", "2 fortnights", "2026", "2026-13-01",
        "2026-02-30", "24:00", "12:60", "@", "@-1", "0000-01-01", "2026-W10-1", "tomorrow",
        "\u0662h", "2026-03-02X", "2026-03-02T25:00", "\x1b[2J", "2026-03-02T04:11:07+99:00",
    ],
)  # fmt: skip
def test_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time; such as") as caught:
        parse_past(text, NOW, BERLIN)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text", ["2026-03-31", "2026-03-30T03:00:01Z", "@9999999999", "9999-12-31"]
)
def test_still_to_come(text: str) -> None:
    with pytest.raises(UsageError, match="is still to come"):
        parse_past(text, NOW, BERLIN)


def test_the_forms_that_we_name_are_understood() -> None:
    for form in FORMS.split(", "):
        assert parse_past(form.strip("'"), NOW, BERLIN) <= NOW.timestamp()
        assert parse_past(form.strip("'"), datetime.now(UTC)) <= datetime.now(UTC).timestamp()


@given(st.text() | st.from_regex(r"[0-9@:TZ +.hdmsw-]{0,20}"))
def test_any_text_is_a_past_time_or_an_error(text: str) -> None:
    try:
        assert 0 <= parse_past(text, NOW, BERLIN) <= NOW.timestamp()
    except UsageError as error:
        assert str(error).isprintable()
