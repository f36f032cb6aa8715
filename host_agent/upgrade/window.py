"""A time of day in which domains may be restarted, such as ``22:00-05:00``. Pure."""

import re
from dataclasses import dataclass
from datetime import datetime, time

from host_agent.errors import UsageError
from host_agent.printable import printable

_FORM = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From a time of day until another, that day or the next; local time."""

    start: time
    end: time

    def holds(self, now: datetime) -> bool:
        """Tell whether it is open."""
        at = now.time().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    def __str__(self) -> str:
        """Return it as it is given."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def parse(text: str) -> Window:
    """Return the window that a text means; raises ``UsageError``."""
    found = _FORM.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError(text)
        one, two, three, four = (int(part) for part in found.groups())
        start, end = time(one, two), time(three, four)
        if start == end:
            raise ValueError(text)
    except ValueError as error:
        raise UsageError(
            f"{printable(text)[:40]!r} is no time window; such as 22:00-05:00"
        ) from error
    return Window(start=start, end=end)
