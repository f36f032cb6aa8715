"""Trees of files as a guest's kernel shows them."""

from pathlib import Path

from tests import smbios_builder as build

BOOT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
DMI = "sys/firmware/dmi/tables"
FW_CFG = "sys/firmware/qemu_fw_cfg/by_name/etc/smbios"


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
        "sys_vendor": "QEMU", "product_name": "Standard PC", "product_version": "pc-q35-7.2",
        "product_uuid": "00112233-4455-6677-8899-AABBCCDDEEFF", "product_serial": "Not Specified",
    }.items():  # fmt: skip
        write(root, f"sys/class/dmi/id/{name}", f"{text}\n")
    return root
