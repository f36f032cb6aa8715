"""How the configuration of a PCI function is accessed from outside, as qtest commands. Pure.

A PC has ports for it (PCI 3.0, 3.2.2.3.2, mechanism 1); other machines have a window in memory, of
4 KiB a function (PCI Express 5.0, 7.2.2), and their ACPI table MCFG says where (PCI Firmware 3.2,
4.1.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from host_agent.domain import memory_places
from host_agent.firmware.acpi import HEADER, Table
from host_agent.qemu.pci_header import Place

_LETTERS = {1: "b", 2: "w", 4: "l"}
_RESERVED, _ENTRY = 8, 16


@dataclass(frozen=True, slots=True)
class Mechanism1:
    """By two ports."""

    ports: bool = True
    """Whether the machine has I/O ports for its devices as well."""

    def access(self, place: Place, at: int, size: int, value: int | None = None) -> tuple[str, ...]:
        """Return the commands, of which the last one reads, or writes ``value``."""
        base = 0x80000000 | place.bus << 16 | place.slot << 11 | place.function << 8
        port = f"{_LETTERS[size]} 0x{0xCFC + (at & 3):x}"
        access = f"in{port}" if value is None else f"out{port} 0x{value:x}"
        return (f"outl 0xcf8 0x{base | at & 0xFC:x}", access)


@dataclass(frozen=True, slots=True)
class Window:
    """By a window in memory."""

    base: int
    ports: bool = False

    def access(self, place: Place, at: int, size: int, value: int | None = None) -> tuple[str, ...]:
        """Return the commands, of which the last one reads, or writes ``value``."""
        address = self.base + (place.bus << 20 | place.slot << 15 | place.function << 12) + at
        register = f"{_LETTERS[size]} 0x{address:x}"
        return (f"read{register}" if value is None else f"write{register} 0x{value:x}",)


Config = Mechanism1 | Window
"""A way to the configuration of every function."""


def of(architecture: str, tables: Iterable[Table]) -> Config | None:
    """Return the way of a machine with these ACPI tables; None: no table names one."""
    return Mechanism1() if architecture in memory_places.PC else _window(tables)


def _window(tables: Iterable[Table]) -> Window | None:
    """Return the window of the first segment; None: no table names one."""
    for table in tables:
        if table.signature == "MCFG":
            at = HEADER + _RESERVED
            entry = table.raw[at : at + _ENTRY]
            if len(entry) == _ENTRY and not any(entry[8:10]):
                # The address is that of bus 0, whichever the first one is.
                return Window(int.from_bytes(entry[:8], "little"))
    return None
