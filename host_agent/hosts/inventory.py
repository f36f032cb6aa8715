"""Which hosts there are: what an inventory comes to, and ours, in TOML. Pure.

Ours is for who has none: what Ansible has is read as it is (``ansible``).
"""

import difflib
from collections.abc import Mapping, Sequence

from host_agent.errors import UsageError
from host_agent.hosts.target import Target
from host_agent.untrusted_text import TextError, toml_of

MOST_HOSTS = 100_000
LEAST_SECONDS, MOST_SECONDS = 0.1, 86400.0
_KEYS = "hosts", "timeout"
_HOST_KEYS = "uri", "groups", "timeout"


def of_toml(text: str, source: str) -> tuple[Target, ...]:
    """Return the hosts of an inventory called ``source``, in its order; raises ``UsageError``."""
    try:
        document = toml_of(text)
    except TextError as error:
        raise UsageError(f"{source} is no TOML: {error}") from error
    _known(document, _KEYS, source)
    seconds = _seconds(document.get("timeout"), source)
    hosts = document.get("hosts", {})
    if not isinstance(hosts, dict) or len(hosts) > MOST_HOSTS:
        raise UsageError(f"{source}: hosts are tables, such as [hosts.node1], {MOST_HOSTS} at most")
    return tuple(_target(name, one, seconds, source) for name, one in hosts.items())


def chosen(targets: Sequence[Target], names: Sequence[str], source: str) -> tuple[Target, ...]:
    """Return the targets of these groups or names, or all, each connection once.

    Raises ``UsageError`` where there is none of a name.
    """
    known = {name for one in targets for name in (one.name, *one.groups)}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=2, cutoff=0.75)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(f"{source} has no group and no host {name!r}{hint}")
    wanted = [one for one in targets if not names or {one.name, *one.groups} & set(names)]
    if not wanted:
        raise UsageError(f"{source} has no hosts")
    # Of two names for one connection the first counts.
    return tuple({one.uri: one for one in reversed(wanted)}[uri] for uri in _uris(wanted))


def _uris(targets: Sequence[Target]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.uri for one in targets))


def _target(name: str, given: object, seconds: float | None, source: str) -> Target:
    where = f"{source}: hosts.{name}"
    if not isinstance(given, dict):
        raise UsageError(f"{where} is a table with a uri")
    _known(given, _HOST_KEYS, where)
    uri, groups = given.get("uri"), given.get("groups", [])
    if not isinstance(uri, str) or not uri:
        raise UsageError(f'{where} needs a uri, such as uri = "qemu+ssh://root@{name}/system"')
    if not isinstance(groups, list) or not all(isinstance(one, str) for one in groups):
        raise UsageError(f"{where}: groups is a list of texts")
    own = _seconds(given.get("timeout"), where)
    return Target(
        name=name, uri=uri, groups=frozenset(groups), seconds=seconds if own is None else own
    )


def _known(given: Mapping[str, object], keys: Sequence[str], where: str) -> None:
    for key in given:
        if key not in keys:
            raise UsageError(f"{where}: unknown key {key!r}; known are: {', '.join(keys)}")


def _seconds(given: object, where: str) -> float | None:
    if given is None:
        return None
    right = isinstance(given, int | float) and not isinstance(given, bool)
    # What is not a number (nan) is within no bounds.
    if right and LEAST_SECONDS <= given <= MOST_SECONDS:  # type: ignore[operator]  # a number
        return float(given)  # type: ignore[arg-type]  # a number
    raise UsageError(f"{where}: timeout is a number from {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
