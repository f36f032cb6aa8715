"""Group ``pci``: the functions that the kernel found on the PCI buses."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import devices
from guest_agent.evidence.files import read_text
from samemachine.v1 import guest_pb2

_DEVICES = "/sys/bus/pci/devices"
_MAX_FUNCTIONS = 4096

# field of the contract, file in the function's folder (Linux PCI/sysfs-pci.rst), bits
_FIELDS = (
    ("vendor",           "vendor",           16),
    ("device",           "device",           16),
    ("subsystem_vendor", "subsystem_vendor", 16),
    ("subsystem_device", "subsystem_device", 16),
    ("revision",         "revision",         8),
    ("class_code",       "class",            24),
)  # fmt: skip


def parse(address: str, files: Mapping[str, str], bridge: str = "") -> guest_pb2.PciFunction:
    """Return one function from the files of its folder, name → content.

    Raises ``EvidenceError`` where one is missing or no such number.
    """
    values = {field: number(files.get(name, ""), bits) for field, name, bits in _FIELDS}
    return guest_pb2.PciFunction(address=address, bridge=bridge, **values)


def number(text: str, bits: int) -> int:
    """Return the number that sysfs prints as "0x1af4"; raises ``EvidenceError`` (failed)."""
    match = re.fullmatch(r"0x([0-9a-f]{1,8})", text.strip().lower())
    if match is None or int(match.group(1), 16) >> bits:
        raise EvidenceError(
            AbsenceReason.FAILED, f"{text.strip()[:40]!r} is no number of {bits} bits"
        )
    return int(match.group(1), 16)


def order(address: str) -> "tuple[int, str]":
    """Return what addresses are sorted by: a domain may have more digits than another."""
    domain, _, rest = address.partition(":")
    return int(domain, 16), rest


def read(root: Path = Path("/")) -> guest_pb2.PciBus:
    """Read the group; raises ``EvidenceError``."""

    def one(path: str) -> Optional[guest_pb2.PciFunction]:
        address = path.rsplit("/", 1)[1]
        if not devices.is_pci(address):
            return None
        files = {name: read_text(root, f"{path}/{name}") for _, name, _ in _FIELDS}
        return parse(address, files, devices.bridge(devices.place(root, path)))

    functions = devices.each(root, _DEVICES, _MAX_FUNCTIONS, one)
    functions.sort(key=lambda function: order(function.address))
    return guest_pb2.PciBus(functions=functions)
