"""The readers of evidence: right trees, missing files, and content that is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import boot, dmi, smbios_booted, smbios_live, smbios_structures
from guest_agent.evidence.files import MAX_BYTES, read_bytes
from samemachine.v1 import guest_pb2
from tests import smbios_builder as build
from tests.checkout import CHECKOUT
from tests.unit.guest_agent import trees

DMIDECODE = """# dmidecode 3.4
Getting SMBIOS data from sysfs.
SMBIOS 2.8 present.
9 structures occupying 388 bytes.
Table at 0x000F5A60.

Handle 0x0000, DMI type 0, 24 bytes
BIOS Information
\tVendor: SeaBIOS
\tVersion: 1.16.2-debian-1.16.2-1
\tRelease Date: 04/01/2014

Handle 0x0100, DMI type 1, 27 bytes
System Information
\tManufacturer: QEMU
\tProduct Name: Standard PC (i440FX + PIIX, 1996)
\tVersion: pc-i440fx-7.2
\tSerial Number: Not Specified
\tUUID: 00112233-4455-6677-8899-AABBCCDDEEFF

Handle 0x0300, DMI type 3, 22 bytes
Chassis Information
\tManufacturer: QEMU
\tVersion: pc-i440fx-7.2

Handle 0x0400, DMI type 4, 42 bytes
Processor Information
\tSocket Designation: CPU 0
\tVersion: pc-i440fx-7.2

Handle 0x0401, DMI type 4, 42 bytes
Processor Information
\tSocket Designation: CPU 1
\tVersion: another
"""

# As dmidecode 3.3 to 3.7 print them: a count before a list, a list in another structure's middle,
# words alone, a string of spaces.
NESTED = """Handle 0x0100, DMI type 1, 27 bytes
System Information
\tManufacturer: QEMU
\tProduct Name:  \t
\tVersion: a: b
\tSerial Number:
\t<TRUNCATED>

Handle 0x0300, DMI type 3, 25 bytes
Chassis Information
\tManufacturer: Dell Inc.
\tContained Elements: 1
\t\tProcessor (0-1)
\tVersion: 1.0
\tSKU Number:
\t\tof a list

Handle 0x0E00, DMI type 14, 8 bytes
Group Associations
\tName: Group
\tItems: 2
\t\t0x0000 (OEM-specific)
\t\t0x0001 (OEM-specific)

