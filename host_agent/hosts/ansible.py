"""What ``ansible-inventory --list`` prints → hosts, their groups and connections. Pure.

Ansible documentation, "How to build your inventory": groups hold hosts and other groups. Which
variable of a host counts has been decided there: they stand in ``_meta``, host by host.
"""

from collections.abc import Mapping
from typing import Any

from host_agent.errors import UsageError
from host_agent.hosts import ansible_connection
from host_agent.hosts.inventory import MOST_HOSTS
from host_agent.hosts.target import Target

_META, _ALL, _UNGROUPED = "_meta", "all", "ungrouped"
_TOLD = "__ansible_unsafe"
"""So Ansible marks what no template is to be made of."""


def is_list(document: object) -> bool:
    """Tell what was printed from an inventory's own tree of groups, which JSON may hold as well."""
    if not isinstance(document, Mapping):
        return False
    return _META in document or any(isinstance(one, list) for one in document.values())


def targets(document: object, source: str) -> tuple[Target, ...]:
    """Return the hosts in the order in which they are named first; raises ``UsageError``."""
    listed = _mapping(document, source)
    members: dict[str, set[str]] = {}
    parents: dict[str, set[str]] = {}
    for name, given in listed.items():
        if name == _META:
            continue
        # A group may also be no more than the list of its hosts.
        group = {"hosts": given} if isinstance(given, list) else _mapping(given, source)
        for host in _names(group.get("hosts", []), source, name):
            members.setdefault(host, set()).add(name)
        for child in _names(group.get("children", []), source, name):
            parents.setdefault(child, set()).add(name)
    meta = _mapping(listed.get(_META) or {}, source)
    variables = _mapping(meta.get("hostvars") or {}, source)
    for host in variables:
        members.setdefault(host, set())
    if len(members) > MOST_HOSTS:
        raise UsageError(f"{source} has more than {MOST_HOSTS} hosts")
    found = []
    for host, named_in in members.items():
        groups = _above(named_in, parents) - {_ALL, _UNGROUPED} or {_UNGROUPED}
        own = {"inventory_hostname": host, **_variables(variables.get(host), f"{source}: {host}")}
        found.append(ansible_connection.target(host, own, groups, source))
    return tuple(found)


def _mapping(given: object, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise UsageError(f"{where}: ansible-inventory --list prints no such thing")
    return given


def _variables(given: object, where: str) -> dict[str, Any]:
    return {
        name: value[_TOLD] if isinstance(value, Mapping) and set(value) == {_TOLD} else value
        for name, value in _mapping(given or {}, where).items()
    }


def _names(given: object, source: str, group: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise UsageError(f"{source}: {group}: hosts and children are lists of names")
    return given


def _above(direct: set[str], parents: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(direct)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parents.get(name, ())
    return found
