"""An inventory of Ansible's in YAML → its groups. Pure.

Ansible's ``yaml`` inventory plug-in: groups at the top, each with ``hosts``, ``children`` and
``vars``. Of YAML's tags none is obeyed: what is in a vault stays there, and is no variable.
"""

from typing import Any

import yaml

from host_agent.errors import UsageError
from host_agent.hosts.ansible import Group, Groups, expanded

_MOST_VALUES = 1_000_000
_MOST_DEPTH = 50


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it has no types
    """Plain values alone."""


_Loader.add_multi_constructor("", lambda *_: None)


def parse(text: str, source: str) -> Groups:
    """Return the groups of an inventory called ``source``; raises ``UsageError``."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split()) or "it is nested too deep"
        raise UsageError(f"{source} is no YAML: {said}") from error
    groups: Groups = {}
    reader = _Reader(groups, source)
    for name, given in reader.mapping(document).items():
        reader.read(name, given, 0)
    return groups


class _Reader:
    """Follows groups into groups, within bounds: an alias may stand for a whole tree."""

    def __init__(self, groups: Groups, source: str) -> None:
        self._groups = groups
        self._source = source
        self._left = _MOST_VALUES

    def mapping(self, given: object) -> dict[str, Any]:
        """Return a mapping; an empty one for what is left empty. Raises ``UsageError``."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise UsageError(f"{self._source}: no inventory of Ansible's looks like that")
        self._left -= 1 + len(given)
        if self._left < 0:
            raise UsageError(f"{self._source} has more than {_MOST_VALUES} values")
        return {str(key): value for key, value in given.items()}

    def read(self, name: str, given: object, depth: int) -> None:
        """Add what is said of a group, and of those in it."""
        if depth > _MOST_DEPTH:
            raise UsageError(f"{self._source}: its groups are nested too deep")
        group = self._groups.setdefault(name, Group())
        parts = self.mapping(given)
        group.variables.update(self.mapping(parts.get("vars")))
        for pattern, variables in self.mapping(parts.get("hosts")).items():
            own = self.mapping(variables)
            for host in expanded(pattern, self._source):
                self._left -= 1
                group.hosts.setdefault(host, {}).update(own)
        for child, inner in self.mapping(parts.get("children")).items():
            if child not in group.children:
                group.children.append(child)
            self.read(child, inner, depth + 1)
