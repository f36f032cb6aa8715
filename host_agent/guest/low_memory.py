"""A guest's memory below 4 GiB, read by the host in bounded peeks: RAM only, at nobody's word.

How far it goes follows from the machine: a PC keeps room below 4 GiB for its devices (QEMU
``hw/i386/pc_piix.c: pc_init1``, ``pc_q35.c: pc_q35_init``), so what is more lies above.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.firmware.acpi import AcpiError
from host_agent.hypervisor import Domain
from host_agent.missing import Reason

_PIECE = 1024 * 1024
_PIECES = 48
"""How many megabytes below the top are searched.

OVMF's tables were seen within the last twelve, and within the last 28 in its builds with secure
boot: the machine keeps the last sixteen for the firmware's own use (q35's extended TSEG).
"""
_ALL_CALLS = 5
"""How many times as long as one call all together may take."""
_OVERLAP = 64
_MAX_READ = 4 * 1024 * 1024
# Machine types' family → from how much memory on there is less of it below 4 GiB, and how much.
_Q35, _I440FX = (0xB0000000, 0x80000000), (0xE0000000, 0xC0000000)


@dataclass(frozen=True, slots=True)
class LowMemory:
    """What can be read of one domain."""

    domain: Domain
    top: int
    """Where it ends."""
    seconds: float
    """What one call may take."""
    until: float
    """When all of them must have been, by the monotonic clock."""

    def read(self, address: int, length: int) -> bytes:
        """Return bytes; raises ``AcpiError`` for what is no RAM, ``EvidenceError``."""
        if not 0 < length <= _MAX_READ or address + length > self.top:
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
            if at < _PIECE:
                return
            yield at, self.read(at, end - at)


def of(domain: Domain, active: Definition, seconds: float) -> LowMemory:
    """Return the memory of a running domain."""
    return LowMemory(
        domain=domain,
        top=top(active.machine or "", active.memory),
        seconds=seconds,
        until=time.monotonic() + _ALL_CALLS * seconds,
    )


def top(machine: str, memory: int | None) -> int:
    """Return where RAM below 4 GiB ends, on a 1 MiB boundary."""
    limit, most = _Q35 if "q35" in machine else _I440FX
    size = memory or 0
    return (size if size < limit else most) // _PIECE * _PIECE
