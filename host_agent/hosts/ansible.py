"""Ansible's inventories → hosts: groups, and the variables that each host comes to. Pure.

Ansible documentation, "How to build your inventory" and "Variable precedence": groups hold hosts
and other groups; a variable of a host goes before one of its group, that before one of a parent.
What stands in group_vars beside the inventory goes before what any group has in it, even for
``all``, and host_vars before everything. What a file of either form says, and
``ansible-inventory --list``, become ``Parsed``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from host_agent.errors import UsageError
from host_agent.hosts import ansible_connection, ansible_names
from host_agent.hosts.inventory import MOST_HOSTS
from host_agent.hosts.target import Target

Variables = Mapping[str, Any]
ALL, UNGROUPED, _META = "all", "ungrouped", "_meta"
_PRIORITY = "ansible_group_priority"
_TOLD = "__ansible_unsafe"
"""So ``ansible-inventory`` marks what no template is to be made of."""


@dataclass(slots=True, kw_only=True)
class Group:
    """What an inventory says of one group, before anything is inherited."""

    hosts: dict[str, None] = field(default_factory=dict)
    """Names, in their order."""
    children: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Parsed:
    """What an inventory says, as it stands there."""

    groups: dict[str, Group] = field(default_factory=dict)
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Each host with its own variables, wherever these stand: the later one counts."""

    def group(self, name: str) -> Group:
        """Return a group, a new one where there is none of the name."""
        return self.groups.setdefault(name, Group())

    def add(self, group: str, pattern: str, variables: Variables, source: str) -> None:
        """Add the hosts of a pattern to a group; raises ``UsageError``."""
        names, port = ansible_names.hosts(pattern, source)
        if len(names) + len(self.hosts) > 2 * MOST_HOSTS:
            raise UsageError(f"{source}: they are more than {MOST_HOSTS} hosts")
        for name in names:
            self.group(group).hosts[name] = None
            # A port beside the name counts where the host is named first.
            known = self.hosts.setdefault(name, {} if port is None else {"ansible_port": port})
            known.update(variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Variables of files that lie beside an inventory, by the name of the group or the host."""

    groups: Mapping[str, Variables] = field(default_factory=dict)
    hosts: Mapping[str, Variables] = field(default_factory=dict)


def targets(parsed: Parsed, source: str, beside: Beside | None = None) -> tuple[Target, ...]:
    """Return the hosts in the order in which they are named first; raises ``UsageError``."""
    groups, files = parsed.groups, beside or Beside()
    depths = _depths(groups, source)
    direct: dict[str, set[str]] = {host: set() for host in parsed.hosts}
    parents: dict[str, set[str]] = {}
    for name, group in groups.items():
        for host in group.hosts:
            direct.setdefault(host, set()).add(name)
        for child in group.children:
            parents.setdefault(child, set()).add(name)
    if len(direct) > MOST_HOSTS:
        raise UsageError(f"{source} has more than {MOST_HOSTS} hosts")
    priorities = {name: _priority(group, f"{source}: {name}") for name, group in groups.items()}

    def nearest_last(name: str) -> tuple[int, int, str]:
        return depths.get(name, 0), priorities.get(name, 1), name

    found = []
    for host, named_in in direct.items():
        member = _above(named_in, parents) - {ALL, UNGROUPED} or {UNGROUPED}
        order = [ALL, *sorted(member, key=nearest_last)]
        variables: dict[str, Any] = {"inventory_hostname": host}
        for name in order:
            variables.update(groups[name].variables if name in groups else {})
        for name in order:
            variables.update(files.groups.get(name, {}))
        variables.update(parsed.hosts.get(host, {}))
        variables.update(files.hosts.get(host, {}))
        found.append(ansible_connection.target(host, variables, member, source))
    return tuple(found)


def of_list(document: Variables, source: str) -> tuple[Target, ...]:
    """Return the hosts of what ``ansible-inventory --list`` printed; raises ``UsageError``.

    It has resolved which variables count: they stand in ``_meta``, host by host.
    """
    parsed = Parsed()
    for name, given in document.items():
        if name == _META:
            continue
        # A group may also be no more than the list of its hosts.
        one = {"hosts": given} if isinstance(given, list) else mapping(given, f"{source}: {name}")
        parsed.groups[name] = Group(
            hosts=dict.fromkeys(_names(one.get("hosts", []), source, name)),
            children=dict.fromkeys(_names(one.get("children", []), source, name)),
            variables=_variables(one.get("vars"), f"{source}: {name}"),
        )
        for host in parsed.groups[name].hosts:
            parsed.hosts.setdefault(host, {})
    meta = mapping(document.get(_META) or {}, source)
    for host, variables in mapping(meta.get("hostvars") or {}, source).items():
        parsed.hosts.setdefault(host, {}).update(_variables(variables, f"{source}: {host}"))
    return targets(parsed, source)


def mapping(given: object, where: str) -> Mapping[str, Any]:
    """Return a mapping of an inventory; raises ``UsageError`` where it is none."""
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise UsageError(f"{where}: no inventory of Ansible's looks like that")
    return given


def _variables(given: object, where: str) -> dict[str, Any]:
    return {
        name: value[_TOLD] if isinstance(value, Mapping) and set(value) == {_TOLD} else value
        for name, value in mapping(given or {}, where).items()
    }


def _names(given: object, source: str, group: str) -> Sequence[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise UsageError(f"{source}: {group}: hosts and children are lists of names")
    return given


def _priority(group: Group, where: str) -> int:
    """Return a group's rank among those of its depth: the higher one's variables win."""
    given = group.variables.get(_PRIORITY, 1)
    try:
        return int(given)
    except (TypeError, ValueError):
        raise UsageError(f"{where}: {_PRIORITY} is a number") from None


def _depths(groups: Mapping[str, Group], source: str) -> dict[str, int]:
    """Return how far below ``all`` each group is: the deeper one's variables win."""
    depths: dict[str, int] = {}
    waiting = [(name, 1) for name in groups if name != ALL]
    while waiting:
        name, depth = waiting.pop()
        if depth <= depths.get(name, 0):
            continue
        if depth > len(groups) + 1:
            raise UsageError(f"{source}: the group {name} is its own child")
        depths[name] = depth
        children = groups[name].children if name in groups else ()
        waiting += [(child, depth + 1) for child in children]
    return {**depths, ALL: 0}


def _above(direct: set[str], parents: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(direct)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parents.get(name, ())
    return found
