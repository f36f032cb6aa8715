"""Which GPT partitions a domain's disks have, by its XML."""

from host_agent.domain import disk_layers
from host_agent.domain.definition import DomainXmlError
from host_agent.evidence.partitions import Partitions
from host_agent.missing import Missing, Reason
from host_agent.qemu import disk_heads


def of(xml: str) -> Partitions | Missing:
    """Return them; its disks are read, and neither locked nor written."""
    try:
        return disk_heads.partitions(disk_layers.parse(xml))
    except DomainXmlError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))
