"""A guest's memory where tables may be, read in bounded peeks: RAM only, at nobody's word.

Where it is follows from the machine (``memory_places``): of a PC it is what lies below 4 GiB.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from host_agent.domain import memory_places
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.firmware.acpi import AcpiError
from host_agent.hypervisor import Domain
from host_agent.missing import Reason

_PIECE = 1024 * 1024
_PIECES = 48
"""How many megabytes below the top are searched.

OVMF's tables were seen within the last twelve, and within the last 28 in its builds with secure
boot: the machine keeps the last sixteen for the firmware's own use (q35's extended TSEG). AAVMF's
SMBIOS and EFI configuration table were seen within the last two, of 512 MiB to 300 GB.
"""
_ALL_CALLS = 5
"""How many times as long as one call all together may take."""
_OVERLAP = 64
_MAX_READ = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LowMemory:
    """What can be read of one domain."""

    domain: Domain
    bottom: int
    """Where it begins."""
    top: int
    """Where it ends."""
    seconds: float
    """What one call may take."""
    until: float
    """When all of them must have been, by the monotonic clock."""

    def read(self, address: int, length: int) -> bytes:
        """Return bytes; raises ``AcpiError`` for what is no RAM, ``EvidenceError``."""
        inside = self.bottom <= address and address + length <= self.top
        if not 0 < length <= _MAX_READ or not inside:
            raise AcpiError(f"{length} bytes at {address:#x} are none of the guest's memory")
        if time.monotonic() > self.until:
            raise EvidenceError(
                Reason.HUNG, f"reading guest memory takes more than {_ALL_CALLS * self.seconds:g} s"
            )
        return self.domain.peek_memory(address, length, self.seconds)

    def downwards(self) -> Iterator[tuple[int, bytes]]:
        """Yield (address, bytes) from the top on, with a little of what lies above each."""
        at = self.top
        for _ in range(_PIECES):
            end, at = min(self.top, at + _OVERLAP), at - _PIECE
            if at < self.bottom + _PIECE:
                return
            yield at, self.read(at, end - at)


def of(domain: Domain, active: Definition, seconds: float) -> LowMemory:
    """Return the memory of a running domain."""
    bottom, top = memory_places.of(active.architecture, active.memory, active.machine or "")
    return LowMemory(
        domain=domain,
        bottom=bottom,
        top=top // _PIECE * _PIECE,
        seconds=seconds,
        until=time.monotonic() + _ALL_CALLS * seconds,
    )
