"""The configuration of a PCI function: by ports, and by a window in memory."""

from host_agent.firmware.acpi import Table
from host_agent.qemu import pci_config
from host_agent.qemu.pci_config import Mechanism1, Window
from host_agent.qemu.pci_header import Place

PLACE = Place(2, 3, 1)


def mcfg(base: int, segment: int = 0, *, entries: int = 1) -> Table:
    entry = base.to_bytes(8, "little") + segment.to_bytes(2, "little") + bytes([0, 255]) + bytes(4)
    body = bytes(8) + entry * entries
    length = 36 + len(body)
    return Table(offset=0, raw=b"MCFG" + length.to_bytes(4, "little") + bytes(28) + body)


def test_ports() -> None:
    config = pci_config.of("x86_64", ())
    assert isinstance(config, Mechanism1)
    assert config.ports
    assert config.access(PLACE, 0x41, 2) == ("outl 0xcf8 0x80021940", "inw 0xcfd")
    assert config.access(PLACE, 4, 1, 7) == ("outl 0xcf8 0x80021904", "outb 0xcfc 0x7")


def test_a_window() -> None:
    config = pci_config.of("aarch64", [mcfg(0x4010000000)])
    assert isinstance(config, Window)
    assert config.base == 0x4010000000
    assert not config.ports
    assert config.access(PLACE, 0x41, 2) == ("readw 0x4010219041",)
    assert config.access(PLACE, 4, 4, 7) == ("writel 0x4010219004 0x7",)


def test_without_a_table_there_is_no_way() -> None:
    for tables in ((), [mcfg(1, segment=1)], [mcfg(1, entries=0)]):
        assert pci_config.of("aarch64", tables) is None
