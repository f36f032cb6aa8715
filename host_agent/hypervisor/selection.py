"""Which domains are meant: libvirt's name, a UUID, a number, a title, an owner's display name."""

import re
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from host_agent.domain import owner
from host_agent.domain.definition import parse
from host_agent.errors import NoDomainError, UsageError
from host_agent.guard import guarded
from host_agent.hypervisor import Domain
from host_agent.printable import printable

_SHOWN = 10


def chosen(domains: list[Domain], names: Sequence[str], uri: str) -> list[Domain]:
    """Return the domains of these names, each once, or all.

    Raises ``NoDomainError`` for a name of none, ``UsageError`` for one of several.
    """
    if not names:
        return domains
    found = present(domains, names, uri)
    for name in names:
        if name not in found:
            raise NoDomainError(f"{uri} has no domain {name!r}; there are: {_some(domains)}", name)
    return list({domain.uuid: domain for domain in found.values()}.values())


def present(domains: Sequence[Domain], names: Sequence[str], uri: str) -> dict[str, Domain]:
    """Return the domains of these names by name, without the names of none.

    libvirt's names and UUIDs are looked at first: both are unique on a host. XML is read only where
    a name is neither. Raises ``UsageError`` for a name of several.
    """
    found: dict[str, Domain] = {}
    titled: dict[str, list[Domain]] | None = None
    for name in names:
        domain = _by_libvirt(domains, name)
        if domain is None:
            titled = _titled(domains) if titled is None else titled
            domain = _only(titled.get(" ".join(name.split()), []), name, uri)
        if domain is not None:
            found[name] = domain
    return found


_NUMBER = re.compile(r"[0-9]{1,10}")


def _by_libvirt(domains: Sequence[Domain], name: str) -> Domain | None:
    """Look for a running domain's number, then for a name or a UUID: virsh looks in this order."""
    if _NUMBER.fullmatch(name):
        numbered = next(
            (one for one in domains if guarded(one.id, lambda _: None) == int(name)), None
        )
        if numbered is not None:
            return numbered
    named = next((domain for domain in domains if domain.name == name), None)
    if named is not None:
        return named
    try:
        uuid = UUID(name)
    except ValueError:
        return None
    return next((domain for domain in domains if domain.uuid == uuid), None)


def _titled(domains: Sequence[Domain]) -> dict[str, list[Domain]]:
    """Return the domains by their owners' display names and by their titles."""
    titled: dict[str, list[Domain]] = {}
    for domain in domains:
        # A domain that is gone or broken can still be had by its name and its UUID.
        for name in guarded(partial(_titles, domain), lambda _: ()):
            titled.setdefault(name, []).append(domain)
    return titled


def _titles(domain: Domain) -> tuple[str, ...]:
    definition = parse(domain.xml(inactive=False))
    return tuple({name for name in (owner.of(definition).name, definition.title) if name})


def _only(found: Sequence[Domain], name: str, uri: str) -> Domain | None:
    if len(found) > 1:
        which = ", ".join(f"{domain.uuid} ({printable(domain.name)})" for domain in found)
        raise UsageError(
            f"{uri} has {len(found)} domains with the title {name!r}; say which: {which}"
        )
    return found[0] if found else None


def _some(domains: Sequence[Domain]) -> str:
    there = ", ".join(printable(domain.name) for domain in domains[:_SHOWN]) or "none"
    return f"{there} and {len(domains) - _SHOWN} more" if len(domains) > _SHOWN else there