Handle 0x0B00, DMI type 11, 5 bytes
OEM Strings
\tString 1: one
\t\tno list
"""


def reason(caught: pytest.ExceptionInfo[EvidenceError]) -> AbsenceReason:
    return caught.value.reason


def test_boot(tmp_path: Path) -> None:
    group = boot.read(trees.guest(tmp_path))
    assert (group.boot_id, group.boot_time_seconds) == (trees.BOOT_ID, 1700000000)
    assert group.kernel_release == "6.1.0-40-cloud-amd64"


def test_boot_without_its_time_is_still_evidence() -> None:
    assert boot.parse(trees.BOOT_ID, "cpu 1\n", "6.1", "x86_64").boot_time_seconds == 0


@given(st.text(max_size=60), st.text(max_size=200))
def test_no_text_breaks_boot(boot_id: str, stat: str) -> None:
    try:
        boot.parse(boot_id, stat, "6.1", "x86_64")
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED


def test_dmidecode_is_read() -> None:
    group = dmi.parse(DMIDECODE)
    assert group.source == guest_pb2.DMI_SOURCE_DMIDECODE
    assert group.system_version == group.chassis_version == group.processor_version
    assert group.system_serial == ""
    assert group.system_uuid == "00112233-4455-6677-8899-aabbccddeeff"
    assert (group.bios_vendor, group.bios_date) == ("SeaBIOS", "04/01/2014")


@pytest.mark.parametrize(
    "output",
    ["", "# dmidecode 3.4\n# No SMBIOS nor DMI entry point found, sorry.\n", "garbage\n\n\n",
     "Handle 0x0000, DMI type 0, 24 bytes\nBIOS Information\n\tVendor: x\n", "Handle\n\n"],
)  # fmt: skip
def test_an_output_without_a_system_is_none(output: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        dmi.parse(output)
    assert reason(caught) is AbsenceReason.FAILED


@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(st.sampled_from((DMIDECODE + NESTED).splitlines(keepends=True)), max_size=30).map(
            "".join
        ),
    )
)
def test_no_output_breaks_dmi(output: str) -> None:
    try:
        dmi.parse(output)
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED


def test_lists_and_empty_fields_of_dmidecode() -> None:
    group = dmi.parse(NESTED)
    assert (group.system_product, group.system_serial) == ("", "")
    assert (group.system_version, group.chassis_version) == ("a: b", "1.0")
    assert group.chassis_manufacturer == "Dell Inc."


@pytest.mark.parametrize("version", ["3.3", "3.4", "3.6", "3.7"])
def test_what_each_dmidecode_prints_of_one_machine(version: str) -> None:
    """3.7 calls the BIOS "Platform Firmware", and what was MB is MiB."""
    output = (CHECKOUT / f"tests/data/dmidecode/{version}.txt").read_text(encoding="utf-8")
    assert output.startswith(f"# dmidecode {version}\n")
    assert dmi.parse(output) == guest_pb2.Dmi(
        source=guest_pb2.DMI_SOURCE_DMIDECODE,
        system_manufacturer="QEMU",
        system_product="Standard PC (Q35 + ICH9, 2009)",
        system_version="pc-q35-7.2",
        system_uuid="33221100-5544-7766-8899-aabbccddeeff",
        chassis_manufacturer="QEMU",
        chassis_version="pc-q35-7.2",
        processor_version="pc-q35-7.2",
        bios_vendor="SeaBIOS",
        bios_version="1.16.2-debian-1.16.2-1",
        bios_date="04/01/2014",
    )


def test_sysfs_stands_in_for_dmidecode(tmp_path: Path) -> None:
    group = dmi.read(trees.guest(tmp_path))
    assert group.source == guest_pb2.DMI_SOURCE_SYSFS
    assert (group.system_product, group.system_version) == ("Standard PC", "pc-q35-7.2")
    assert (group.system_serial, group.processor_version) == ("", "")


def test_no_dmi_is_absent(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError) as caught:
        dmi.read(tmp_path)
    assert reason(caught) is AbsenceReason.ABSENT


def test_long_strings_and_control_characters_are_cut() -> None:
    group = dmi.parse_sysfs({"sys_vendor": "ä" * 600, "product_name": "a\x1bb\n"})
    assert len(group.system_manufacturer.encode()) <= 512
    assert group.system_product == "a?b"


def test_booted_tables(tmp_path: Path) -> None:
    group = smbios_booted.read(trees.guest(tmp_path))
    assert group.tables == build.tables()
    assert group.entry_point == build.entry_point(len(build.tables()))


def test_what_follows_the_tables_is_left_out() -> None:
    assert smbios_booted.parse(b"", build.tables() + b"rest").tables == build.tables()


def test_live_tables(tmp_path: Path) -> None:
    assert smbios_live.read(trees.guest(tmp_path)).tables == build.tables()


LARGER = build.tables(product="a longer product than there was before")


@pytest.mark.parametrize(
    ("anchor", "tables"),
    [
        (build.entry_point(10), build.entry_point(10)),
        (build.entry_point(len(LARGER)), LARGER[: len(build.tables())]),
        (build.entry_point(len(build.tables())), LARGER),
        (build.tables(), build.tables()),
        (b"", b""),
    ],
    ids=["anchor for tables", "cut", "other length", "tables for anchor", "empty"],
)
def test_a_stale_directory_is_said_and_never_read(
    tmp_path: Path, anchor: bytes, tables: bytes
) -> None:
    root = trees.guest(tmp_path)
    trees.write(root, f"{trees.FW_CFG}/smbios-anchor/raw", anchor)
    trees.write(root, f"{trees.FW_CFG}/smbios-tables/raw", tables)
    with pytest.raises(EvidenceError, match="stale directory") as caught:
        smbios_live.read(root)
    assert reason(caught) is AbsenceReason.UNREADABLE


def test_a_stale_directory_is_refreshed_once(tmp_path: Path) -> None:
    root = trees.guest(tmp_path)
    trees.write(root, f"{trees.FW_CFG}/smbios-tables/raw", b"stale")
    calls = []

    def refresh() -> None:
        calls.append(1)
        trees.write(root, f"{trees.FW_CFG}/smbios-tables/raw", build.tables())

    assert smbios_live.read(root, refresh).tables == build.tables()
    assert smbios_live.read(root, refresh).tables == build.tables()
    assert calls == [1]


def test_a_refresh_that_does_not_help_is_not_repeated(tmp_path: Path) -> None:
    root = trees.guest(tmp_path)
    trees.write(root, f"{trees.FW_CFG}/smbios-tables/raw", b"stale")
    calls: list[int] = []
    with pytest.raises(EvidenceError):
        smbios_live.read(root, lambda: calls.append(1))
    assert calls == [1]


def test_a_module_that_is_not_loaded_is_not_absence(tmp_path: Path) -> None:
    (tmp_path / "sys/bus/acpi/devices/QEMU0002:00").mkdir(parents=True)
    with pytest.raises(EvidenceError, match="modprobe") as caught:
        smbios_live.read(tmp_path)
    assert reason(caught) is AbsenceReason.UNREADABLE


def waiting(tmp_path: Path, uptime: str) -> "tuple[Path, Path]":
    """A guest whose module is not loaded, and where its files are until then."""
    root = trees.guest(tmp_path)
    (root / "proc/uptime").write_text(uptime, encoding="ascii")
    (root / "sys/bus/acpi/devices/QEMU0002:00").mkdir(parents=True, exist_ok=True)
    there = root / "sys/firmware/qemu_fw_cfg"
    return root, there.rename(tmp_path / "unloaded")


def test_the_module_is_waited_for_just_after_a_boot(tmp_path: Path) -> None:
    root, files = waiting(tmp_path, "7.25 3.10\n")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            files.rename(root / "sys/firmware/qemu_fw_cfg")

    assert smbios_live.read(root, pause=pause).tables == build.tables()
    assert len(pauses) == 3


@pytest.mark.parametrize(
    ("uptime", "most", "words"),
    [
        ("7.25 3.10\n", 2.0, "not loaded yet, so early after the boot"),
        ("119.9 1.0\n", 2.0, "not loaded yet"),
        ("120.0 1.0\n", 0.0, "not loaded: modprobe"),
        ("", 0.0, "not loaded: modprobe"),
        ("soon", 0.0, "not loaded: modprobe"),
    ],
)
def test_it_is_not_waited_for_long(tmp_path: Path, uptime: str, most: float, words: str) -> None:
    root, _ = waiting(tmp_path, uptime)
    pauses: list[float] = []
    with pytest.raises(EvidenceError, match=words) as caught:
        smbios_live.read(root, pause=pauses.append)
    assert reason(caught) is AbsenceReason.UNREADABLE
    assert sum(pauses) == pytest.approx(most)


def test_no_fw_cfg_is_absent(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError) as caught:
        smbios_live.read(tmp_path)
    assert reason(caught) is AbsenceReason.ABSENT


@given(st.binary(max_size=400))
def test_no_bytes_break_the_structures(data: bytes) -> None:
    for parse in (smbios_structures.end_of_tables, smbios_structures.table_length):
        try:
            assert parse(data) >= 0
        except EvidenceError as error:
            assert error.reason is AbsenceReason.FAILED


def test_the_length_of_both_entry_points() -> None:
    assert smbios_structures.table_length(build.entry_point(388)) == 388
    assert smbios_structures.table_length(build.entry_point_64(70_000)) == 70_000


def test_a_file_without_an_end_is_bounded(tmp_path: Path) -> None:
    trees.write(tmp_path, "big", b"x" * (MAX_BYTES + 1))
    with pytest.raises(EvidenceError, match="longer than"):
        read_bytes(tmp_path, "/big")
    with pytest.raises(EvidenceError) as caught:
        read_bytes(tmp_path, "/")
    assert reason(caught) is AbsenceReason.FAILED
