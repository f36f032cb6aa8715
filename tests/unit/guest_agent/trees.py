"""Trees of files as a guest's kernel shows them."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from guest_agent.evidence.cpuid import Registers
from tests import smbios_builder as build

BOOT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
DMI = "sys/firmware/dmi/tables"
FW_CFG = "sys/firmware/qemu_fw_cfg/by_name/etc/smbios"
DATA = Path(__file__).resolve().parents[2] / "data" / "guests"
CAPTURED = ("i440fx", "q35")


def write(root: Path, name: str, content: "bytes | str") -> None:
    """Write one file of a tree."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


def guest(root: Path) -> Path:
    """Write the files that the readers want."""
    tables = build.tables()
    write(root, "proc/sys/kernel/random/boot_id", f"{BOOT_ID}\n")
    write(root, "proc/sys/kernel/osrelease", "6.1.0-40-cloud-amd64\n")
    write(root, "proc/stat", "cpu 1 2\nbtime 1700000000\nprocesses 3\n")
    write(root, f"{DMI}/smbios_entry_point", build.entry_point(len(tables)))
    write(root, f"{DMI}/DMI", tables)
    write(root, f"{FW_CFG}/smbios-anchor/raw", build.entry_point(len(tables)))
    write(root, f"{FW_CFG}/smbios-tables/raw", tables)
    for name, text in {
        "sys_vendor": "QEMU",
        "product_name": "Standard PC",
        "product_version": "pc-q35-7.2",
        "product_uuid": "00112233-4455-6677-8899-AABBCCDDEEFF",
        "product_serial": "Not Specified",
    }.items():
        write(root, f"sys/class/dmi/id/{name}", f"{text}\n")
    return root


def link(root: Path, name: str, target: str) -> None:
    """Make one symbolic link of a tree."""
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """A tree of a real guest, and what its kernel answered besides."""

    root: Path
    permanent_mac: dict[str, str]
    cpuid: dict[tuple[int, int], Registers]

    def ask_mac(self, name: str) -> str:
        """Answer as ``permanent_mac.ask`` did in the guest."""
        return self.permanent_mac.get(name, "")

    def ask_cpuid(self, leaf: int, subleaf: int) -> Registers:
        """Answer as /dev/cpu/0/cpuid did in the guest."""
        return self.cpuid[leaf, subleaf]


def captured(root: Path, name: str) -> Captured:
    """Unpack a captured guest (tests/data/guests/README.md)."""
    document = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    for path, content in document["files"].items():
        if isinstance(content, str):
            write(root, path, content)
        elif "link" in content:
            link(root, path, content["link"])
        else:
            write(root, path, base64.b64decode(content["base64"]))
    for folder in ("data", "dynamic"):
        (root / "sys/firmware/acpi/tables" / folder).mkdir()
    answers = {}
    for line in document["cpuid"]:
        leaf, subleaf, *registers = (int(word, 16) for word in line.split())
        answers[leaf, subleaf] = Registers(*registers)
    return Captured(root=root, permanent_mac=document["permanent_mac"], cpuid=answers)
