"""The groups acpi, platform, memory and clock, and the strings of all groups."""

import hashlib
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import acpi, clock, memory, platform
from guest_agent.evidence.strings import clean
from samemachine.acpi_content import content
from tests.unit.guest_agent import trees

TABLES = "sys/firmware/acpi/tables"


def table(signature: bytes, body: bytes = b"") -> bytes:
    header = struct.pack(
        "<4sIBB6s8sI4sI", signature, 36 + len(body), 1, 0, b"BOCHS ", b"BXPC    ", 1, b"BXPC", 1
    )
    whole = bytearray(header + body)
    whole[9] = -sum(whole) & 0xFF
    return bytes(whole)


def facp(facs: int, dsdt: int, other: int = 0) -> bytes:
    return table(
        b"FACP",
        struct.pack("<II", facs, dsdt)
        + bytes([other])
        + bytes(87)
        + struct.pack("<QQ", facs, dsdt)
        + bytes(96),
    )


def test_the_digests_of_a_table() -> None:
    raw = table(b"SSDT", b"aml")
    entry = acpi.parse("SSDT1", raw)
    assert (entry.signature, entry.length) == ("SSDT1", 39)
    assert entry.sha256 == hashlib.sha256(raw).digest()


def test_a_table_that_only_moved_has_the_same_content() -> None:
    here, there = acpi.parse("FACP", facp(0x1000, 0x1040)), acpi.parse("FACP", facp(0, 0x99999))
    assert here.sha256 != there.sha256
    assert here.content_sha256 == there.content_sha256
    assert here.content_sha256 != acpi.parse("FACP", facp(0x1000, 0x1040, 1)).content_sha256


def test_what_the_system_writes_into_facs_is_no_content() -> None:
    def facs(hardware: int, lock: int) -> bytes:
        return struct.pack("<4sIIII", b"FACS", 64, hardware, 7, lock) + bytes(44)

    assert content(facs(1, 0)) == content(facs(1, 3))
    assert content(facs(1, 0)) != content(facs(2, 0))


@given(st.sampled_from(["FACP", "FACS", "BGRT", "TPM2", "DSDT", "é"]), st.binary(max_size=160))
def test_no_bytes_break_a_table(name: str, rest: bytes) -> None:
    data = name.encode()[:4] + rest
    assert len(content(data)) == len(data)
    try:
        assert acpi.parse(name, data).length == len(data)
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED


def test_folders_are_no_tables(tmp_path: Path) -> None:
    trees.write(tmp_path, f"{TABLES}/SSDT2", table(b"SSDT", b"x"))
    trees.write(tmp_path, f"{TABLES}/DSDT", table(b"DSDT", b"x" * 300_000))
    trees.write(tmp_path, f"{TABLES}/dynamic/SSDT9", table(b"SSDT"))
    assert [entry.signature for entry in acpi.read(tmp_path).tables] == ["DSDT", "SSDT2"]
    trees.write(tmp_path, f"{TABLES}/DSDT", table(b"DSDT", b"x" * (4 << 20)))
    with pytest.raises(EvidenceError, match="longer than"):
        acpi.read(tmp_path)


SYSINFO = """Manufacturer:         IBM
Type:                 2964
LPAR Name:            KVM01
VM00 Name:            guest
VM00 Control Program: KVM/Linux
VM00 UUID:            00112233-4455-6677-8899-aabbccddeeff
VM00 Name:            twice

no colon
"""


def test_sysinfo() -> None:
    found = platform.parse_sysinfo(SYSINFO)
    assert found["VM00 Name"] == "guest"
    assert found["VM00 UUID"] == "00112233-4455-6677-8899-aabbccddeeff"
    assert len(found) == 6


def test_sysinfo_is_bounded() -> None:
    found = platform.parse_sysinfo("".join(f"{n}: {'x' * 900}\n" for n in range(900)))
    assert len(found) == 256
    assert {len(value) for value in found.values()} == {512}


def test_sysinfo_of_a_machine_with_many_processors(tmp_path: Path) -> None:
    # Of a real one, Linux (stsi_1_2_2) prints a line for each processor, before the guest's own.
    head, guest = SYSINFO.split("VM00", 1)
    each = "".join(f"Adjustment {number:02}-way:    40000\n" for number in range(2, 300))
    trees.write(tmp_path, "proc/sysinfo", f"{head}{each}VM00{guest}")
    found = platform.read(tmp_path).sysinfo
    assert dict(found) == platform.parse_sysinfo(SYSINFO)


def test_sysinfo_that_can_not_be_read_is_said(tmp_path: Path) -> None:
    trees.write(tmp_path, "proc/sysinfo", "x" * (1 << 20))
    with pytest.raises(EvidenceError) as caught:
        platform.read(tmp_path)
    assert caught.value.reason is AbsenceReason.FAILED


