"""What QEMU's firmware configuration device holds: its directory and the memory map. Pure.

Layouts are those of QEMU's docs/specs/fw_cfg.rst and ``include/standard-headers/linux/
qemu_fw_cfg.h``; the memory map's are of ``hw/i386/e820_memory_layout.h``.
"""

from dataclasses import dataclass

from host_agent.printable import printable

DIRECTORY_KEY = 0x19
MAX_FILES = 512
ENTRY = 64
_E820_ENTRY = 20
_E820_TYPES = {1: "RAM", 2: "reserved", 3: "ACPI", 4: "NVS", 5: "unusable"}


class FwCfgError(ValueError):
    """The bytes are no directory; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An entry of the directory."""

    name: str
    size: int
    """Bytes."""
    key: int
    """What a guest selects it by; it may differ from one QEMU to the next."""


def directory(raw: bytes) -> tuple[File, ...]:
    """Read the directory: a count, then 64 bytes a file, big-endian. Raises ``FwCfgError``."""
    count = int.from_bytes(raw[:4], "big")
    if len(raw) < 4 or count > MAX_FILES:
        raise FwCfgError(f"a fw_cfg directory of {count} files is none")
    if len(raw) < 4 + count * ENTRY:
        raise FwCfgError("the fw_cfg directory is cut short")
    return tuple(_file(raw[at : at + ENTRY]) for at in range(4, 4 + count * ENTRY, ENTRY))


def _file(raw: bytes) -> File:
    name = raw[8:].split(b"\0", 1)[0].decode("ascii", "backslashreplace")
    return File(
        name=printable(name),
        size=int.from_bytes(raw[:4], "big"),
        key=int.from_bytes(raw[4:6], "big"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A range of guest memory, as the file ``etc/e820`` has it."""

    start: int
    length: int
    kind: int

    def __str__(self) -> str:
        """Return for example ``0x100000000-0x13fffffff RAM``."""
        kind = _E820_TYPES.get(self.kind, f"type {self.kind}")
        if not self.length:
            return f"0x{self.start:x} empty {kind}"
        return f"0x{self.start:x}-0x{self.start + self.length - 1:x} {kind}"


def memory_map(raw: bytes) -> tuple[Range, ...]:
    """Read ``etc/e820``: 20 bytes a range, little-endian; a cut one at the end is left out."""
    return tuple(
        Range(
            start=int.from_bytes(raw[at : at + 8], "little"),
            length=int.from_bytes(raw[at + 8 : at + 16], "little"),
            kind=int.from_bytes(raw[at + 16 : at + 20], "little"),
        )
        for at in range(0, len(raw) - _E820_ENTRY + 1, _E820_ENTRY)
    )
