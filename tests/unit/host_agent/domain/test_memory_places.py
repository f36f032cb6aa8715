"""Where a machine has RAM that a firmware may leave its tables in."""

import pytest

from host_agent.domain import memory_places

MIB = 1 << 20
ARM64 = 0x40000000


@pytest.mark.parametrize(
    ("architecture", "machine", "memory", "place"),
    [
        ("x86_64", "pc-q35-10.0", 512 * MIB, (0, 512 * MIB)),
        ("x86_64", "pc-q35-10.0", 2816 * MIB, (0, 2048 * MIB)),
        ("x86_64", "pc-q35-10.0", 2815 * MIB, (0, 2815 * MIB)),
        ("x86_64", "q35", 1 << 40, (0, 2048 * MIB)),
        ("i686", "pc-i440fx-7.2", 3072 * MIB, (0, 3072 * MIB)),
        ("x86_64", "pc-i440fx-7.2", 3584 * MIB, (0, 3072 * MIB)),
        ("x86_64", "pc", 3583 * MIB, (0, 3583 * MIB)),
        ("x86_64", "pc", None, (0, 0)),
        # Of whatever type, nothing is missed.
        ("x86_64", None, 1 << 40, (0, 0xE0000000)),
        ("i386", None, None, (0, 0xE0000000)),
        ("aarch64", "virt-7.2", 512 * MIB, (ARM64, ARM64 + 512 * MIB)),
        ("aarch64", None, 1 << 40, (ARM64, ARM64 + (1 << 40))),
        ("aarch64", "virt", None, (ARM64, ARM64)),
        ("riscv64", "virt", 512 * MIB, (0x80000000, 0xA0000000)),
    ],
)
def test_where_it_is(
    architecture: str, machine: str | None, memory: int | None, place: tuple[int, int]
) -> None:
    assert memory_places.are_known(architecture)
    assert memory_places.of(architecture, memory, machine) == place


def test_of_others_it_is_not_known() -> None:
    assert not any(map(memory_places.are_known, ("ppc64", "s390x", "riscv32", "armv7l")))
