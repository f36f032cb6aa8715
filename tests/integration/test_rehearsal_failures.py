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


# One more function that is a virtio device: its registers behind the window (VIRTIO 1.2, 4.1.4.9),
# or, the old interface alone, behind ports from 0xC000 on (4.1.4.10). Its firmware's driver made
# the queues smaller, until a reset.
VIRTIO = """
from copy import deepcopy
qemu.answers["query-pci"] = deepcopy(BUSES)
qemu.answers["query-pci"][0]["devices"].append(
    {"bus": 0, "slot": 5, "function": 0, "qdev_id": "disk0"})
KIND, COUNT, SIZE = GIVEN
SPACE = {0: 0x10421AF4 if KIND == "modern" else 0x10011AF4, 4: 0x00100000, 8: 0x01000001,
         0x10: 0 if KIND == "modern" else 0xC001, 0x2C: 0x00021AF4,
         0x34: 0 if KIND == "old" else 0x40,
         0x40: 0x01105009, 0x44: 4, 0x48: 0x2000, 0x4C: 56, 0x50: 0x05140009}
state = {"at": 0, "offset": 0, "select": 0, "queue": 0, "reset": False}
plain = qemu.on_qtest
def size():
    if state["queue"] >= COUNT:
        return 0
    return SIZE if state["reset"] else 7
def register(at, value=None):
    if value is None:
        features = [0x9, 0x1, 0, 0][state["select"]]
        return {"old": 0x01000008, 4: features, 0x12: COUNT, 0x18: size()}.get(at, 0)
    if at == 0x14:
        state["reset"] = value == 0
    state[{0: "select", 0x16: "queue"}.get(at, "other")] = value
    return 0
def on_qtest(line):
    word, *rest = line.decode().split()
    given = [int(one, 0) for one in rest]
    if word == "outl" and given[0] == 0xCF8:
        state["at"] = given[1]
    elif 0xC000 <= given[0] < 0xC020 and word[:2] in ("in", "ou"):
        at = {0: "old", 12: 0x18, 14: 0x16, 18: 0x14}[given[0] - 0xC000]
        return b"OK 0x%04x\\n" % register(at, *given[1:])
    elif state["at"] >> 11 & 31 == 5 and 0xCFC <= given[0] < 0xD00:
        at = (state["at"] & 0xFC) + given[0] - 0xCFC
        if at == 0x58 and word == "outl":
            state["offset"] = given[1] - 0x2000
        elif 0x60 <= at < 0x64:
            return b"OK 0x%04x\\n" % register(state["offset"], *given[1:])
        elif word.startswith("in"):
            return b"OK 0x%04x\\n" % (SPACE.get(at & 0xFC, 0) >> 8 * (at & 3))
    else:
        return plain(line)
    return plain(line) if given[0] == 0xCF8 else b"OK\\n"
qemu.on_qtest = on_qtest
"""


@pytest.mark.parametrize(
    ("kind", "features"),
    [("modern", 0x1_0000_0009), ("both", 0x1_0100_0009), ("old", 0x0100_0008)],
)
def test_what_a_virtio_device_offers(tmp_path: Path, kind: str, features: int) -> None:
    found = rehearsed(tmp_path, VIRTIO.replace("GIVEN", f"{kind!r}, 3, 256"))
    (one,) = found.virtio
    assert (one.address, one.device, one.kind) == ("0000:00:05.0", "disk0", 2)
    assert (one.features, one.queues) == (features, (256, 256, 256))


@pytest.mark.parametrize("kind", ["modern", "old"])
def test_queues_are_bounded(tmp_path: Path, kind: str) -> None:
    found = rehearsed(tmp_path, VIRTIO.replace("GIVEN", f"{kind!r}, 65535, 8"))
    assert found.virtio[0].queues == (8,) * 1024


def test_a_virtio_device_without_registers_offers_nothing(tmp_path: Path) -> None:
    lines = VIRTIO.replace("GIVEN", "'old', 3, 8"), "SPACE[0x10] = 0"
    assert rehearsed(tmp_path, *lines).virtio == ()


CPU = """
words = [{"cpuid-register": "EDX", "cpuid-input-eax": 1, "features": 0x78BFBFD},
         {"cpuid-register": "EBX", "cpuid-input-eax": 7, "cpuid-input-ecx": 0, "features": 512}]
told = {"vendor": "AuthenticAMD", "model-id": "A CPU", "family": 6, "model": 6, "stepping": 3,
        "feature-words": words, "unavailable-features": ["avx2"]}
qemu.answers["query-cpus-fast"] = [{"qom-path": "/machine/unattached/device[0]"}] * 2
plain = qemu.on_qmp
def on_qmp(line):
    asked = json.loads(line)
    if asked["execute"] != "qom-get":
        return plain(line)
    return json.dumps({"return": told[asked["arguments"]["property"]]}).encode() + b"\\n"
qemu.on_qmp = on_qmp
"""


def test_the_cpu(tmp_path: Path) -> None:
    found = rehearsed(tmp_path, CPU).cpu
    assert found is not None
    assert (found.vcpus, found.vendor, found.name) == (2, "AuthenticAMD", "A CPU")
    assert (found.revision, found.filtered) == ("6-6-3", ("avx2",))
    assert [(one.name, one.bits) for one in found.words] == [
        ("CPUID 0x1.0 EDX", 0x78BFBFD),
        ("CPUID 0x7.0 EBX", 512),
    ]


@pytest.mark.parametrize(
    "change",
    [
        "words[0] = 7", "words[0]['features'] = None", "told['family'] = 'x'",
        "told['feature-words'] = 7", "qemu.answers['query-cpus-fast'] = []",
    ],
)  # fmt: skip
def test_a_cpu_that_is_told_in_another_way_is_not_known(tmp_path: Path, change: str) -> None:
    assert rehearsed(tmp_path, CPU, change).cpu is None


def test_files_memory_map_and_memory_blocks(tmp_path: Path) -> None:
    found = rehearsed(tmp_path)
    assert found.files == {
        "etc/e820": 20,
        "etc/smbios/smbios-tables": len(smbios()),
        "etc/acpi/tables": 0x20000,
    }
    assert [str(one) for one in found.memory] == ["0x0-0x1fffffff RAM"]
    assert found.blocks == {"pc.ram": 0x20000000, "pc.bios": 0x1000}
    none = rehearsed(tmp_path, "del qemu.files['etc/e820']")
    assert none.memory == ()


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
