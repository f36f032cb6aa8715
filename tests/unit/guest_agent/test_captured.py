"""What the readers make of real guests; the expected reports lie beside the captured trees."""

import json
import os
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict

from guest_agent.evidence import cpuid, network
from guest_agent.report import GROUPS, field_of, gather, readers
from tests.unit.guest_agent import trees

# The others depend on the machine that tests run on, or are not captured.
FIELDS = ("platform", "cpu", "memory", "pci", "virtio", "acpi", "network", "block", "clock")
WANTED = [number for group, number in GROUPS.items() if field_of(group) in FIELDS]


def document(guest: trees.Captured) -> str:
    ask = {"network": lambda: network.read(guest.root, guest.ask_mac)}
    report = gather(b"", {**readers(guest.root), **ask}, WANTED)
    report.ClearField("agent_version")
    report.clock.realtime_nanoseconds = report.clock.boottime_nanoseconds = 0
    report.cpu.ClearField("live_cpuid_absence")
    report.cpu.live_cpuid.extend(cpuid.walk(guest.ask_cpuid))
    as_json = MessageToDict(report, preserving_proto_field_name=True)
    return json.dumps(as_json, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", trees.CAPTURED)
def test_a_real_guest(tmp_path: Path, name: str) -> None:
    made = document(trees.captured(tmp_path, name))
    expected = trees.DATA / f"{name}.report.json"
    if os.environ.get("SAMEMACHINE_REGENERATE"):
        expected.write_text(made, encoding="utf-8")
    assert made == expected.read_text(encoding="utf-8")


def test_the_addresses_are_those_that_the_domain_gave(tmp_path: Path) -> None:
    """Not only what it was last time: the devices are where QEMU's command line put them."""
    root = trees.captured(tmp_path, "q35")
    report = gather(b"", readers(root.root), WANTED)
    disks = {disk.name: (disk.serial, disk.parent, disk.unit) for disk in report.block.devices}
    assert disks["nvme0n1"] == ("NVME-0001", "0000:00:10.0", "1")
    assert disks["sda"] == ("SCSI-0001", "0000:05:00.0", "0:0:0")
    assert disks["sdb"] == ("SCSI-0002", "0000:05:00.0", "0:0:1")
    assert disks["vdc"] == ("DISK-VDC-0001", "0000:09:00.0", "")
    bridges = {function.address: function.bridge for function in report.pci.functions}
    assert bridges["0000:02:01.0"] == "0000:01:00.0"
    assert bridges["0000:01:00.0"] == "0000:00:01.0"
    assert bridges["0000:00:01.0"] == ""
    macs = {entry.name: (entry.mac, entry.parent) for entry in report.network.interfaces}
    # Without the ioctl, a bond's member is known by what the bond keeps.
    assert macs["enp3s0"] == ("52:54:00:0a:00:01", "0000:03:00.0")
    assert macs["enp4s0"] == ("52:54:00:0a:00:02", "0000:04:00.0")
    assert report.memory.online_bytes == 640 << 20
