"""A probe of a shape, and one of the domain itself: the same bytes, from real QEMUs."""

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from host_agent.errors import EvidenceError
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import probe
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.domain_probe import DomainProbe
from host_agent.qemu.options import ProbeOptions, from_command_line
from host_agent.qemu.probe_store import FingerprintStore

if TYPE_CHECKING:
    from tests.lab.host import Host

UUIDS = "3b5c1f0e-9a77-4a10-8d5e-0c2b6f1e7a90", "ffffffff-ffff-4fff-bfff-ffffffffff01"
TYPES = (
    "pc-i440fx-2.4", "pc-i440fx-2.1", "pc-i440fx-2.0", "pc-i440fx-1.7", "pc-i440fx-7.2",
    "pc-q35-2.4", "pc-q35-7.2",
)  # fmt: skip
"""With both forms of the UUID, and some of whose firmware makes the tables itself."""


def of_nova(uuid: str, serial: str) -> tuple[str, ...]:
    arguments = (
        "-smbios", f"type=1,manufacturer=OpenStack Foundation,product=Nova,serial={serial},"
        f"uuid={uuid},family=Virtual Machine",
        "-smbios", f"type=3,asset=rack 7,, shelf {serial},serial=chassis {serial}",
        "-smbios", f"type=11,value=io.systemd.credential:id={serial},value=second",
    )  # fmt: skip
    return arguments  # noqa: RET504 - laid out in pairs


def of_a_serial(uuid: str, serial: str) -> tuple[str, ...]:
    return "-smbios", f"type=1,serial={serial},uuid={uuid}"


def plain(uuid: str, serial: str) -> tuple[str, ...]:
    return ()


def options(machine: str, vcpus: int, uuid: str, more: tuple[str, ...]) -> ProbeOptions:
    line = ("qemu", "-machine", machine, "-m", "256", "-smp", str(vcpus), "-uuid", uuid, *more)
    return from_command_line(line, "x86_64")


@pytest.fixture(params=["host_a", "host_b"])
def binary(request: pytest.FixtureRequest) -> QemuBinary:
    host: Host = request.getfixturevalue(request.param)
    return qemu_binary.installed("/usr/bin/qemu-system-x86_64", root=Path(host.root))


@pytest.mark.long("rehearsal")
def test_one_of_a_shape_is_the_domains_own(binary: QemuBinary, tmp_path: Path) -> None:
    asked = 0
    for machine, vcpus, owner in product(TYPES, (1, 5), (of_nova, of_a_serial, plain)):
        store = FingerprintStore(tmp_path / f"{machine}-{vcpus}-{owner.__name__}")
        of_shape = DomainProbe(1, store)
        for uuid, serial in zip(UUIDS, ("0c2b6f1e-7a90", "4fff-bfff-ff01"), strict=True):
            wanted = options(machine, vcpus, uuid, owner(uuid, serial))
            try:
                own = probe.probe(binary, wanted)
            except EvidenceError as error:
                # Types up to 2.0 take the fields of type 1 alone.
                assert re.search(r"unsupported machine type|machine versions < 2\.1", str(error))
                continue
            found, _ = of_shape._probed(binary, wanted)
            assert found == own, (machine, vcpus, owner.__name__)
            asked += 1
    assert asked >= 2 * 2 * 2 * 4
