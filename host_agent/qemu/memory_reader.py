"""The memory of a machine that was started to be asked, read from outside through qtest."""

from collections.abc import Sequence

from host_agent.domain import memory_places
from host_agent.firmware.acpi import AcpiError
from host_agent.qemu.session import QemuSession, decoded

_MAX_READ = 4 * 1024 * 1024
_CHUNK = 16 * 1024
"""Tables lie side by side, and a question costs more than some bytes."""


class MemoryReader:
    """Reads the machine's memory, and nothing beyond it; each place once.

    Of a machine that runs on, another reader sees what came later.
    """

    def __init__(self, session: QemuSession, architecture: str, memory: int) -> None:
        """``memory``: how many bytes the machine has."""
        self._session = session
        self._kept: dict[int, bytes] = {}
        self.bottom, self.top = memory_places.of(architecture, memory)

    def read(self, address: int, length: int) -> bytes:
        """Return bytes of memory where tables may be; raises ``AcpiError`` for any other."""
        inside = self.bottom <= address and address + length <= self.top
        if not 0 < length <= _MAX_READ or not inside:
            raise AcpiError(f"{length} bytes at {address:#x} are none of the memory's")
        first = address - address % _CHUNK
        wanted = range(first, address + length, _CHUNK)
        lacking = [(at, min(_CHUNK, self.top - at)) for at in wanted if at not in self._kept]
        if lacking:
            self._ask(lacking)
        whole = b"".join([self._kept[at] for at in wanted])
        return whole[address - first : address - first + length]

    def pieces(self, addresses: Sequence[int], length: int) -> list[bytes]:
        """Return so many bytes from each of many addresses, as they are now."""
        answers = self._session.qtest([f"b64read 0x{at:x} 0x{length:x}" for at in addresses])
        return [decoded(answer, length) for answer in answers]

    def _ask(self, chunks: Sequence[tuple[int, int]]) -> None:
        commands = [f"b64read 0x{at:x} 0x{length:x}" for at, length in chunks]
        for (at, length), answer in zip(chunks, self._session.qtest(commands), strict=True):
            self._kept[at] = decoded(answer, length)
