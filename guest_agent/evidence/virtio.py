"""Group ``virtio``: the virtio devices, and what each negotiated with its driver."""

import re
from pathlib import Path

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import devices
from guest_agent.evidence.files import read_text
from guest_agent.evidence.pci import number
from samemachine.v1 import guest_pb2

_DEVICES = "/sys/bus/virtio/devices"
_MAX_DEVICES = 2048


def parse_features(text: str) -> "tuple[int, int]":
    """Return feature bits 0 to 63 and 64 to 127 from a string of 0 and 1, bit 0 first.

    Linux ``drivers/virtio/virtio.c: features_show``; 128 bits from Linux 6.17 on. Raises
    ``EvidenceError`` where it is no such string.
    """
    bits = text.strip()
    if not re.fullmatch(r"[01]{1,128}", bits):
        raise EvidenceError(AbsenceReason.FAILED, f"{bits[:40]!r} are no feature bits")
    value = int(bits[::-1], 2)
    return value & (1 << 64) - 1, value >> 64


def parse(path: str, device: str, features: str, driver: str = "") -> guest_pb2.VirtioDevice:
    """Return one device from its path in /sys/devices and its files; raises ``EvidenceError``."""
    low, high = parse_features(features)
    return guest_pb2.VirtioDevice(
        parent=devices.bus_address(path),
        device_id=number(device, 32),
        features=low,
        features_high=high,
        driver=driver,
    )


def read(root: Path = Path("/")) -> guest_pb2.VirtioBus:
    """Read the group; raises ``EvidenceError``, absent where the kernel knows no virtio."""

    def one(path: str) -> guest_pb2.VirtioDevice:
        return parse(
            devices.place(root, path),
            read_text(root, f"{path}/device"),
            read_text(root, f"{path}/features"),
            devices.driver(root, path),
        )

    found = devices.each(root, _DEVICES, _MAX_DEVICES, one)
    found.sort(key=lambda device: (device.parent, device.device_id))
    return guest_pb2.VirtioBus(devices=found)
