"""Rehearsals of QEMUs that go wrong: a clear error in a bounded time, and nothing left."""

import re
import shlex
from pathlib import Path

import pytest

from host_agent.errors import EvidenceError
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu.rehearsal import rehearse
from host_agent.qemu.rehearsal_options import RehearsalOptions, from_domain
from tests.integration.scripted_qemu import RSDP_AT, SMBIOS_AT, smbios, write
from tests.integration.test_probe_failures import nothing_is_left

# What is left behind is looked for after each of these as well.
__all__ = ["nothing_is_left"]

UUID = "00112233-4455-6677-8899-aabbccddeeff"
BARE = f"/usr/bin/qemu-system-x86_64 -machine pc-q35-9.0 -accel tcg -m 8 -smp 1 -uuid {UUID}"
UEFI = "-drive file=/OVMF_CODE.fd,if=pflash,unit=0 -drive file=/x,if=pflash,unit=1"
# Its time may be over while it is asked, too.
NO_TABLES = "has left no tables when its time was over|did not answer within"
# What the program does, and what is said of it.
PROGRAMS = {
    "a firmware that hangs": ("qemu.left = {}", NO_TABLES),
    "a root pointer with a wrong checksum": (
        f"qemu.left[{RSDP_AT}] = b'RSD PTR ' + bytes(28)", NO_TABLES,
    ),
    "tables beyond the memory": (
        "qemu.left = {at: blob.replace((0x400000).to_bytes(4, 'little'), b'\\xff' * 4)"
        " for at, blob in qemu.left.items()}", NO_TABLES,
    ),
    "a root table that names itself": (
        "qemu.left[0x400400] = _table(b'RSDT', (0x400400).to_bytes(4, 'little') * 9999)", NO_TABLES,
    ),
    "no SMBIOS": (f"del qemu.left[{SMBIOS_AT}]", NO_TABLES),
    "SMBIOS garbage": (
        f"qemu.left[{SMBIOS_AT + 0x20}] = b'\\xff' * 99", "left no valid SMBIOS tables",
    ),
    "PCI that is no list": ("qemu.answers['query-pci'] = {'devices': 7}", "can't be read"),
    "PCI without numbers": (
        "qemu.answers['query-pci'] = [{'devices': [{'bus': 'x'}]}]", "can't be read",
    ),
    "a PCI bus that there is not": (
        "qemu.answers['query-pci'] = [{'devices': [{'bus': 256, 'slot': 0, 'function': 0,"
        " 'qdev_id': ''}]}]", "can't be read",
    ),
    "bridges without end": (
        "deep = []\nfor _ in range(99):\n    deep = [{'bus': 1, 'slot': 0, 'function': 0,"
        " 'qdev_id': '', 'pci_bridge': {'devices': deep}}]\n"
        "qemu.answers['query-pci'] = [{'devices': deep}]", "can't be read",
    ),
    "a PCI configuration without numbers": ("qemu.raw['inl'] = b'OK x\\n'", "sent no number"),
    "a PCI configuration too large": ("qemu.raw['inl'] = b'OK 0x123456789\\n'", "sent no number"),
    "one that ends when it goes on": (
        "qemu.raw['cont'] = b''\nqemu.on_qtest = lambda line: sys.exit('qemu: no luck')\n"
        "qemu.answers = {}", "no luck|did not answer within",
    ),
    "one that is refused": ("sys.exit('qemu: -device nix: no such device')", "no such device$"),
    "one without a version": ("qemu.answers['query-version'] = []", "no valid QMP"),
}  # fmt: skip


def options(more: str = "") -> RehearsalOptions:
    return from_domain(shlex.split(f"{BARE} {more}"), "x86_64")


def rehearsed(folder: Path, *lines: str, more: str = "", seconds: float = 30) -> Rehearsed:
    program = write(folder, "qemu = Qemu()", *lines, "qemu.serve()")
    return rehearse(qemu_binary.installed(str(program)), options(more), seconds)


def test_one_that_behaves(tmp_path: Path) -> None:
    found = rehearsed(tmp_path)
    assert [table.signature for table in found.acpi] == ["RSDT", "FACP", "DSDT"]
    assert found.smbios is not None
    assert found.smbios.tables == smbios()
    assert [(one.function.address, one.function.bridge, one.device) for one in found.pci] == [
        ("0000:00:00.0", None, ""),
        ("0000:00:01.0", None, "pci.1"),
        ("0000:01:02.0", "0000:00:01.0", "net0"),
    ]
    first = found.pci[0].function
    assert (first.vendor, first.device, first.class_code) == (0x8086, 0x29C0, 0x060000)
    assert (first.revision, first.subsystem_vendor, first.subsystem_device) == (2, 0x1AF4, 0x1100)
    assert (found.qemu, found.accelerator, found.as_domain) == ("7.2.22", "tcg", True)


@pytest.mark.parametrize("case", PROGRAMS)
def test_one_that_fails_says_so(tmp_path: Path, case: str) -> None:
    lines, said = PROGRAMS[case]
    seconds = 1.5 if "did not answer" in said else 30
    with pytest.raises(EvidenceError) as caught:
        rehearsed(tmp_path, lines, seconds=seconds)
    assert re.search(said, str(caught.value)), str(caught.value)
    assert str(caught.value).isprintable()


QUEUES = """
devices = [{"path": f"/machine/peripheral/{name}/virtio-backend"} for name in ("net0", "disk0")]
qemu.answers["x-query-virtio"] = [*devices, {"path": "/machine/unattached/device[3]"}]
plain = qemu.on_qmp
def on_qmp(line):
    asked = json.loads(line)
    if asked["execute"] != "x-query-virtio-queue-status":
        return plain(line)
    if asked["arguments"]["queue"] >= MOST:
        return b'{"error": {"desc": "Invalid virtqueue number"}}\\n'
    return b'{"return": {"vring-num": 256}}\\n'
qemu.on_qmp = on_qmp
"""


@pytest.mark.parametrize(("most", "first", "both"), [("3", 3, 6), ("1e9", 8192, 8192)])
def test_queues_are_counted_and_bounded(tmp_path: Path, most: str, first: int, both: int) -> None:
    found = rehearsed(tmp_path, QUEUES.replace("MOST", most))
    assert len(found.queues["net0"]) == first
    assert sum(map(len, found.queues.values())) == both


@pytest.mark.parametrize("answer", ["7", "[{}]", "[{'path': 7}]", "[{'path': '/machine'}]"])
def test_what_is_no_list_of_devices_has_no_queues(tmp_path: Path, answer: str) -> None:
    assert rehearsed(tmp_path, f"qemu.answers['x-query-virtio'] = {answer}").queues == {}


def test_a_machine_without_acpi_has_no_tables_to_wait_for(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, f"del qemu.left[{RSDP_AT}]", more="-machine acpi=off")
    assert found.acpi == ()
    assert found.smbios is not None


@pytest.mark.parametrize("machine", ["isapc", "microvm", "xenfv", "none"])
def test_machines_without_such_firmware_are_not_rehearsed(tmp_path: Path, machine: str) -> None:
    with pytest.raises(EvidenceError, match=f"of type {machine} are not rehearsed"):
        rehearsed(tmp_path, more=f"-machine type={machine}")


def test_a_store_that_can_not_be_had(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"no variable store .* /OVMF_VARS.fd: No such file"):
        rehearsed(tmp_path, more=UEFI)
