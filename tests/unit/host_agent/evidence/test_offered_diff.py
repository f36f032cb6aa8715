"""What a machine offers, held against what a guest took of it, and against another machine."""

from dataclasses import replace

import pytest

from host_agent.evidence.cpuid_names import names
from host_agent.evidence.hardware import Cpu, CpuidLeaf, VirtioDevice
from host_agent.evidence.offered_diff import between, with_guest
from host_agent.evidence.rehearsal_diff import Compared, with_offers
from host_agent.evidence.rehearsed import (
    CpuWord,
    NotRehearsed,
    Rehearsed,
    RehearsedCpu,
    RehearsedVirtio,
)
from host_agent.firmware.fw_cfg import Range
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.evidence.test_rehearsal_diff import REHEARSED

SILENT = Missing(reason=Reason.SILENT, sentence="nobody answered")
NO_MODULE = Missing(reason=Reason.DENIED, sentence="the module cpuid is not loaded")
NET = RehearsedVirtio(
    address="0000:00:03.0", device="net0", kind=1, features=1 << 32 | 1 << 40, queues=(256, 256, 64)
)
DISK = RehearsedVirtio(
    address="0000:00:04.0", device="disk0", kind=2, features=1 << 32 | 1 << 9, queues=(256,)
)
VENDORS, FLAGS = CpuWord(0x80000001, 0, "EDX", 1 << 11), CpuWord(1, 0, "EDX", 0x078BFBFD)
CPU = RehearsedCpu(
    vcpus=2,
    vendor="AuthenticAMD",
    name="QEMU Virtual CPU version 2.5+ ",
    revision="6-6-3",
    words=(FLAGS, CpuWord(7, 0, "EBX", 1 << 9), CpuWord(0x40000001, 0, "EAX", 1), VENDORS),
    filtered=(),
)
OFFERS = replace(REHEARSED, virtio=(NET, DISK), cpu=CPU, memory=(Range(start=0, length=9, kind=1),))
TAKEN = (
    VirtioDevice(parent=NET.address, device_id=1, features=1 << 32, driver="virtio_net"),
    VirtioDevice(parent=DISK.address, device_id=2, features=1 << 32, driver="virtio_blk"),
)
LEAVES = (
    CpuidLeaf(leaf=1, subleaf=0, registers=(0x663, 0, 0, FLAGS.bits | 1 << 28)),
    CpuidLeaf(leaf=7, subleaf=0, registers=(0, 1 << 9, 0, 0)),
    CpuidLeaf(leaf=0x80000001, subleaf=0, registers=(0x663, 0, 2, 1 << 11)),
)
GUESTS = Cpu(
    online=1,
    present=2,
    model="QEMU Virtual CPU version 2.5+",
    vendor="AuthenticAMD",
    revision="6-6-3",
    flags=frozenset(),
    microcode=None,
    cpuid=LEAVES,
)


def held(
    virtio: tuple[VirtioDevice, ...] | Missing = TAKEN,
    cpu: Cpu | Missing = GUESTS,
    offers: Rehearsed = OFFERS,
) -> tuple[list[str], list[str]]:
    """Return what differs, and what was not compared."""
    found = with_guest(offers, virtio, cpu)
    return [str(one) for one in found.differences], found.not_compared


def test_a_guest_that_took_what_it_was_offered() -> None:
    found = with_guest(OFFERS, TAKEN, GUESTS)
    assert (found.differences, found.not_compared) == ([], [])
    assert (found.virtio, found.cpu, found.registers) == (2, True, 3)
    nothing = Compared(differences=(), tables=(), functions=0, not_compared=())
    assert with_offers(nothing, OFFERS, TAKEN, GUESTS).same == (
        "2 virtio devices, CPU and 3 CPUID registers"
    )
    assert with_offers(nothing, OFFERS, SILENT, SILENT).same == ""


def test_what_a_driver_took_and_is_not_offered() -> None:
    more = (replace(TAKEN[0], features=1 << 34), replace(TAKEN[1], features=1 << 9 | 1 << 34))
    assert held(more) == (
        [
            f"virtio {name}: feature 34 (RING_PACKED) not offered -> taken"
            for name in ("net0", "disk0")
        ],
        [],
    )
    assert held((replace(TAKEN[0], device_id=16), TAKEN[1]))[0] == [
        "virtio net0: kind network -> GPU"
    ]


def test_what_a_network_behind_decides_is_no_difference() -> None:
    found = with_guest(OFFERS, (replace(TAKEN[0], features=1 | 1 << 32), TAKEN[1]), GUESTS)
    assert found.differences == []
    assert found.virtio == 2
    assert found.not_compared == [
        "virtio: features of net0 that the network or disk behind decides on"
    ]


@pytest.mark.parametrize(
    ("virtio", "offers", "left"),
    [
        (SILENT, OFFERS, "virtio: nobody answered"),
        (TAKEN[1:], OFFERS, "virtio net0: the guest has no driver bound to it"),
        ((replace(TAKEN[0], driver=None), TAKEN[1]), OFFERS,
         "virtio net0: the guest has no driver bound to it"),
        ((*TAKEN, replace(TAKEN[0], parent="0000:00:09.0")), OFFERS,
         "virtio 0000:00:09.0: it is not in the rehearsal"),
        (TAKEN, replace(OFFERS, left_out=(NotRehearsed(what="vhost-net", stand_in="net0"),)),
         "virtio 0000:00:03.0: vhost-net can't be rehearsed"),
    ],
)  # fmt: skip
def test_virtio_that_can_not_be_compared(
    virtio: tuple[VirtioDevice, ...] | Missing, offers: Rehearsed, left: str
) -> None:
    assert held(virtio, offers=offers) == ([], [left])


