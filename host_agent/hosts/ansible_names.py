"""Names of hosts as Ansible's inventories have them: ranges, and ports beside them. Pure."""

import re
from collections.abc import Iterator

from host_agent.errors import UsageError
from host_agent.hosts.inventory import MOST_HOSTS

_RANGE = re.compile(r"\[([0-9]+|[a-z]|[A-Z])?:([0-9]+|[a-z]|[A-Z])(?::([0-9]+))?\]")
_PORT = re.compile(r"(?P<host>[^:\[\]]*(?:\[[^\]]*\][^:\[\]]*)*):(?P<port>[0-9]{1,5})")
_BRACKETS = re.compile(
    r"\[(?P<host>[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\](?::(?P<port>[0-9]{1,5}))?"
)


def hosts(pattern: str, source: str) -> tuple[list[str], int | None]:
    """Return the names of a pattern, and the port that stands there; raises ``UsageError``."""
    found = _BRACKETS.fullmatch(pattern)
    if found is not None:
        return [found["host"]], int(found["port"]) if found["port"] else None
    found = _PORT.fullmatch(pattern)
    if found is not None:
        return expanded(found["host"], source), int(found["port"])
    if pattern.endswith(":"):
        raise UsageError(f"{source}: {pattern!r} is no host: what stands after the colon?")
    return expanded(pattern, source), None


def expanded(pattern: str, source: str) -> list[str]:
    """Return the names of a pattern with ranges, ``node[01:20]``; raises ``UsageError``."""
    found = [""]
    place = 0
    for match in _RANGE.finditer(pattern):
        words = list(_range(match, pattern, source))
        if len(found) * len(words) > MOST_HOSTS:
            raise UsageError(f"{source}: {pattern} are more than {MOST_HOSTS} hosts")
        before = pattern[place : match.start()]
        found = [f"{one}{before}{word}" for one in found for word in words]
        place = match.end()
    return [f"{one}{pattern[place:]}" for one in found]


def _range(match: re.Match[str], pattern: str, source: str) -> Iterator[str]:
    first, last, step = match[1] or "0", match[2], int(match[3] or "1")
    numbers = first.isdigit()
    if numbers != last.isdigit() or step < 1:
        raise UsageError(f"{source}: {pattern}: {match[0]} is no range")
    # As many digits as the first one has: node[01:20].
    width = len(first) if numbers and len(first) > 1 and first.startswith("0") else 0
    if width and width != len(last):
        raise UsageError(f"{source}: {pattern}: {match[0]} is no range: as many digits in both")
    begin, end = (int(first), int(last)) if numbers else (ord(first), ord(last))
    if not begin <= end or (end - begin) // step >= MOST_HOSTS:
        raise UsageError(f"{source}: {pattern}: {match[0]} is no range of {MOST_HOSTS} at most")
    for one in range(begin, end + 1, step):
        yield f"{one:0{width}}" if numbers else chr(one)
