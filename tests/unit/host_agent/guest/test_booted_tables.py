"""Where a guest's entry point may send the host to: into the guest's memory, and nowhere else."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from host_agent.domain import memory_places
from host_agent.firmware.smbios import MAX_TABLES, EntryPoint, Smbios
from host_agent.guest.booted_tables import outside, read, search
from host_agent.missing import Missing, Reason
from tests import smbios_builder
from tests.integration.scripted_qemu import SMBIOS_AT, left_by_firmware
from tests.smbios_builder import entry_point, entry_point_64
from tests.unit.host_agent.guest.test_booted_acpi import SIZE, Memory, active

if TYPE_CHECKING:
    from host_agent.hypervisor import Domain

_MIB, _GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("address", "length", "memory", "said"),
    [
        (0xF5A80, 388, 512 * _MIB, None),
        # SeaBIOS puts what is longer than 600 bytes to the top of low memory.
        (0x1FFFF000, 0x800, 512 * _MIB, None),
        (0xBFFFF380, 0x9C0, 4 * _GIB, None),
        (0xBFFFF380, 0x9C0, None, None),
        (512 * _MIB - 388, 388, 512 * _MIB, None),
        (512 * _MIB - 387, 388, 512 * _MIB, "outside of the guest's memory"),
        (0xDFFFFF00, 0x100, 8 * _GIB, None),
        (0xDFFFFF00, 0x101, 8 * _GIB, "outside of the guest's memory"),
        # A PC's devices, and what lies above 4 GiB, where no firmware of a PC has tables.
        (0xFEE00000, 388, 8 * _GIB, "said to lie at 0xfee00000"),
        (5 * _GIB, 388, 8 * _GIB, "outside of the guest's memory"),
        ((1 << 64) - 1, 388, None, "outside of the guest's memory"),
        (0x100000, MAX_TABLES, 512 * _MIB, None),
        (0x100000, MAX_TABLES + 1, 512 * _MIB, "more than 262144"),
        (0x100000, (1 << 32) - 1, 8 * _GIB, "4294967295 bytes"),
    ],
)
def test_only_the_guests_memory_is_read(
    address: int, length: int, memory: int | None, said: str | None
) -> None:
    entry = EntryPoint(raw=b"", address=address, length=length)
    wrong = outside(entry, *memory_places.of("x86_64", memory))
    assert (wrong is None) is (said is None)
    assert (said or "") in (wrong or "")


@pytest.mark.parametrize(
    "at", [0xF5000, 0x1000000, SIZE - len(left_by_firmware()[SMBIOS_AT + 0x20])]
)
def test_a_bios_tables_are_read_where_its_entry_point_says(at: int) -> None:
    tables = left_by_firmware()[SMBIOS_AT + 0x20]
    memory = Memory({0xF0010: entry_point(len(tables), at), at: tables})
    seen = read(cast("Domain", memory), active("bios"), 3)
    assert isinstance(seen, Smbios)
    assert seen.tables == tables


def test_a_firmware_of_its_own_is_not_called_early() -> None:
    """Who waits for a BIOS that is none waits for ever."""
    own = replace(active("bios"), loader="/srv/OVMF.fd")
    for definition, reason in ((own, Reason.UNSUPPORTED), (active("bios"), Reason.EARLY)):
        missing = read(cast("Domain", Memory({})), definition, 3)
        assert isinstance(missing, Missing)
        assert missing.reason is reason


def test_nothing_is_looked_for_where_no_firmware_is() -> None:
    for architecture, firmware, said in (
        ("aarch64", "none", "no firmware"),
        ("s390x", "bios", "s390x guests have no SMBIOS"),
        ("loongarch64", "efi", "nowhere fixed"),
    ):
        definition = replace(active(firmware), architecture=architecture)
        for ask in (read, search):
            missing = ask(cast("Domain", Memory({})), definition, 3)
            assert isinstance(missing, Missing)
            assert missing.reason is Reason.UNSUPPORTED
            assert ask is search or said in missing.sentence


def found(memory: Memory, firmware: str = "efi") -> Smbios | Missing:
    return search(cast("Domain", memory), active(firmware), 3)


ANCHOR, TABLES = left_by_firmware()[SMBIOS_AT], left_by_firmware()[SMBIOS_AT + 0x20]
BELOW = SIZE - 27 * _MIB
"""A page that is as far below the top as OVMF's were seen to be."""


def test_uefi_guests_tables_are_found_by_their_entry_point() -> None:
    # What only looks like one, or names what is no tables, does not end the search.
    wrong = bytes([*ANCHOR[:4], ANCHOR[4] ^ 1, *ANCHOR[5:]])
    elsewhere = bytearray(ANCHOR)
    elsewhere[0x18:0x1C] = (SIZE - 0x2000).to_bytes(4, "little")
    elsewhere[4] = 0
    elsewhere[4] = -sum(elsewhere) % 256
    memory = Memory(
        {
            SIZE - 0x1000: wrong,
            SIZE - 0x3000: bytes(elsewhere),
            SIZE - 0x4FF0: ANCHOR,
            BELOW: ANCHOR,
            SMBIOS_AT + 0x20: TABLES,
        }
    )
    tables = found(memory)
    assert isinstance(tables, Smbios)
    assert tables.tables == TABLES
    assert all(at + length <= SIZE for at, length in memory.asked)


def test_where_none_are_it_may_be_early() -> None:
    missing = found(Memory({}))
    assert isinstance(missing, Missing)
    assert missing.reason is Reason.EARLY
    assert isinstance(found(Memory({BELOW: ANCHOR, SMBIOS_AT + 0x20: TABLES}), "bios"), Missing)


def test_memory_of_arm64_begins_at_one_gibibyte() -> None:
    """What lies below is devices: nothing is read there at a guest's word."""
    tables = smbios_builder.tables()
    bottom, top = memory_places.of("aarch64", SIZE)
    arm64 = replace(active("efi"), architecture="aarch64", machine="virt-7.2")
    for place, reason in ((bottom + 64, None), (0x9000000, Reason.EARLY), (top, Reason.EARLY)):
        memory = Memory({top - 3 * _MIB: entry_point_64(len(tables), place), place: tables})
        seen = search(cast("Domain", memory), arm64, 3)
        assert (seen.reason if isinstance(seen, Missing) else None) is reason
        assert all(bottom <= at and at + length <= top for at, length in memory.asked)
