"""The variables of one of Ansible's hosts → libvirt's connection. Pure.

Ansible's own ssh connection names the variables and says which one counts of two that mean the same
(``ansible-doc -t connection ssh``): the last of its list.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import quote

from host_agent.errors import UsageError
from host_agent.hosts.inventory import LEAST_SECONDS, MOST_SECONDS
from host_agent.hosts.target import Target

Variables = Mapping[str, Any]
URI, TIMEOUT = "samemachine_uri", "samemachine_timeout"
"""Variables of ours."""
_HOST = "ansible_host", "ansible_ssh_host"
_USER = "ansible_user", "ansible_ssh_user"
_PORT = "ansible_port", "ansible_ssh_port"
_KEY = "ansible_private_key_file", "ansible_ssh_private_key_file"
_LOCAL = "local", "ansible.builtin.local"
_NAME = re.compile(r"[\w.:%][\w.:%-]*", re.ASCII)
"""A host's name or address, as it may stand in a URI and on ssh's command line."""
_NAMED = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}", re.ASCII)
"""The one template that is filled in: another variable of the same host."""
_MOST_STEPS = 10
"""Variables that stand in variables."""
_MOST_TEXT = 4096


def target(name: str, variables: Variables, groups: AbstractSet[str], source: str) -> Target:
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
    if _text(variables, ("ansible_connection",), where) in _LOCAL:
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
        if variables.get(name) is not None:
            found = _filled_in(_plain(variables[name], name, where), name, variables, where)
    return found


def _plain(value: object, name: str, where: str) -> str:
    """Return a value as text; what is a list, or in a vault, is an error."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{where}: {name} is neither a text nor a number; set {URI}")
    return str(value)


def _filled_in(text: str, name: str, variables: Variables, where: str) -> str:
    """Return a text in which variables of this host stand for their names."""
    for _ in range(_MOST_STEPS):
        parts = _NAMED.split(text)
        if len(parts) == 1:
            break
        for place in range(1, len(parts), 2):
            value = variables.get(parts[place])
            if value is None:
                raise UsageError(f"{where}: {name} is {text!r}, and {parts[place]} is not set")
            parts[place] = _plain(value, parts[place], where)
        text = "".join(parts)
        if len(text) > _MOST_TEXT:
            break
    if "{{" in text or "{%" in text or len(text) > _MOST_TEXT:
        raise UsageError(
            f"{where}: {name} is a template, which Ansible alone can fill in; set {URI}"
        )
    return text


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
