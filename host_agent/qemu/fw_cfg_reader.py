"""QEMU's fw_cfg device, read from outside through qtest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from host_agent.errors import EvidenceError
from host_agent.firmware import acpi, fw_cfg
from host_agent.firmware.fingerprint import FILES, LOADER
from host_agent.missing import Reason
from host_agent.qemu.session import QemuSession, decoded

_SIGNATURE, _ID, _SMBIOS_LEGACY = 0x00, 0x01, 0x8001
_HAS_DMA = 2
MAX_FILE = 4 * 1024 * 1024
"""Bytes; no file that QEMU serves has more."""
_SLOW_CHUNK = 2048
_FIRST_PART = 16 * 1024
_MAX_LEGACY_ENTRIES, _MAX_LEGACY_ENTRY = 256, 4096
# Files that are padded to a fixed size → what tells where their contents end.
_ENDS: Mapping[str, Callable[[bytes], int | None]] = {
    acpi.TABLES_FILE: acpi.end,
    LOADER: acpi.loader_end,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where a machine's fw_cfg is, and where there is RAM for DMA."""

    data: int
    selector: int
    dma: int
    ports: bool
    """I/O ports, else memory."""
    ram: int


PORTS = Window(data=0x511, selector=0x510, dma=0x514, ports=True, ram=0x1000)
"""That of x86."""


def _in_memory(base: int, ram: int) -> Window:
    """Return the window of a ``virt`` machine, whose registers all lie as QEMU's API lays them."""
    return Window(data=base, selector=base + 8, dma=base + 16, ports=False, ram=ram)


WINDOWS = {
    "x86_64": PORTS,
    "i386": PORTS,
    # hw/arm/virt.c: base_memmap[VIRT_FW_CFG], VIRT_MEM
    "aarch64": _in_memory(0x9020000, 0x40000000),
    # hw/riscv/virt.c: virt_memmap[VIRT_FW_CFG], VIRT_DRAM
    "riscv64": _in_memory(0x10100000, 0x80000000),
    # include/hw/loongarch/virt.h: VIRT_FWCFG_BASE; RAM begins at 0
    "loongarch64": _in_memory(0x1E020000, 0x100000),
}
"""By QEMU's word for the architecture."""


