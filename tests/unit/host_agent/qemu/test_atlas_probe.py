"""Which machine types of a QEMU are kept in an atlas."""

import pytest

from host_agent.qemu.atlas_probe import chosen as of_offer
from host_agent.qemu.machine_list import ListedMachine, MachineList

NAMES = "none", "virt", "sifive_u", "virt-10.0", "raspi4b", "pseries-10.0", "s390-ccw-virtio-9.2"


def chosen(architecture: str, *names: str) -> list[str]:
    machines = (
        ListedMachine(name=name, alias=None, default=False, deprecated=False) for name in names
    )
    offer = MachineList(
        version="10.0.13",
        package=None,
        architecture=architecture,
        machines=tuple(machines),
        devices=frozenset(),
    )
    return [one.name for one in of_offer(offer, (), "qemu")]


@pytest.mark.parametrize(
    ("architecture", "names", "kept"),
    [
        ("aarch64", NAMES, ["virt", "virt-10.0", "pseries-10.0", "s390-ccw-virtio-9.2"]),
        # One board for all versions of QEMU: it is what guests have.
        ("riscv64", ("none", "virt", "sifive_u", "spike"), ["virt"]),
        ("loongarch64", ("none", "virt"), ["virt"]),
        ("x86_64", ("none", "isapc", "microvm", "pc-q35-7.2"), ["isapc", "microvm", "pc-q35-7.2"]),
    ],
)
def test_versioned_types_and_the_board_that_has_no_versions(
    architecture: str, names: tuple[str, ...], kept: list[str]
) -> None:
    assert chosen(architecture, *names) == kept
