"""Groups in groups, as Ansible's ``yaml`` inventory plug-in has them → what they say. Pure.

Groups at the top, each with ``hosts``, ``children`` and ``vars``; whoever parsed the text, since
JSON is YAML.
"""

from typing import Any

from host_agent.errors import UsageError
from host_agent.hosts.ansible import Parsed

_MOST_VALUES = 1_000_000
_MOST_DEPTH = 50


def read(document: object, source: str) -> Parsed:
    """Return what an inventory called ``source`` says; raises ``UsageError``."""
    reader = _Reader(source)
    for name, given in reader.mapping(document).items():
        reader.read(name, given, 0)
    return reader.found


class _Reader:
    """Follows groups into groups, within bounds: an alias may stand for a whole tree."""

    def __init__(self, source: str) -> None:
        self.found = Parsed()
        self._source = source
        self._left = _MOST_VALUES

    def mapping(self, given: object) -> dict[str, Any]:
        """Return a mapping; an empty one for what is left empty. Raises ``UsageError``."""
        if given is None:
            return {}
        if isinstance(given, str):
            # A single host or group may be no more than its name.
            return {given: None}
        if not isinstance(given, dict):
            raise UsageError(f"{self._source}: no inventory of Ansible's looks like that")
        self._left -= 1 + len(given)
        if self._left < 0:
            raise UsageError(f"{self._source} has more than {_MOST_VALUES} values")
        return {str(key): value for key, value in given.items()}

    def read(self, name: str, given: object, depth: int) -> None:
        """Add what is said of a group, and of those in it, in the order in which it is said."""
        if depth > _MOST_DEPTH:
            raise UsageError(f"{self._source}: its groups are nested too deep")
        if isinstance(given, str):
            raise UsageError(f"{self._source}: {name} is no group: {given!r}")
        group = self.found.group(name)
        for part, inner in self.mapping(given).items():
            match part:
                case "vars":
                    group.variables.update(self.mapping(inner))
                case "hosts":
                    for pattern, variables in self.mapping(inner).items():
                        self.found.add(name, pattern, self.mapping(variables), self._source)
                case "children":
                    for child, below in self.mapping(inner).items():
                        group.children[child] = None
                        self.read(child, below, depth + 1)
                case _:
                    # Ansible itself leaves out what it does not know.
                    pass
