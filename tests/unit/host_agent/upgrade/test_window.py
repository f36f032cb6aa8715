"""Time windows, and tags in metadata."""

from datetime import datetime

import pytest

from host_agent.domain import tags
from host_agent.errors import UsageError
from host_agent.upgrade import window


@pytest.mark.parametrize(
    ("text", "at", "holds"),
    [
        ("22:00-05:00", "21:59", False),
        ("22:00-05:00", "22:00", True),
        ("22:00-05:00", "00:00", True),
        ("22:00-05:00", "04:59", True),
        ("22:00-05:00", "05:00", False),
        ("9:00-17:30", "08:59", False),
        ("9:00-17:30", "17:29", True),
        ("9:00-17:30", "17:30", False),
    ],
)
def test_a_window(text: str, at: str, *, holds: bool) -> None:
    now = datetime.fromisoformat(f"2026-03-02T{at}:00+01:00")
    assert window.parse(text).holds(now) is holds


@pytest.mark.parametrize("text", ["", "22:00", "25:00-01:00", "10:60-11:00", "9-17", "9:00-9:00"])
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(UsageError, match="is no time window"):
        window.parse(text)


METADATA = {
    "urn:a": "<a:about xmlns:a='urn:a'><a:role>web</a:role><a:tag name='tier'>gold</a:tag>"
    "<a:owner who='ops'/><a:tag key='zone' value='z1'/></a:about>",
    "urn:b": "<broken",
}


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("role=web", True),
        ("role", True),
        ("role=db", False),
        ("who=ops", True),
        ("tier=gold", True),
        ("zone=z1", True),
        ("zone=z2", False),
        ("role=", False),
        ("nothing", False),
    ],
)
def test_a_tag(tag: str, *, fits: bool) -> None:
    assert tags.fits(METADATA, *tags.parse(tag)) is fits


def test_what_is_no_tag() -> None:
    with pytest.raises(UsageError, match="is no tag"):
        tags.parse("=x")
