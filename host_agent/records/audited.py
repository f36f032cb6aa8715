"""An audited host as it was told, without the evidence behind it: what is read back and compared.

Made of an audit in memory, or of the document that ``audit --format json`` wrote (``audit_file``).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from host_agent.case.views import Views
from host_agent.difference import Difference
from host_agent.domain.owner import Owner
from host_agent.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedDomain:
    """One domain."""

    name: str
    """libvirt's."""
    uuid: str
    word: str
    """As people read it: a decision, ``no answer``, ``not running``, ``failed``."""
    owner: Owner | None = None
    """None: it could not be looked at."""
    state: str = ""
    depth: str = ""
    machine: str | None = None
    architecture: str | None = None
    error: str = ""
    """Why it could not be looked at; then there is nothing else."""
    views: Views | None = None
    findings: tuple[Finding, ...] = ()
    known: frozenset[Difference] = frozenset()
    """Differences in forecasts that the atlases of two packages predict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedHost:
    """One host."""

    uri: str
    name: str
    distribution: str | None
    driver: str
    hypervisor: str
    package: str | None
    libvirt: str
    started: datetime
    seconds: float
    domains: tuple[AuditedDomain, ...]


def told_apart(hosts: Sequence[AuditedHost]) -> tuple[AuditedHost, ...]:
    """Return the hosts with names that no two of them have: where need be with the connection."""
    names = Counter(host.name for host in hosts)
    return tuple(
        host if names[host.name] == 1 else replace(host, name=f"{host.name} ({host.uri})")
        for host in hosts
    )
