"""Ansible's inventories → hosts: groups, variables, and the connection that they come to. Pure.

Ansible documentation, "How to build your inventory": groups hold hosts and other groups; a
variable of a host goes before one of its group, that before one of a parent, and that before one of
``all``. What a file of either form says, and ``ansible-inventory --list``, become ``Groups``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from host_agent.errors import UsageError
from host_agent.hosts.inventory import LEAST_SECONDS, MOST_HOSTS, MOST_SECONDS
from host_agent.hosts.target import Target
from host_agent.untrusted_text import TextError, json_of

Variables = Mapping[str, Any]
ALL, UNGROUPED, _META = "all", "ungrouped", "_meta"
URI, TIMEOUT = "samemachine_uri", "samemachine_timeout"
"""Variables of ours."""
# Ansible's ssh connection, from the newest name of each to the oldest.
_HOST = "ansible_ssh_host", "ansible_host"
_USER = "ansible_ssh_user", "ansible_user"
_PORT = "ansible_ssh_port", "ansible_port"
_KEY = "ansible_private_key_file", "ansible_ssh_private_key_file"
_NAME = re.compile(r"[\w.:%][\w.:%-]*", re.ASCII)
"""A host's name or address, as it may stand in a URI and on ssh's command line."""
_RANGE = re.compile(r"\[([0-9]+|[a-z]|[A-Z]):([0-9]+|[a-z]|[A-Z])(?::([0-9]+))?\]")


@dataclass(slots=True, kw_only=True)
class Group:
    """What an inventory says of one group, before anything is inherited."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Each host that is named in it, with the variables that stand there."""
    children: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)


Groups = dict[str, Group]


def targets(groups: Groups, source: str) -> tuple[Target, ...]:
    """Return the hosts in the order in which they are named first; raises ``UsageError``."""
    depths = _depths(groups, source)
    of_host: dict[str, set[str]] = {}
    for name, group in groups.items():
        for host in group.hosts:
            of_host.setdefault(host, set()).add(name)
    if len(of_host) > MOST_HOSTS:
        raise UsageError(f"{source} has more than {MOST_HOSTS} hosts")
    parents: dict[str, set[str]] = {}
    for name, group in groups.items():
        for child in group.children:
            parents.setdefault(child, set()).add(name)
    found = []
    for host, direct in of_host.items():
        member = _above(direct, parents)
        variables: dict[str, Any] = {}
        order = sorted(member | {ALL}, key=lambda name: (depths.get(name, 0), name))
        for name in order:
            variables.update(groups[name].variables if name in groups else {})
        for name in order:
            variables.update(groups[name].hosts.get(host, {}) if name in groups else {})
        found.append(target(host, variables, member - {ALL}, source))
    return tuple(found)


def of_list(text: str, source: str) -> tuple[Target, ...]:
    """Return the hosts of what ``ansible-inventory --list`` printed; raises ``UsageError``.

    It has resolved all variables: they stand in ``_meta``, host by host.
    """
    try:
        document = json_of(text)
    except TextError as error:
        raise UsageError(f"{source} is no JSON: {error}") from error
    groups: Groups = {}
    for name, given in _mapping(document, source).items():
        if name == _META:
            continue
        # A group may also be no more than the list of its hosts.
        one = {"hosts": given} if isinstance(given, list) else _mapping(given, f"{source}: {name}")
        groups[name] = Group(
            hosts={host: {} for host in _names(one.get("hosts", []), source, name)},
            children=_names(one.get("children", []), source, name),
            variables=dict(_mapping(one.get("vars") or {}, f"{source}: {name}")),
        )
    meta = _mapping(document.get(_META) or {}, source)
    everywhere = groups.setdefault(ALL, Group())
    for host, variables in _mapping(meta.get("hostvars") or {}, source).items():
        everywhere.hosts[host] = dict(_mapping(variables or {}, f"{source}: {host}"))
    return targets(groups, source)


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


def target(
    name: str, variables: Variables, groups: frozenset[str] | set[str], source: str
) -> Target:
    """Return a host by its variables; raises ``UsageError``."""
    where = f"{source}: {name}"
    return Target(
        name=name,
        uri=_uri(name, variables, where),
        groups=frozenset(groups),
        seconds=_seconds(variables.get(TIMEOUT), where),
    )


def _uri(name: str, variables: Variables, where: str) -> str:
    own = _text(variables, (URI,), where)
    if own:
        return own
    if variables.get("ansible_connection") == "local":
        return "qemu:///system"
    host = _text(variables, _HOST, where) or name
    if not _NAME.fullmatch(host):
        raise UsageError(f"{where}: {host!r} is no host name; set {URI}")
    user, port = _text(variables, _USER, where), _text(variables, _PORT, where)
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise UsageError(f"{where}: {port!r} is no port")
    key = _text(variables, _KEY, where)
    return (
        "qemu+ssh://"
        + (f"{quote(user, safe='')}@" if user else "")
        + (f"[{host}]" if ":" in host else host)
        + (f":{int(port)}" if port else "")
        + "/system"
        + (f"?keyfile={quote(key, safe='/')}" if key else "")
    )


def _text(variables: Variables, names: Sequence[str], where: str) -> str | None:
    """Return the text of the last of several variables that is set."""
    found: str | None = None
    for name in names:
        value = variables.get(name)
        if value is None or isinstance(value, bool) or not isinstance(value, str | int):
            continue
        found = str(value)
        if "{{" in found or "{%" in found:
            raise UsageError(
                f"{where}: {name} is a template, which Ansible alone can fill in; set {URI}"
            )
    return found


def _seconds(given: object, where: str) -> float | None:
    if given is None:
        return None
    try:
        seconds = float(given) if isinstance(given, str | int | float) else 0.0
    except ValueError:
        seconds = 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise UsageError(
            f"{where}: {TIMEOUT} is a number from {LEAST_SECONDS:g} to {MOST_SECONDS:g}"
        )
    return seconds


def _depths(groups: Groups, source: str) -> dict[str, int]:
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
        children = groups[name].children if name in groups else []
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


def _range(match: re.Match[str], pattern: str, source: str) -> Iterator[str]:
    first, last, step = match[1], match[2], int(match[3] or "1")
    numbers = first.isdigit()
    if numbers != last.isdigit() or step < 1:
        raise UsageError(f"{source}: {pattern}: {match[0]} is no range")
    begin, end = (int(first), int(last)) if numbers else (ord(first), ord(last))
    if not begin <= end or (end - begin) // step >= MOST_HOSTS:
        raise UsageError(f"{source}: {pattern}: {match[0]} is no range of {MOST_HOSTS} at most")
    # As many digits as the first one has: node[01:20].
    width = len(first) if numbers and first.startswith("0") else 0
    for one in range(begin, end + 1, step):
        yield f"{one:0{width}}" if numbers else chr(one)


def _mapping(given: object, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise UsageError(f"{where}: no inventory of Ansible's looks like that")
    return given


def _names(given: object, source: str, group: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise UsageError(f"{source}: {group}: hosts and children are lists of names")
    return list(given)
