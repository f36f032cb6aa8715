"""Reports as large as the contract allows, in which everything differs from another such report."""

from collections.abc import Callable

from samemachine.v1 import guest_pb2
from tests.unit.host_agent.shared.cases import report, smbios

Fill = Callable[[guest_pb2.Report, int, str], None]
"""Fills a group of a report with so many things, all of them with a mark."""


def pci(found: guest_pb2.Report, number: int, mark: str) -> None:
    del found.pci.functions[:]
    for at in range(number):
        found.pci.functions.add(
            address=f"{at >> 8:04x}:{at & 255:02x}:00.0",
            vendor=ord(mark),
            device=at,
            subsystem_vendor=1,
            subsystem_device=2,
            class_code=0x020000,
            bridge="0000:00:00.0",
        )


def moved(found: guest_pb2.Report, number: int, mark: str) -> None:
    """Each function is there, and elsewhere."""
    pci(found, number, "m")
    for one in found.pci.functions:
        one.address = f"{ord(mark):04x}{one.address}"


def virtio(found: guest_pb2.Report, number: int, mark: str) -> None:
    del found.virtio.devices[:]
    for at in range(min(number, 2048)):
        found.virtio.devices.add(parent=f"bus{at}", device_id=1, features=ord(mark), driver="x")


def network(found: guest_pb2.Report, number: int, mark: str) -> None:
    del found.network.interfaces[:]
    for at in range(min(number, 2048)):
        found.network.interfaces.add(
            mac=f"52:54:00:{ord(mark):02x}:{at >> 8:02x}:{at & 255:02x}",
            parent=f"bus{at}",
            name=f"eth{at}",
            driver="d",
        )


def block(found: guest_pb2.Report, number: int, mark: str) -> None:
    del found.block.devices[:]
    for at in range(number):
        found.block.devices.add(
            serial=f"{mark}-serial-{at}",
            wwn=f"wwn.{mark}{at}",
            parent="0000:00:05.0",
            unit=f"0:{at}:0",
            name=f"sd{at}",
            size_bytes=at + ord(mark),
            logical_block_bytes=512,
        )


def same_disks(found: guest_pb2.Report, number: int, mark: str) -> None:
    """All disks have one name: nothing tells them apart but their places."""
    block(found, number, mark)
    for one in found.block.devices:
        one.serial, one.wwn, one.unit = "same", "", ""


def cpu(found: guest_pb2.Report, number: int, mark: str) -> None:
    del found.cpu.live_cpuid[:], found.cpu.flags[:]
    for at in range(min(number, 1024)):
        found.cpu.live_cpuid.add(leaf=at + 0x100, eax=ord(mark), ebx=at)
        found.cpu.flags.append(f"{mark}flag{at}")


def acpi(found: guest_pb2.Report, number: int, mark: str) -> None:
    del found.acpi.tables[:]
    for at in range(min(number, 256)):
        digest = mark.encode() * 32
        found.acpi.tables.add(signature=f"SSDT{at}", length=at, sha256=digest)


def structures(found: guest_pb2.Report, number: int, mark: str) -> None:
    """Memory devices of which every byte differs."""
    body = mark.encode() * 23
    many = b"".join(
        bytes([17, 27, at & 255, at >> 8]) + body + mark.encode() + b"\0\0"
        for at in range(min(2 * number, 8000))
    )
    found.smbios_booted.tables = many + smbios().tables
    found.smbios_live.tables = found.smbios_booted.tables


FILLS: tuple[Fill, ...] = (
    pci, moved, virtio, network, block, same_disks, cpu, acpi, structures
)  # fmt: skip


def large(fill: Fill, number: int, mark: str) -> guest_pb2.Report:
    """Return a whole report with one group filled."""
    found = report("q35")
    found.smbios_booted.tables = found.smbios_live.tables = smbios().tables
    fill(found, number, mark)
    return found
