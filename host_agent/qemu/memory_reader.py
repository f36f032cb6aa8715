"""The memory of a machine that was started to be asked, read from outside through qtest."""

from collections.abc import Sequence

from host_agent.firmware.acpi import AcpiError
from host_agent.qemu.session import QemuSession, decoded

_MOST_LOW = 0xE0000000
_MAX_READ = 4 * 1024 * 1024


class MemoryReader:
    """Reads the machine's memory, and nothing beyond it."""

    def __init__(self, session: QemuSession, memory: int) -> None:
        self._session = session
        self.top = min(memory, _MOST_LOW)

    def read(self, address: int, length: int) -> bytes:
        """Return bytes below the top of low memory; raises ``AcpiError`` for any other."""
        if not 0 < length <= _MAX_READ or address + length > self.top:
            raise AcpiError(f"{length} bytes at {address:#x} are none of the memory's")
        (answer,) = self._session.qtest([f"b64read 0x{address:x} 0x{length:x}"])
        return decoded(answer, length)

    def pieces(self, addresses: Sequence[int], length: int) -> list[bytes]:
        """Return so many bytes from each of many addresses."""
        answers = self._session.qtest([f"b64read 0x{at:x} 0x{length:x}" for at in addresses])
        return [decoded(answer, length) for answer in answers]
