"""ACPI tables in a guest's memory: where they are looked for, and how far."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest

from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.firmware import efi_tables
from host_agent.guest import booted_acpi, low_memory
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.firmware.test_left_tables import memory, pointer
from tests.unit.host_agent.shared.cases import DEFINITION

if TYPE_CHECKING:
    from host_agent.hypervisor import Domain

MIB = 1 << 20
SIZE = 64 * MIB


@dataclass
class Memory:
    """A domain of which only memory is asked."""

    placed: dict[int, bytes]
    asked: list[tuple[int, int]] = field(default_factory=list)

    def peek_memory(self, address: int, length: int, seconds: float) -> bytes:
        assert seconds == 3
        self.asked.append((address, length))
        whole = bytearray(length)
        for at, blob in self.placed.items():
            first, last = max(at, address), min(at + len(blob), address + length)
            if first < last:
                whole[first - address : last - address] = blob[first - at : last - at]
        return bytes(whole)


def read(found: Memory, active: Definition) -> list[str] | Missing:
    tables = booted_acpi.read(cast("Domain", found), active, 3)
    return tables if isinstance(tables, Missing) else [table.signature for table in tables]


def active(firmware: str, memory_size: int = SIZE) -> Definition:
    return replace(DEFINITION, firmware=firmware, memory=memory_size, architecture="x86_64")


def test_a_bios_leaves_them_below_one_megabyte() -> None:
    found = Memory({0xE1000: pointer(extended=False), 0: memory()})
    assert read(found, active("bios")) == ["RSDT", "FACP", "FACS", "DSDT", "WAET"]
    assert found.asked[0] == (0xE0000, 0x20000)


@pytest.mark.parametrize("below", [0x1000, 27 * MIB, 2 * MIB + 16])
def test_uefi_leaves_them_below_the_top(below: int) -> None:
    """One that only looks like it does not end the search."""
    stale = pointer(extended=True, address=0x100000)
    found = Memory(
        {SIZE - below: pointer(extended=True), SIZE - 0x800: stale} | {0: memory(extended=True)}
    )
    assert read(found, active("efi")) == ["XSDT", "FACP", "FACS", "DSDT", "WAET"]
    assert all(at + length <= SIZE for at, length in found.asked)


@pytest.mark.parametrize("at", [8, 0x800018])
def test_where_it_is_on_no_boundary_efi_names_it(at: int) -> None:
    """As AAVMF has it, far below the top; entries that lead nowhere do not end the search."""
    entries = b"".join(
        efi_tables.ACPI.bytes_le + address.to_bytes(8, "little")
        for address in (0, SIZE * 2, 0x100000, at)
    )
    found = Memory({SIZE - MIB + 0x40: entries, at: pointer(extended=True)} | {0x200: b""})
    found.placed |= {0x1000: memory(extended=True)[0x1000:]}
    assert read(found, active("efi")) == ["XSDT", "FACP", "FACS", "DSDT", "WAET"]
    assert all(address + length <= SIZE for address, length in found.asked)


def test_nothing_is_there() -> None:
    found = Memory({})
    for firmware in ("bios", "efi"):
        missing = read(found, active(firmware))
        assert isinstance(missing, Missing)
        assert missing.reason is Reason.EARLY
    assert sum(length for _, length in found.asked) < 52 * MIB


def test_what_lies_outside_of_memory_is_not_read() -> None:
    found = Memory({0xE1000: pointer(extended=False, address=0xFEC00000)})
    missing = read(found, active("bios"))
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.REFUSED
    assert "0xfec00000" in missing.sentence
    assert len(found.asked) == 1


def test_slow_reading_ends() -> None:
    memory = low_memory.of(cast("Domain", Memory({})), active("efi"), 3)
    with pytest.raises(EvidenceError, match="more than 15 s"):
        replace(memory, until=0).read(0x1000, 16)


def test_a_hung_monitor_is_said() -> None:
    class Hung(Memory):
        def peek_memory(self, address: int, length: int, seconds: float) -> bytes:
            raise EvidenceError(Reason.HUNG, f"{address} {length} {seconds}")

    missing = read(Hung({}), active("efi"))
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.HUNG


def test_other_architectures_are_not_looked_at() -> None:
    for architecture, firmware in (("loongarch64", "efi"), ("aarch64", "none"), ("ppc64", "bios")):
        missing = read(Memory({}), replace(active(firmware), architecture=architecture))
        assert isinstance(missing, Missing)
        assert missing.reason is Reason.UNSUPPORTED


def test_memory_of_arm64_begins_at_one_gibibyte() -> None:
    memory = Memory({})
    missing = read(memory, replace(active("efi"), architecture="aarch64", machine="virt-7.2"))
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.EARLY
    assert memory.asked[0][0] == 0x40000000 + SIZE - MIB
    assert {at >= 0x40000000 for at, _ in memory.asked} == {True}
