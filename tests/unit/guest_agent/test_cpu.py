"""Group cpu: /proc/cpuinfo of all architectures, and the walk over live CPUID."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import cpu, cpuid
from guest_agent.evidence.cpuid import Registers
from samemachine.v1 import guest_pb2
from tests.unit.guest_agent import trees

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: Intel Xeon Processor (Skylake, IBRS)
stepping\t: 4
microcode\t: 0x1
flags\t\t: fpu vme de fpu hypervisor
bugs\t\t:
power management:

processor\t: 1
vendor_id\t: another
flags\t\t: none
"""
ARM64 = """processor\t: 0
BogoMIPS\t: 125.00
Features\t: fp asimd evtstrm
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd07
CPU revision\t: 0

processor\t: 1
"""
PPC64 = """processor\t: 0
cpu\t\t: POWER9 (architected), altivec supported
clock\t\t: 2200.000000MHz
revision\t: 2.2 (pvr 004e 1202)

timebase\t: 512000000
machine\t\t: CHRP IBM pSeries (emulated by qemu)
"""
S390X = """vendor_id       : IBM/S390
# processors    : 2
bogomips per cpu: 3033.00
max thread id   : 0
features\t: esan3 zarch stfle msa
facilities      : 0 1 2 3
processor 0: version = 00,  identification = 2733E8,  machine = 2964

cpu number      : 0
"""


@pytest.mark.parametrize(
    ("text", "model", "vendor", "revision", "flags"),
    [
        (X86, "Intel Xeon Processor (Skylake, IBRS)", "GenuineIntel", "6-85-4",
         ["de", "fpu", "hypervisor", "vme"]),
        (ARM64, "", "0x41", "0x41-0x0-0xd07-0", ["asimd", "evtstrm", "fp"]),
        (PPC64, "POWER9 (architected), altivec supported", "", "2.2 (pvr 004e 1202)", []),
        (S390X, "2964", "IBM/S390", "00",
         ["esan3", "facility-0", "facility-1", "facility-2", "facility-3", "msa", "stfle",
          "zarch"]),
        ("", "", "", "", []),
    ],
    ids=["x86", "arm64", "ppc64el", "s390x", "empty"],
)  # fmt: skip
def test_cpuinfo(text: str, model: str, vendor: str, revision: str, flags: list[str]) -> None:
    group = cpu.parse(text, "0-1\n", "0-3\n")
    assert (group.model_name, group.vendor, group.revision) == (model, vendor, revision)
    assert list(group.flags) == flags
    assert (group.online, group.present) == (2, 4)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0\n", 1), ("0-3", 4), ("0,2,4-5", 4), ("0-1023", 1024), ("1048575", 1)],
)
def test_a_list_of_processors(text: str, number: int) -> None:
    assert cpu.count(text) == number


@pytest.mark.parametrize("text", ["", "\n", "x", "0-", "3-1", "-1", "0,,1", "0-9999999", "0" * 99])
def test_what_lists_no_processors(text: str) -> None:
    with pytest.raises(EvidenceError, match="lists no processors") as caught:
        cpu.count(text)
    assert caught.value.reason is AbsenceReason.FAILED


@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(st.sampled_from((X86 + S390X).splitlines(keepends=True)), max_size=20).map(
            "".join
        ),
    ),
    st.text(alphabet="0123456789,-\n", max_size=20),
)
def test_no_text_breaks_cpu(cpuinfo: str, online: str) -> None:
    try:
        assert cpu.parse(cpuinfo, online, online).SerializeToString()
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED


def test_flags_are_bounded() -> None:
    group = cpu.parse("flags: " + " ".join(f"{'x' * 90}{n}" for n in range(9000)), "0")
    assert len(group.flags) == 1
    group = cpu.parse("flags: " + " ".join(f"x{n}" for n in range(9000)), "0")
    assert len(group.flags) == 1024


def test_of_a_large_machine_only_the_first_processor_is_read(tmp_path: Path) -> None:
    trees.write(tmp_path, "proc/cpuinfo", X86 * 5000)
    trees.write(tmp_path, "sys/devices/system/cpu/online", "0-4999\n")
    group = cpu.read(tmp_path)
    assert (group.revision, group.online, group.present) == ("6-85-4", 5000, 0)


@pytest.mark.parametrize(
    ("cpuinfo", "reason", "words"),
    [
        (X86, guest_pb2.ABSENCE_REASON_UNREADABLE, "module cpuid is not loaded"),
        (ARM64, guest_pb2.ABSENCE_REASON_ABSENT, "no CPUID"),
    ],
)
def test_want_of_live_cpuid_costs_nothing_else(
    tmp_path: Path, cpuinfo: str, reason: int, words: str
) -> None:
    trees.write(tmp_path, "proc/cpuinfo", cpuinfo)
    trees.write(tmp_path, "sys/devices/system/cpu/online", "0\n")
    group = cpu.read(tmp_path)
    assert group.online == 1
    assert not group.live_cpuid
    assert group.live_cpuid_absence.group == guest_pb2.EVIDENCE_GROUP_CPU
    assert group.live_cpuid_absence.reason == reason
    assert words in group.live_cpuid_absence.detail


