"""An inventory of Ansible's in INI → what it says. Pure.

Ansible's ``ini`` inventory plug-in: ``[group]`` has a host a line, with its variables beside it;
``[group:children]`` a group a line; ``[group:vars]`` a variable a line. A value is one of Python's
literals, or else a text.
"""

import ast
import re
import shlex
import warnings
from typing import Any

from host_agent.errors import UsageError
from host_agent.hosts.ansible import ALL, UNGROUPED, Parsed

_SECTION = re.compile(r"\[([^\s:\]]+)(?::(\w+))?\]\s*(?:[#;].*)?")
_MOST_LITERAL = 1000
"""Characters of a value that may be a literal: Python's own parser has bounds of its own."""


def parse(text: str, source: str) -> Parsed:
    """Return what an inventory called ``source`` says; raises ``UsageError``."""
    found = Parsed()
    name, kind = UNGROUPED, "hosts"
    declared, named = {ALL, UNGROUPED}, dict[str, str]()
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
            found.group(name)
            if kind == "vars":
                named.setdefault(name, where)
            else:
                declared.add(name)
            continue
        match kind:
            case "hosts":
                _add_hosts(found, name, stripped, where)
            case "children":
                child = stripped.split()[0]
                found.group(name).children[child] = None
                named.setdefault(child, where)
            case _:
                key, equals, value = stripped.partition("=")
                if not equals:
                    raise UsageError(f"{where}: a variable is meant, KEY=VALUE")
                found.group(name).variables[key.strip()] = _value(value.strip())
    for group, where in named.items():
        if group not in declared:
            raise UsageError(f"{where}: there is no group [{group}]")
    return found


def _add_hosts(found: Parsed, group: str, line: str, where: str) -> None:
    try:
        pattern, *rest = shlex.split(line, comments=True)
    except ValueError as error:
        raise UsageError(f"{where}: {str(error).lower()}") from error
    variables: dict[str, Any] = {}
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{where}: {word!r} is no variable, KEY=VALUE")
        variables[key] = _value(value)
    found.add(group, pattern, variables, where)


def _value(text: str) -> Any:
    if len(text) > _MOST_LITERAL:
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
