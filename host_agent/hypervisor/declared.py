"""What libvirt declares of one domain, read."""

from host_agent.domain.definition import Declared, parse
from host_agent.errors import LibvirtError
from host_agent.hypervisor.domain import Look


def declared_of(look: Look) -> Declared:
    """Return what libvirt said of a domain, parsed; raises ``LibvirtError``, ``DomainXmlError``."""
    if look.active is None and look.persistent is None:
        raise LibvirtError("the domain stopped while it was looked at")
    return Declared(
        active=None if look.active is None else parse(look.active),
        persistent=None if look.persistent is None else parse(look.persistent),
        state=look.state,
        reason=look.reason,
        domain_id=look.id,
    )
