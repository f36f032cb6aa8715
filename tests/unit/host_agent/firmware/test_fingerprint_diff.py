"""What differs between two fingerprints, in words."""

from typing import Any

import pytest

from host_agent.firmware.fingerprint import ANCHOR, E820, LOADER, RSDP, SMBIOS, Firmware
from host_agent.firmware.fingerprint_diff import differences
from host_agent.firmware.fw_cfg import File
from tests import device_tree_builder, smbios_builder
from tests.acpi_builder import facs, pointer, root_pointer, table
from tests.device_tree_builder import Node
from tests.fingerprint_builder import FILES, TABLES, fingerprint, tables

FACS, DSDT, FACP, RSDT = TABLES


def files(**changes: bytes) -> dict[str, Any]:
    names = {"smbios": SMBIOS, "anchor": ANCHOR, "e820": E820, "rsdp": RSDP, "loader": LOADER}
    return {"files": FILES | {names[name]: blob for name, blob in changes.items()}}


def acpi(*raw: bytes, **changes: bytes) -> dict[str, Any]:
    return {"acpi": tables(*raw), **files(**changes)}


def tree(**root: "bytes | Node") -> dict[str, Any]:
    return {"device_tree": device_tree_builder.tree(root)}


def without(name: str) -> dict[str, Any]:
    return {"files": {key: blob for key, blob in FILES.items() if key != name}}


