"""The groups that walk sysfs: devices, pci, virtio, network, block."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import block, devices, network, pci, permanent_mac, virtio
from tests.unit.guest_agent import trees

SYS = "/sys/devices"
NUMBERS = {
    "vendor": "0x1af4\n", "device": "0x1041\n", "subsystem_vendor": "0x1af4\n",
    "subsystem_device": "0x1100\n", "revision": "0x01\n", "class": "0x020000\n",
}  # fmt: skip


def function(root: Path, address: str, above: str = "pci0000:00") -> str:
    """Make a PCI function with its entry on the bus; returns its path."""
    folder = f"sys/devices/{above}/{address}"
    for name, text in NUMBERS.items():
        trees.write(root, f"{folder}/{name}", text)
    trees.link(root, f"sys/bus/pci/devices/{address}", f"../../../../{folder}")
    return folder


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (f"{SYS}/pci0000:00/0000:00:01.1/0000:03:00.0/virtio0", "0000:03:00.0"),
        (f"{SYS}/pci0000:00/0000:00:03.0/virtio2/host0/target0:0:0/0:0:0:1", "0000:00:03.0"),
        (f"{SYS}/pci0000:00/0000:00:01.1/ata1/host0/target0:0:0/0:0:0:0", "0000:00:01.1"),
        (f"{SYS}/pci0000:00/0000:00:10.0/nvme/nvme0", "0000:00:10.0"),
        (f"{SYS}/pci0000:00/0000:00:1d.0/usb1/1-1/1-1:1.0", "0000:00:1d.0"),
        (f"{SYS}/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:01.0/10000:e1:00.0/nvme/nvme1",
         "10000:e1:00.0"),
        (f"{SYS}/css0/0.0.0001/0.0.0002/virtio1", "0.0.0002"),
        (f"{SYS}/css0/fe.1.0001/fe.1.c00d/virtio1", "fe.1.c00d"),
        (f"{SYS}/vio/30000002/host0/target0:0:0/0:0:0:0", "30000002"),
        (f"{SYS}/platform/a003e00.virtio_mmio/virtio3", "a003e00.virtio_mmio"),
        (f"{SYS}/platform/floppy.0", "floppy.0"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_address_of_the_carrier(path: str, address: str) -> None:
    assert devices.bus_address(path) == address


@pytest.mark.parametrize(
    ("path", "bridge"),
    [
        (f"{SYS}/pci0000:00/0000:00:01.0", ""),
        (f"{SYS}/pci0000:00/0000:00:01.0/0000:01:00.0", "0000:00:01.0"),
        (f"{SYS}/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:01.0", "0000:01:00.0"),
        (f"{SYS}/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:01.0", ""),
        ("", ""),
    ],
)
def test_the_bridge(path: str, bridge: str) -> None:
    assert devices.bridge(path) == bridge


@given(st.text(alphabet="0123456789abcdef:./-pcivrtohsua", max_size=60))
def test_no_path_breaks_the_addresses(path: str) -> None:
    assert len(devices.bus_address(path).encode()) <= 512
    assert devices.bridge(path) == "" or devices.is_pci(devices.bridge(path))
    assert len(block.unit(path)) <= 60


def test_a_folder_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="there is no /sys/x") as caught:
        devices.names(tmp_path, "/sys/x", 3)
    assert caught.value.reason is AbsenceReason.ABSENT
    for name in "dcba":
        trees.write(tmp_path, f"sys/x/{name}", "")
    assert devices.names(tmp_path, "/sys/x", 4) == ["a", "b", "c", "d"]
    with pytest.raises(EvidenceError, match="more than 3") as caught:
        devices.names(tmp_path, "/sys/x", 3)
    assert caught.value.reason is AbsenceReason.FAILED
    with pytest.raises(EvidenceError, match="can't be read") as caught:
        devices.names(tmp_path, "/sys/x/a", 3)
    assert caught.value.reason is AbsenceReason.FAILED


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    trees.link(tmp_path, "sys/out", "/etc")
    with pytest.raises(EvidenceError, match="leads out"):
        devices.place(tmp_path, "/sys/out")


def test_a_device_that_goes_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    stays, goes = function(tmp_path, "0000:00:01.0"), function(tmp_path, "0000:00:02.0")

    def one(path: str) -> str:
        if path.endswith("02.0"):
            shutil.rmtree(tmp_path / goes)
            raise EvidenceError(AbsenceReason.FAILED, "No such device")
        return path

    found = devices.each(tmp_path, "/sys/bus/pci/devices", 9, one)
    assert found == ["/sys/bus/pci/devices/0000:00:01.0"]
    (tmp_path / stays / "vendor").unlink()
    with pytest.raises(EvidenceError, match="vendor"):
        pci.read(tmp_path)


def test_pci_functions_are_sorted_by_the_number_of_their_domain(tmp_path: Path) -> None:
    for address in ("10000:e1:00.0", "0000:00:1f.2", "0000:00:02.0", "fffffffe:00:00.0"):
        function(tmp_path, address)
    trees.write(tmp_path, "sys/bus/pci/devices/what is this", "")
    assert [entry.address for entry in pci.read(tmp_path).functions] == [
        "0000:00:02.0",
        "0000:00:1f.2",
        "10000:e1:00.0",
        "fffffffe:00:00.0",
    ]


def test_a_pci_function(tmp_path: Path) -> None:
    entry = pci.parse("0000:00:02.0", {**NUMBERS, "class": "0x0c0330"})
    assert (entry.vendor, entry.device, entry.revision) == (0x1AF4, 0x1041, 1)
    assert entry.class_code == 0x0C0330
    with pytest.raises(EvidenceError):
        pci.parse("0000:00:02.0", {})


@pytest.mark.parametrize("text", ["", "1af4", "0x", "0x10000", "0x-1", "0xg", "0x1af4 0x1af4"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        pci.number(text, 16)
    assert caught.value.reason is AbsenceReason.FAILED


@given(st.text(max_size=20), st.integers(min_value=1, max_value=32))
def test_no_text_breaks_a_number(text: str, bits: int) -> None:
    try:
        assert 0 <= pci.number(text, bits) < 1 << bits
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED


def test_feature_bits_are_read_from_bit_0() -> None:
    assert virtio.parse_features("1" + "0" * 63 + "\n") == (1, 0)
    assert virtio.parse_features("0" * 63 + "1") == (1 << 63, 0)
    assert virtio.parse_features("0" * 64 + "01" + "0" * 62) == (0, 2)


@given(st.one_of(st.text(max_size=140), st.text(alphabet="01", max_size=140)))
def test_no_text_breaks_feature_bits(text: str) -> None:
    try:
        low, high = virtio.parse_features(text)
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED
    else:
        assert 0 <= low < 1 << 64 > high >= 0


def test_a_virtio_device_without_a_driver(tmp_path: Path) -> None:
    folder = function(tmp_path, "0000:00:05.0") + "/virtio0"
    trees.write(tmp_path, f"{folder}/device", "0x0010\n")
    trees.write(tmp_path, f"{folder}/features", "0" * 64 + "\n")
    trees.link(tmp_path, "sys/bus/virtio/devices/virtio0", f"../../../../{folder}")
    (device,) = virtio.read(tmp_path).devices
    assert (device.parent, device.device_id) == ("0000:00:05.0", 16)
    assert (device.features, device.driver) == (0, "")


OWN, SET = "52:54:00:0a:00:01", "02:00:00:de:ad:01"


@pytest.mark.parametrize(
    ("in_use", "permanent", "assigned", "expected"),
    [
        (OWN, OWN, "0", (OWN, "", False)),
        (SET, OWN, "3", (OWN, SET, False)),
        (OWN, "", "0\n", (OWN, "", False)),
        (SET, "", "3\n", (SET, "", True)),
        (OWN.upper(), OWN, "0", (OWN, "", False)),
        ("", OWN, "0", (OWN, "", False)),
        ("80:00:02:08:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:6c:2f:e1", "", "0",
         ("80:00:02:08:fe:80:00:00:00:00:00:00:e4:1d:2d:03:00:6c:2f:e1", "", False)),
    ],
)  # fmt: skip
def test_which_address_counts(
    in_use: str, permanent: str, assigned: str, expected: tuple[str, str, bool]
) -> None:
    entry = network.parse("eth0", in_use, permanent, assigned)
    assert entry is not None
    assert (entry.mac, entry.current_mac, entry.permanent_unknown) == expected


@pytest.mark.parametrize("address", ["", "\n", "00:00:00:00:00:00", "52:54", "x" * 17])
def test_an_interface_without_an_address_is_none(address: str) -> None:
    assert network.parse("eth0", address, "") is None


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=4))
def test_no_text_breaks_an_interface(name: str, in_use: str, own: str, assigned: str) -> None:
    entry = network.parse(name, in_use, own, assigned)
    assert entry is None or entry.SerializeToString()


def test_interfaces_of_one_address_are_all_there(tmp_path: Path) -> None:
    """Virtio standby, its primary and the failover interface over both."""
    parents = {
        "ens3": "0000:00:03.0/virtio0",
        "ens3nsby": "0000:00:03.0/virtio0",
        "ens4": "0000:00:04.0",
    }
    for name, parent in parents.items():
        folder = f"sys/devices/pci0000:00/{parent}/net/{name}"
        trees.write(tmp_path, f"{folder}/address", f"{OWN}\n")
        trees.write(tmp_path, f"{folder}/addr_assign_type", "0\n")
        trees.link(tmp_path, f"{folder}/device", "../..")
        trees.link(tmp_path, f"sys/class/net/{name}", f"../../../{folder}")
    assert [(entry.parent, entry.name) for entry in network.read(tmp_path).interfaces] == [
        ("0000:00:03.0", "ens3"),
        ("0000:00:03.0", "ens3nsby"),
        ("0000:00:04.0", "ens4"),
    ]


def test_the_ioctl_has_nothing_for_what_has_no_address() -> None:
    assert permanent_mac.ask("lo") == ""
    assert permanent_mac.ask("a name that no interface can have") == ""
    assert permanent_mac.ask("nonexistent") == ""
    assert permanent_mac.ask("") == ""


VPD = b"\x00\x80\x00\x14IDE-0001            "


@pytest.mark.parametrize(
    ("page", "serial"),
    [
        (VPD, "IDE-0001"),
        (b"\x00\x80\x00\x09SCSI-0001 and more", "SCSI-0001"),
        (b"\x00\x80\xff\xffSCSI-0001", "SCSI-0001"),
        (b"\x00\x83\x00\x09SCSI-0001", ""),
        (b"\x00\x80\x00", ""),
        (b"\x00\x80\x00\x00", ""),
        (b"\x00\x80\x00\x03\xff\x1b\x00", "\ufffd?"),
        (b"", ""),
    ],
)
def test_the_serial_number_page(page: bytes, serial: str) -> None:
    assert block.parse_vpd_serial(page) == serial


@given(st.binary(max_size=300))
def test_no_bytes_break_the_serial_number_page(page: bytes) -> None:
    assert len(block.parse_vpd_serial(page).encode()) <= 512


@pytest.mark.parametrize(
    ("files", "serial", "wwn"),
    [
        ({"serial": b"A\n", "device/serial": b"B", "device/vpd_pg80": VPD}, "A", ""),
        ({"serial": b"", "device/serial": b"B   \n", "device/vpd_pg80": VPD}, "B", ""),
        ({"device/vpd_pg80": VPD, "device/wwid": b"naa.5\n"}, "IDE-0001", "naa.5"),
        ({"wwid": b"eui.1\n", "device/wwid": b"naa.5\n"}, "", "eui.1"),
        ({}, "", ""),
    ],
)
def test_where_serial_and_wwn_come_from(files: dict[str, bytes], serial: str, wwn: str) -> None:
    disk = block.parse("sda", {"size": b"8\n", **files}, f"{SYS}/pci0000:00/0000:00:05.0")
    assert (disk.serial, disk.wwn, disk.size_bytes) == (serial, wwn, 4096)


@given(
    st.dictionaries(st.sampled_from(block._FILES), st.binary(max_size=40)),
    st.text(max_size=60),
    st.text(max_size=20),
)
def test_no_bytes_break_a_disk(files: dict[str, bytes], path: str, name: str) -> None:
    try:
        assert block.parse(name, files, path).SerializeToString()
    except EvidenceError as error:
        assert error.reason is AbsenceReason.FAILED


@pytest.mark.parametrize("size", [b"", b"-1", b"1.5", b"9" * 19, b"9" * 30, b"\xff"])
def test_a_disk_without_a_size_is_said(size: bytes) -> None:
    with pytest.raises(EvidenceError, match="sda has no valid size"):
        block.parse("sda", {"size": size}, "")


def test_nvme_multipath(tmp_path: Path) -> None:
    """The disk hangs on a subsystem; its paths are hidden disks on the controllers."""
    subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys0"
    controller = function(tmp_path, "0000:00:10.0") + "/nvme/nvme0"
    trees.write(tmp_path, f"{subsystem}/serial", "NVME-0001           \n")
    trees.write(tmp_path, f"{subsystem}/nvme0n1/size", "2048\n")
    trees.write(tmp_path, f"{subsystem}/nvme0n1/nsid", "1\n")
    trees.link(tmp_path, f"{subsystem}/nvme0n1/device", "../../nvme-subsys0")
    trees.link(tmp_path, f"{subsystem}/nvme0", f"../../../../../{controller}")
    trees.write(tmp_path, f"{controller}/nvme0c0n1/size", "2048\n")
    trees.write(tmp_path, f"{controller}/nvme0c0n1/hidden", "1\n")
    trees.link(tmp_path, f"{controller}/nvme0c0n1/device", "../../nvme0")
    trees.link(tmp_path, "sys/block/nvme0n1", f"../../{subsystem}/nvme0n1")
    trees.link(tmp_path, "sys/block/nvme0c0n1", f"../../{controller}/nvme0c0n1")
    trees.write(tmp_path, "sys/devices/virtual/block/dm-0/size", "2048\n")
    trees.link(tmp_path, "sys/block/dm-0", "../devices/virtual/block/dm-0")
    (disk,) = block.read(tmp_path).devices
    assert (disk.name, disk.parent, disk.unit) == ("nvme0n1", "0000:00:10.0", "1")
    assert (disk.serial, disk.size_bytes) == ("NVME-0001", 1 << 20)
    (tmp_path / subsystem / "nvme0").unlink()
    (disk,) = block.read(tmp_path).devices
    assert disk.parent == "nvme-subsys0"