def test_a_device_tree(tmp_path: Path) -> None:
    tree = "sys/firmware/devicetree/base"
    trees.write(tmp_path, f"{tree}/model", b"IBM pSeries (emulated by qemu)\0")
    trees.write(tmp_path, f"{tree}/compatible", b"qemu,pseries\0linux,dummy\0")
    trees.write(tmp_path, f"{tree}/vm,uuid", b"00112233-4455-6677-8899-AABBCCDDEEFF\0")
    trees.write(tmp_path, f"{tree}/ibm,partition-name", b"vm1\0")
    group = platform.read(tmp_path)
    assert group.device_tree_name == "vm1"
    assert group.device_tree_model == "IBM pSeries (emulated by qemu)"
    assert list(group.device_tree_compatible) == ["qemu,pseries", "linux,dummy"]
    assert group.device_tree_uuid == "00112233-4455-6677-8899-aabbccddeeff"


def test_s390x(tmp_path: Path) -> None:
    trees.write(tmp_path, "proc/sysinfo", SYSINFO)
    assert platform.read(tmp_path).sysinfo["Type"] == "2964"


@pytest.mark.parametrize("properties", [{}, {"compatible": b""}, {"model": b"\0\0"}])
def test_a_tree_without_identity_is_none(properties: dict[str, bytes]) -> None:
    with pytest.raises(EvidenceError) as caught:
        platform.parse(properties, None)
    assert caught.value.reason is AbsenceReason.ABSENT


@given(
    st.dictionaries(st.sampled_from(platform._PROPERTIES), st.binary(max_size=80)),
    st.text(max_size=200),
)
def test_nothing_breaks_the_platform(properties: dict[str, bytes], sysinfo: str) -> None:
    try:
        assert platform.parse(properties, sysinfo).SerializeToString()
    except EvidenceError as error:
        assert error.reason is AbsenceReason.ABSENT


MEMINFO = "MemTotal:        2040508 kB\nMemFree:         100 kB\n"


def test_memory(tmp_path: Path) -> None:
    blocks = "sys/devices/system/memory"
    trees.write(tmp_path, "proc/meminfo", MEMINFO)
    group = memory.read(tmp_path)
    assert (group.total_bytes, group.online_bytes) == (2040508 * 1024, 0)
    trees.write(tmp_path, f"{blocks}/block_size_bytes", "8000000\n")
    for number, online in enumerate("1011"):
        trees.write(tmp_path, f"{blocks}/memory{number}/online", f"{online}\n")
    trees.write(tmp_path, f"{blocks}/memory7/state", "going-offline\n")
    trees.write(tmp_path, f"{blocks}/auto_online_blocks", "offline\n")
    group = memory.read(tmp_path)
    assert (group.block_size_bytes, group.online_bytes) == (128 << 20, 384 << 20)


@pytest.mark.parametrize(
    ("meminfo", "size"), [("", ""), ("MemTotal: x kB\n", ""), (MEMINFO, "0x80"), (MEMINFO, "g")]
)
def test_what_is_no_memory(meminfo: str, size: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        memory.parse(meminfo, size)
    assert caught.value.reason is AbsenceReason.FAILED


@given(st.text(max_size=80), st.text(max_size=14), st.integers(0, 65600))
def test_no_text_breaks_memory(meminfo: str, size: str, blocks: int) -> None:
    for text in (meminfo, MEMINFO + meminfo):
        try:
            assert memory.parse(text, size, blocks).SerializeToString()
        except EvidenceError as error:
            assert error.reason is AbsenceReason.FAILED


def test_the_clocks_are_read_side_by_side(tmp_path: Path) -> None:
    asked = []

    def now(which: int) -> int:
        asked.append(which)
        return {time.CLOCK_REALTIME: 5_000, time.CLOCK_BOOTTIME: 100 * len(asked)}[which]

    trees.write(
        tmp_path, "sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock\n"
    )
    group = clock.read(tmp_path, now)
    assert asked == [time.CLOCK_BOOTTIME, time.CLOCK_REALTIME, time.CLOCK_BOOTTIME]
    assert (group.clocksource, group.realtime_nanoseconds) == ("kvm-clock", 5_000)
    assert group.boottime_nanoseconds == 200


def test_a_clock_before_1970_is_not_negative() -> None:
    assert clock.parse(b"", -1, 1).realtime_nanoseconds == 0


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"  a b \0\n", "a b"),
        ("a\x1b[2J", "a?[2J"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("\udcff", "\ufffd"),
        ("a\ud800b", "a\ufffdb"),
        ("ä" * 600, "ä" * 256),
        ("", ""),
    ],
)
def test_strings(raw: str | bytes, text: str) -> None:
    assert clean(raw) == text


@given(
    st.one_of(
        st.binary(max_size=900),
        st.text(max_size=900),
        st.text(alphabet=st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=900),
    )
)
def test_no_string_breaks_clean(raw: str | bytes) -> None:
    text = clean(raw)
    assert len(text.encode()) <= 512
    assert not any(character < " " or character == "\x7f" for character in text)