DIRECTORY = fingerprint().directory
CPU: Node = {"reg": bytes(4), "pa": bytes(68)}
OTHER_CPU: Node = {"reg": b"\0\0\0\1", "pa": b"\1" * 68}
ROM = "0000:00:03.0/e1000.rom"
LONG_DSDT = table("DSDT", b"longer code", checksum=False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {}, []),
        ({}, {"options": ("-machine", "another")}, []),
        # SMBIOS
        ({}, files(smbios=smbios_builder.tables(version="v2")),
         ["SMBIOS type 1 System: Version 'pc-i440fx-7.2' -> 'v2'"]),
        ({}, files(smbios=b""), ["SMBIOS: tables there -> absent"]),
        (without(SMBIOS), {}, ["SMBIOS: tables absent -> there"]),
        ({}, files(anchor=smbios_builder.entry_point(999, 7)), []),
        ({}, files(anchor=smbios_builder.entry_point_64(321)),
         ["SMBIOS entry point: version _SM_ 0.0 -> _SM3_ 3.0"]),
        (files(anchor=b"_SM_\x00\x1f\x02\x04"), files(anchor=b"_SM_\x00\x1f\x02\x08"),
         ["SMBIOS entry point: version _SM_ 2.4 -> _SM_ 2.8"]),
        # ACPI
        ({}, acpi(FACS, table("DSDT", b"edoc", checksum=False), FACP, RSDT),
         ["ACPI DSDT: code 40 bytes -> 40 other bytes"]),
        ({}, acpi(FACS, LONG_DSDT, FACP, RSDT), ["ACPI DSDT: code 40 bytes -> 47 bytes"]),
        ({}, acpi(FACS, DSDT, table("FACP", bytes(40)), RSDT),
         ["ACPI FACP: contents 76 bytes -> 76 other bytes"]),
        ({}, acpi(FACS, DSDT, table("FACP", bytes(range(40)), revision=3, oem="ALASKA"), RSDT),
         ["ACPI FACP: Revision 1 -> 3", "ACPI FACP: OEM ID 'BOCHS' -> 'ALASKA'"]),
        ({}, acpi(FACS, DSDT, RSDT), ["ACPI FACP: table there -> absent"]),
        ({}, acpi(FACS, DSDT, FACP, RSDT, table("SSDT"), table("SSDT", b"2")),
         ["ACPI SSDT: table absent -> there", "ACPI SSDT 2: table absent -> there"]),
        ({}, acpi(RSDT, FACP, FACS, DSDT), []),
        ({}, acpi(FACS, DSDT, FACP, table("RSDT", b"\4\3\2\1")), []),
        ({}, acpi(facs(bytes(55) + b"\1"), DSDT, FACP, RSDT),
         ["ACPI FACS: contents 64 bytes -> 64 other bytes"]),
        ({}, {"acpi": tables(*TABLES, length=2048)}, []),
        (acpi(FACS, DSDT, table("FACP", b"\1\2\3\4"), loader=pointer(104 + 36)),
         acpi(FACS, DSDT, table("FACP", b"\5\6\7\0"), loader=pointer(104 + 36)), []),
        ({}, {"acpi": None},
         [f"ACPI {name}: table there -> absent" for name in ("FACS", "DSDT", "FACP", "RSDT")]),
        ({}, files(rsdp=root_pointer(address=5)), []),
        ({}, files(rsdp=root_pointer(revision=2)), ["ACPI RSDP: Revision 0 -> 2"]),
        # Memory map
        ({}, files(e820=FILES[E820][:-4] + b"\2\0\0\0"),
         ["e820: ranges 0x0-0x1fffffff RAM -> 0x0-0x1fffffff reserved"]),
        ({}, files(e820=FILES[E820] + bytes(20)),
         ["e820: ranges 0x0-0x1fffffff RAM -> 0x0-0x1fffffff RAM, 0x0 empty type 0"]),
        (without(E820), {}, ["e820: ranges absent -> 0x0-0x1fffffff RAM"]),
        # fw_cfg
        ({}, {"directory": (*DIRECTORY, File(name="etc/new", size=1, key=40))},
         ["fw_cfg etc/new: file absent -> there"]),
        ({}, {"directory": DIRECTORY[1:]}, ["fw_cfg bootorder: file there -> absent"]),
        ({}, {"directory": (File(name="bootorder", size=9, key=32), DIRECTORY[1])},
         ["fw_cfg bootorder: size 0 -> 9"]),
        ({}, {"directory": (File(name="bootorder", size=0, key=99), DIRECTORY[1])}, []),
        ({}, {"directory": (DIRECTORY[0], File(name=E820, size=40, key=33))}, []),
        # Memory blocks
        ({}, {"memory_blocks": {ROM: 65536}}, [f"ROM {ROM}: size 256 KiB -> 64 KiB"]),
        ({}, {"memory_blocks": {ROM: 262145}}, [f"ROM {ROM}: size 256 KiB -> 262145 bytes"]),
        ({}, {"memory_blocks": {"pc.ram": 1}}, []),
        # Firmware
        ({}, {"firmware": Firmware(size=131072, sha256="11" * 32)},
         ["firmware: size 256 KiB -> 128 KiB"]),
        ({}, {"firmware": Firmware(size=262144, sha256="11" * 32)},
         ["firmware: image one build -> another build"]),
        ({}, {"firmware": None}, []),
        # Device tree
        ({}, tree(), ["device tree: tree absent -> there"]),
        (tree(chosen={"rng-seed": b"1", "kaslr-seed": b"2"}),
         tree(chosen={"rng-seed": b"3", "kaslr-seed": b"4"}), []),
        (tree(cpus={"cpu@0": CPU}), tree(cpus={"cpu@0": OTHER_CPU}),
         ["device tree /cpus/cpu@0: reg <00000000> -> <00000001>",
          "device tree /cpus/cpu@0: pa 68 bytes -> other 68 bytes"]),
        (tree(), tree(cpus={"cpu@0": CPU}), ["device tree /cpus: node absent -> there"]),
        (tree(cpus={"cpu@0": CPU}), tree(cpus={}),
         ["device tree /cpus/cpu@0: node there -> absent"]),
        (tree(model=b"a\0"), tree(compatible=b""),
         ["device tree /: model 'a' -> absent", "device tree /: compatible absent -> set"]),
    ],
)  # fmt: skip
def test_differences_in_words(old: dict[str, Any], new: dict[str, Any], said: list[str]) -> None:
    one, two = fingerprint(**old), fingerprint(**new)
    assert [str(difference) for difference in differences(one, two)] == said
    assert len(differences(two, one)) == len(said)


def test_a_masked_field_is_not_compared() -> None:
    other = fingerprint(**files(smbios=smbios_builder.tables(product="KVM Virtual Machine")))
    assert len(differences(fingerprint(), other)) == 1
    assert differences(fingerprint(), other, {(1, "Product Name")}) == ()
