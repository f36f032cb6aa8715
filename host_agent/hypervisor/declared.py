"""What libvirt declares of one domain, asked."""

from host_agent.domain.definition import Declared, parse
from host_agent.errors import LibvirtError
from host_agent.hypervisor import Domain


def declared_of(domain: Domain) -> Declared:
    """Return what libvirt says of a domain: both definitions, its state and its number."""
    active = parse(domain.xml(inactive=False)) if domain.is_active() else None
    persistent = parse(domain.xml(inactive=True)) if domain.is_persistent() else None
    if active is None and persistent is None:
        raise LibvirtError("the domain stopped while it was looked at")
    state, reason = domain.state()
    return Declared(
        active=active, persistent=persistent, state=state, reason=reason, domain_id=domain.id()
    )
