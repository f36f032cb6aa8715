"""Where a guest's entry point may send the host to: into the guest's memory, and nowhere else."""

import pytest

from host_agent.firmware.smbios import MAX_TABLES, EntryPoint
from host_agent.guest.booted_tables import outside

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
    wrong = outside(EntryPoint(raw=b"", address=address, length=length), memory)
    assert (wrong is None) is (said is None)
    assert (said or "") in (wrong or "")
