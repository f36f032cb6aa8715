"""What a guest reported, decoded and validated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from host_agent.firmware.smbios import Named, Smbios
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Only a guest that answers has any.
    from host_agent.evidence.hardware import Hardware


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A report after decoding and validation."""

    agent_version: str
    seconds: float
    """From dialling to the report."""
    boot_id: str | None
    boot_time: int | None
    """Seconds since 1970-01-01 UTC."""
    kernel: str | None
    architecture: str | None
    dmi: Named | Missing
    """As dmidecode or the kernel in the guest decoded it."""
    booted: Smbios | Missing
    live: Smbios | Missing
    hardware: "Hardware"
    received: float
    """When it came, by the host's clock: seconds since 1970-01-01 UTC."""
    raw: bytes
    """The report without its nonce, serialized, as a baseline keeps it."""
