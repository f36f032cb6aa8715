"""What a guest tells of one thing alone, where no more of it is wanted."""

from dataclasses import dataclass, field

from host_agent.domain.definition import DomainXmlError
from host_agent.errors import LibvirtError
from host_agent.evidence.hardware import Tpm
from host_agent.evidence.running import Running
from host_agent.guest.dialler import Dialler
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain
from host_agent.hypervisor.declared import declared_of
from host_agent.missing import Missing, Reason

SECONDS = 30.0
"""A quarter of what the rehearsal may take for which it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Asks guests of one connection."""

    uri: str
    seconds: float = SECONDS
    """What one guest may take."""
    opened: OpenedChannels = field(default_factory=OpenedChannels)

    def tpm(self, domain: Domain, running: Running) -> Tpm | Missing:
        """Return its TPM's registers, and what is bound to them, as the guest has them."""
        try:
            declared = declared_of(domain.look())
        except (LibvirtError, DomainXmlError) as error:
            return Missing(reason=Reason.FAILED, sentence=str(error))
        seen = Dialler(uri=self.uri, opened=self.opened).observe(
            domain, declared, running, self.seconds
        )
        return seen if isinstance(seen, Missing) else seen.hardware.tpm