class FwCfg:
    """Reads the device, by DMA where it has it."""

    def __init__(self, session: QemuSession, window: Window) -> None:
        self._session = session
        self._window = window
        signature, identity = self._bytes(_SIGNATURE, 4), self._bytes(_ID, 4)
        if signature != b"QEMU":
            raise EvidenceError(Reason.UNSUPPORTED, "this machine has no fw_cfg device")
        self._dma = bool(identity[0 if window.ports else 3] & _HAS_DMA)

    def directory(self) -> tuple[fw_cfg.File, ...]:
        """Return the directory; raises ``FwCfgError``."""
        if not self._dma:
            count = int.from_bytes(self._bytes(fw_cfg.DIRECTORY_KEY, 4), "big")
            length = 4 + min(count, fw_cfg.MAX_FILES + 1) * fw_cfg.ENTRY
            return fw_cfg.directory(self._bytes(fw_cfg.DIRECTORY_KEY, length))
        # What is read beyond the end is zeros.
        return fw_cfg.directory(self._by_dma([(fw_cfg.DIRECTORY_KEY, 4 + 64 * fw_cfg.ENTRY)])[0])

    def files(self, directory: tuple[fw_cfg.File, ...]) -> dict[str, bytes]:
        """Return the files that a fingerprint keeps whole."""
        wanted = [file for file in directory if file.name in FILES]
        for file in wanted:
            _bounded(file.name, file.size)
        if self._dma:
            blobs = self._by_dma([(file.key, file.size) for file in wanted])
        else:
            blobs = [self.read(file) for file in wanted]
        return {file.name: blob for file, blob in zip(wanted, blobs, strict=True)}

    def legacy_smbios(self) -> dict[str, bytes]:
        """Return what machine types up to 2.0 hand their firmware: a count and entries."""
        # No such key reads as zeros; the entries carry their own lengths.
        blob = self._bytes(_SMBIOS_LEGACY, 2)
        count = int.from_bytes(blob, "little")
        for _ in range(min(count, _MAX_LEGACY_ENTRIES)):
            header = self._next(2, [])
            size = int.from_bytes(header, "little")
            if not 2 <= size <= _MAX_LEGACY_ENTRY:
                break
            blob += header + self._next(size - 2, [])
        return {"legacy/smbios-entries": blob} if count else {}

    def read(self, file: fw_cfg.File) -> bytes:
        """Return one file, read only as far as its contents go, the rest being zeros."""
        size = _bounded(file.name, file.size)
        end = _ENDS.get(file.name)
        if self._dma:
            most = size if end is None else min(size, _FIRST_PART)
            blob = self._by_dma([(file.key, most)])[0]
            if most == size or (end is not None and end(blob) is not None):
                return blob + bytes(size - most)
            return self._by_dma([(file.key, size)])[0]
        blob = b""
        select = [self._select(file.key)]
        while len(blob) < size:
            blob += self._next(min(_SLOW_CHUNK, size - len(blob)), select)
            select = []
            if end is not None and end(blob) is not None:
                break
        return blob + bytes(size - len(blob))

    def _select(self, key: int) -> str:
        window = self._window
        if window.ports:
            return f"outw 0x{window.selector:x} 0x{key:x}"
        return f"write 0x{window.selector:x} 2 0x{key:04x}"

    def _bytes(self, key: int, size: int) -> bytes:
        return self._next(size, [self._select(key)])

    def _next(self, size: int, before: list[str]) -> bytes:
        if self._window.ports:
            one = f"inb 0x{self._window.data:x}"
        else:
            one = f"readb 0x{self._window.data:x}"
        answers = self._session.qtest([*before, *[one] * size])[len(before) :]
        try:
            # A number with leading zeros, of which the last two digits are the byte.
            blob = bytes.fromhex("".join([answer[-2:] for answer in answers]))
        except ValueError as error:
            raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no number") from error
        if len(blob) != size:
            raise EvidenceError(Reason.FAILED, "QEMU's qtest sent less than was asked for")
        return blob

    def _by_dma(self, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return so many bytes of each key: a control block in RAM, its address to the device."""
        control, data = self._window.ram, self._window.ram + 0x100000
        commands = []
        for key, size in wanted:
            # Select and read (FW_CFG_DMA_CTL_SELECT | FW_CFG_DMA_CTL_READ).
            block = (key << 16 | 0x0A).to_bytes(4, "big") + size.to_bytes(4, "big")
            block += data.to_bytes(8, "big")
            commands.append(f"write 0x{control:x} 16 0x{block.hex()}")
            commands += self._trigger(control)
            commands.append(f"b64read 0x{data:x} 0x{max(size, 1):x}")
        answers = self._session.qtest(commands)
        each = len(commands) // len(wanted) if wanted else 1
        return [
            decoded(answer, max(size, 1))[:size]
            for answer, (_, size) in zip(answers[each - 1 :: each], wanted, strict=True)
        ]

    def _trigger(self, address: int) -> list[str]:
        window = self._window
        if not window.ports:
            return [f"write 0x{window.dma:x} 8 0x{address.to_bytes(8, 'big').hex()}"]
        # The register is big-endian, a port of x86 is not.
        low = int.from_bytes((address & 0xFFFFFFFF).to_bytes(4, "big"), "little")
        return [f"outl 0x{window.dma:x} 0x0", f"outl 0x{window.dma + 4:x} 0x{low:x}"]


def _bounded(name: str, size: int) -> int:
    if size > MAX_FILE:
        raise EvidenceError(Reason.FAILED, f"QEMU serves {name} with {size} bytes")
    return size
