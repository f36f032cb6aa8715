"""An inventory of Ansible's in INI → its groups. Pure.

Ansible's ``ini`` inventory plug-in: ``[group]`` has a host a line, with its variables beside it;
``[group:children]`` a group a line; ``[group:vars]`` a variable a line.
"""

import re
import shlex
from typing import Any

from host_agent.errors import UsageError
from host_agent.hosts.ansible import UNGROUPED, Group, Groups, expanded

_SECTION = re.compile(r"\[([^\s:\]]+)(?::(\w+))?\]\s*(?:[#;].*)?")
_PORT = re.compile(r"(?P<host>[^:]+|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]+)")
_ADDRESS = re.compile(r"\[([0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]")


def parse(text: str, source: str) -> Groups:
    """Return the groups of an inventory called ``source``; raises ``UsageError``."""
    groups: Groups = {UNGROUPED: Group()}
    name, kind = UNGROUPED, "hosts"
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        where = f"{source}, line {number}"
        section = _SECTION.fullmatch(stripped)
        if section is not None:
            name, kind = section[1], section[2] or "hosts"
            if kind not in {"hosts", "children", "vars"}:
                raise UsageError(f"{where}: [{name}:{kind}] is neither children nor vars")
            groups.setdefault(name, Group())
            continue
        group = groups[name]
        match kind:
            case "hosts":
                _add_hosts(group, stripped, where)
            case "children":
                child = stripped.split()[0]
                group.children.append(child)
                groups.setdefault(child, Group())
            case _:
                key, equals, value = stripped.partition("=")
                if not equals:
                    raise UsageError(f"{where}: a variable is meant, KEY=VALUE")
                group.variables[key.strip()] = _value(value.strip())
    return groups


def _add_hosts(group: Group, line: str, where: str) -> None:
    try:
        pattern, *rest = shlex.split(line, comments=True)
    except ValueError as error:
        raise UsageError(f"{where}: {str(error).lower()}") from error
    variables: dict[str, Any] = {}
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{where}: {word!r} is no variable, KEY=VALUE")
        variables[key] = value
    with_port = _PORT.fullmatch(pattern)
    if with_port is not None:
        pattern = with_port["host"]
        variables.setdefault("ansible_port", with_port["port"])
    address = _ADDRESS.fullmatch(pattern)
    names = [address[1]] if address else expanded(pattern, where)
    for name in names:
        group.hosts.setdefault(name, {}).update(variables)


def _value(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text
