"""Times as people give them on the command line. Pure."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from host_agent.errors import UsageError
from host_agent.printable import printable

LAST_TIME = 253_370_764_800.0
"""The year 9999, the last one of Python's calendar: whatever the time zone, it is not reached."""


_DAY, _HOUR, _MINUTE = 86400, 3600, 60


FORMS = "2h, 3d, 1h30m, 04:11, yesterday, 2026-03-02, '2026-03-02 04:11', 2026-03-02T04:11:07Z"
"""For help and messages."""
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART = re.compile(r"\s*([0-9]+)\s*(min|[smhdw])", re.ASCII)
_SPAN = re.compile(rf"(?:{_PART.pattern})+\s*(?:ago)?", re.ASCII)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII)
_CALENDAR = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}([T ].*)?", re.ASCII)
_EPOCH = re.compile(r"@[0-9]{1,12}", re.ASCII)


def parse_past(text: str, now: datetime, zone: tzinfo | None = None) -> float:
    """Return the time that a text means, in seconds since 1970-01-01 UTC.

    A time without an offset is one of ``zone``; None: of this machine, by the rules of that day. A
    time of day is the last one that was. Forms are a few of systemd.time(7)'s; raises
    ``UsageError`` where it is none of them, or where it is still to come.
    """
    word = text.strip().lower()
    try:
        seconds = _parse(word, now, zone)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{printable(text)[:60]!r} is no time; such as {FORMS}") from error
    if seconds > now.timestamp():
        raise UsageError(f"{printable(text)[:60]!r} is still to come")
    return max(seconds, 0.0)


def _parse(word: str, now: datetime, zone: tzinfo | None) -> float:
    if _SPAN.fullmatch(word):
        span = sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(word))
        return now.timestamp() - span
    if _EPOCH.fullmatch(word):
        return float(word[1:])
    today = now.astimezone(zone).date()
    if word in {"today", "yesterday"}:
        day = today - timedelta(days=word == "yesterday")
        return _local(datetime.combine(day, time()), zone)
    clock = _CLOCK.fullmatch(word)
    if clock:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        of_day = time(hour, minute, second)
        seconds = _local(datetime.combine(today, of_day), zone)
        if seconds > now.timestamp():
            seconds = _local(datetime.combine(today - timedelta(days=1), of_day), zone)
        return seconds
    if not _CALENDAR.fullmatch(word.upper()):
        raise ValueError(word)
    return _local(datetime.fromisoformat(word.upper()), zone)


def _local(given: datetime, zone: tzinfo | None) -> float:
    if given.tzinfo is None and zone is not None:
        given = given.replace(tzinfo=zone)
    return given.astimezone(UTC).timestamp()


def clock(seconds: float) -> str:
    """Return a time of day, by this host's zone."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%H:%M:%S}"


def day(seconds: float) -> str:
    """Return day and time, by this host's zone."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """Return a length of time in its largest unit: ``41 d``, ``3 h``, ``12 s``."""
    for unit, size in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