def test_a_device_that_is_none_is_said_or_bounded(tmp_path: Path) -> None:
    trees.write(tmp_path, "proc/cpuinfo", X86)
    trees.write(tmp_path, "sys/devices/system/cpu/online", "0\n")
    device = tmp_path / "dev/cpu/0/cpuid"
    trees.write(tmp_path, "dev/cpu/0/cpuid", b"short")
    assert "cut answer" in cpu.read(tmp_path).live_cpuid_absence.detail
    device.unlink()
    device.mkdir()
    assert "can't be read" in cpu.read(tmp_path).live_cpuid_absence.detail
    device.rmdir()
    # Any larger file will do: its bytes are answers, and the walk ends.
    with device.open("wb") as file:
        file.write(bytes([0x20]) + b"\0" * 200)
        file.truncate(1 << 40)
    group = cpu.read(tmp_path)
    assert 0 < len(group.live_cpuid) <= cpuid.MAX_ANSWERS


# leaf, subleaf → EAX, EBX, ECX, EDX; what is not here is all zero
INTEL = {
    (0x0, 0): (0x14, 0x756E6547, 0x6C65746E, 0x49656E69),
    (0x4, 0): (0x21, 0, 0, 0), (0x4, 1): (0x22, 0, 0, 0), (0x4, 2): (0x43, 0, 0, 0),
    (0x7, 0): (2, 0x9C0FBB, 0, 0), (0x7, 1): (0x1C30, 0, 0, 0), (0x7, 2): (0, 0, 0, 0x17),
    (0xB, 0): (1, 2, 0x100, 0), (0xB, 1): (4, 8, 0x201, 0), (0xB, 2): (0, 0, 0x002, 0),
    (0xD, 0): (0x207, 0x340, 0xA88, 0), (0xD, 1): (0xF, 0, 0x100, 0),
    (0x12, 0): (0, 0, 0, 0), (0x12, 2): (0x1, 0, 0, 0), (0x12, 3): (0, 0, 0, 0),
    (0x14, 0): (1, 0, 0, 0),
    (0x40000000, 0): (0x40000006, 0x7263694D, 0x666F736F, 0x76482074),
    (0x40000100, 0): (0x40000101, 0x4B4D564B, 0x564B4D56, 0x0000004D),
    (0x80000000, 0): (0x80000004, 0, 0, 0),
}  # fmt: skip


def intel(leaf: int, subleaf: int) -> Registers:
    return Registers(*INTEL.get((leaf, subleaf), (0, 0, 0, 0)))


def test_the_walk_asks_for_what_there_is() -> None:
    found: dict[int, list[int]] = {}
    for entry in cpuid.walk(intel):
        found.setdefault(entry.leaf, []).append(entry.subleaf)
    subleaves = {leaf: numbers for leaf, numbers in found.items() if len(numbers) > 1}
    assert subleaves == {
        0x4: [0, 1, 2],
        0x7: [0, 1, 2],
        0xB: [0, 1],
        0xD: [0, 1, 2, 8, 9],
        0x12: [0, 1, 2],
        0x14: [0, 1],
    }
    assert list(found) == [
        *range(0x15),
        *range(0x40000000, 0x40000007),
        0x40000100,
        0x40000101,
        *range(0x80000000, 0x80000005),
    ]


@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(
                [0, 4, 7, 0xB, 0xD, 0x10, 0x12, 0x1F, 0x40000000, 0x80000000, 0x80000020]
            ),
            st.integers(0, 63),
        ),
        st.tuples(*[st.integers(0, (1 << 32) - 1)] * 4),
    ),
    st.tuples(*[st.integers(0, (1 << 32) - 1)] * 4),
)
def test_no_answers_make_the_walk_long(
    answers: dict[tuple[int, int], tuple[int, int, int, int]], rest: tuple[int, int, int, int]
) -> None:
    asked: list[int] = []

    def ask(leaf: int, subleaf: int) -> Registers:
        asked.append(leaf)
        return Registers(*answers.get((leaf, subleaf), rest))

    found = cpuid.walk(ask)
    assert len(found) <= cpuid.MAX_ANSWERS
    assert len(asked) <= 2 * cpuid.MAX_ANSWERS
    assert [(entry.leaf, entry.subleaf) for entry in found] == sorted(
        {(entry.leaf, entry.subleaf) for entry in found}
    )


@pytest.mark.skipif(
    not os.access("/dev/cpu/0/cpuid", os.R_OK), reason="no module cpuid, or not root"
)
def test_the_processor_of_this_machine() -> None:
    first, *rest = cpuid.read()
    assert first.leaf == 0
    assert rest[0].leaf == 1
    assert {entry.leaf for entry in rest} > {0x80000000, 0x80000001}
