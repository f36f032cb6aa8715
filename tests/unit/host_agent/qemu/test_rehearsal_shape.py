"""Domains of one shape share a rehearsal, and each gets its own tables of it."""

import shlex
from uuid import UUID

from host_agent.evidence.rehearsed import Rehearsed
from host_agent.firmware import smbios
from host_agent.qemu import rehearsal_shape
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain

ONE, OTHER = (
    UUID("00112233-4455-6677-8899-aabbccddeeff"), UUID("5b0c8a3e-6f6d-4b7e-8d8c-0d1f2e3a4b5c"),
)  # fmt: skip


def domain(uuid: UUID, mac: str, serial: str, slot: str = "0x3") -> RehearsalOptions:
    line = f"""qemu -machine pc-q35-9.0 -accel tcg -m 512 -smp 1 -uuid {uuid}
-netdev user,id=a -device '{{"driver":"e1000","netdev":"a","id":"net0","mac":"{mac}","addr":"{slot}"}}'
-blockdev driver=file,filename=/x,node-name=d -device nvme,drive=d,id=n,serial={serial}
-blockdev driver=file,filename=/y,node-name=e -device scsi-hd,drive=e,id=e,wwn=0x{serial}
-device vmgenid,guid={uuid},id=vmgenid0"""  # noqa: E501 - as libvirt writes it
    return from_domain(shlex.split(line), "x86_64")


def tables(uuid: UUID) -> bytes:
    system = bytes([1, 27, 0, 1, 1, 1, 1, 0]) + uuid.bytes_le + bytes(3)
    return system + b"QEMU\0\0" + bytes([127, 4, 0, 0x7F, 0, 0])


def test_what_is_a_domains_own_makes_no_other_shape() -> None:
    one, _ = rehearsal_shape.of(domain(ONE, "52:54:00:00:00:01", "1234567890"))
    other, _ = rehearsal_shape.of(domain(OTHER, "52:54:00:00:00:02", "0987654321"))
    assert one == other
    words = " ".join(one.command())
    for own in (str(ONE), "52:54", "1234567890"):
        assert own not in words
    assert "nvme,drive=d,id=n,serial=s" in words


def test_another_place_is_another_shape() -> None:
    one, _ = rehearsal_shape.of(domain(ONE, "52:54:00:00:00:01", "1"))
    other, _ = rehearsal_shape.of(domain(ONE, "52:54:00:00:00:01", "1", slot="0x4"))
    assert one != other


def test_each_gets_its_own_tables() -> None:
    _, shape = rehearsal_shape.of(domain(ONE, "52:54:00:00:00:01", "1"))
    stand_in = UUID("e7b19f52-c3a8-4d06-917e-5a64f0b2d83c")
    shared = Rehearsed(
        qemu="9.0",
        accelerator="tcg",
        smbios=smbios.parse(b"", tables(stand_in), "test"),
        masked=frozenset(),
        acpi=(),
        pci=(),
        left_out=(),
        as_domain=True,
    )
    found = rehearsal_shape.filled(shared, shape)
    assert found is not None
    assert found.smbios is not None
    assert found.smbios.tables == tables(ONE)
    assert found.smbios.named.uuid == ONE