def test_a_cpu_that_is_another() -> None:
    other = replace(
        GUESTS,
        present=3,
        vendor="GenuineIntel",
        model="another",
        revision="6-6-4",
        cpuid=(replace(LEAVES[1], registers=(0, 1 << 5, 0, 0)),),
    )
    assert held(cpu=other) == (
        [
            "CPU: vendor 'AuthenticAMD' -> 'GenuineIntel'",
            "CPU: name 'QEMU Virtual CPU version 2.5+' -> 'another'",
            "CPU: revision '6-6-3' -> '6-6-4'",
            "CPU: processors 2 -> 3",
            "CPU CPUID 0x7.0 EBX: features 0x00000200 -> 0x00000020 (lost erms; gained avx2)",
        ],
        [],
    )


@pytest.mark.parametrize(
    ("cpu", "offers", "left"),
    [
        (SILENT, OFFERS, "CPU: nobody answered"),
        (GUESTS, replace(OFFERS, cpu=None), "CPU: its QEMU does not tell it"),
        (GUESTS, replace(OFFERS, as_domain=False),
         "CPU: KVM can't be had for the rehearsal, and the CPU depends on it"),
        (replace(GUESTS, cpuid=NO_MODULE), OFFERS, "CPUID: the module cpuid is not loaded"),
        (replace(GUESTS, present=9), replace(
            OFFERS, left_out=(NotRehearsed(what="vCPUs to come", tables=frozenset({"APIC"})),)),
         "number of processors: vCPUs to come can't be rehearsed"),
    ],
)  # fmt: skip
def test_a_cpu_that_can_not_be_compared(cpu: Cpu | Missing, offers: Rehearsed, left: str) -> None:
    assert held(cpu=cpu, offers=offers) == ([], [left])


def test_a_hypervisors_own_leaves_and_bits_of_several_vcpus_are_not_compared() -> None:
    own = CpuidLeaf(leaf=0x40000001, subleaf=0, registers=(7, 0, 0, 0))
    assert held(cpu=replace(GUESTS, cpuid=(*LEAVES, own))) == ([], [])


def test_two_machines() -> None:
    assert list(between(OFFERS, OFFERS)) == []
    other = replace(
        OFFERS,
        virtio=(
            replace(NET, features=1 << 32, queues=(1024,) * 3),
            replace(DISK, features=1 << 32 | 1 << 9 | 1 << 16),
        ),
        cpu=replace(CPU, revision="6-6-4", words=CPU.words[2:], filtered=("avx",), vcpus=3),
        memory=(),
        files={"etc/new": 4, "etc/e820": 8},
        blocks={"pc.bios": 262144, "net.rom": 1024},
    )
    few = (FLAGS._replace(bits=1 | 1 << 15), *CPU.words[1:])
    old = replace(
        OFFERS,
        cpu=replace(CPU, words=few),
        files={"etc/e820": 4},
        blocks={"pc.bios": 131072},
    )
    assert [str(one) for one in between(old, other)] == [
        "virtio net0: feature 40 (RING_RESET) offered -> not offered",
        "virtio net0: entries of its queues 2x256 64 -> 3x1024",
        "virtio disk0: feature 16 (SECURE_ERASE) not offered -> offered",
        "CPU: processors 2 -> 3",
        "CPU: revision '6-6-3' -> '6-6-4'",
        "CPU CPUID 0x1.0 EDX: features 0x00008001 -> 0x00000000 (lost fpu cmov)",
        "CPU CPUID 0x7.0 EBX: features 0x00000200 -> 0x00000000 (lost erms)",
        "CPU: its model's feature avx given -> not to be had",
        "e820: ranges 0x0-0x8 RAM -> absent",
        "fw_cfg etc/new: file absent -> there",
        "ROM pc.bios: size 128 KiB -> 256 KiB",
    ]


@pytest.mark.parametrize(
    "other",
    [
        replace(OFFERS, virtio=(NET,)),
        replace(OFFERS, cpu=None),
        replace(OFFERS, cpu=replace(CPU, words=()), accelerator="kvm"),
        replace(
            OFFERS,
            virtio=(replace(NET, kind=5), DISK),
            left_out=(NotRehearsed(what="vhost-net", stand_in="net0"),),
        ),
    ],
)
def test_what_only_one_tells_is_no_difference(other: Rehearsed) -> None:
    assert list(between(OFFERS, other)) == []


def test_a_device_of_another_kind() -> None:
    other = replace(OFFERS, virtio=(replace(NET, kind=4, features=0), DISK))
    assert [str(one) for one in between(OFFERS, other)] == ["virtio net0: kind network -> entropy"]


def test_a_feature_without_a_name_has_a_number() -> None:
    assert names(1, 0, "EDX", 1 << 10 | 1 << 28) == ("bit 10", "ht")
    assert names(0x99, 0, "EAX", 1 << 31) == ("bit 31",)
    assert names(0x7, 0, "EBX", 1 << 5) == ("avx2",)
