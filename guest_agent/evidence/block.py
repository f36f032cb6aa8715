"""Group ``block``: the disks, by serial number and by the hardware that carries them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import devices
from guest_agent.evidence.files import attribute
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_CLASS = "/sys/block"
_MAX_DISKS = 4096
_SECTOR = 512

# The first that has something wins. virtio_blk makes "serial" of the disk; NVMe, MMC and, from
# Linux 6.15 on, SCSI have one of the device.
_SERIAL = ("serial", "device/serial")
_VPD_SERIAL = "device/vpd_pg80"
_WWN = ("wwid", "device/wwid")
_FILES = (
    *_SERIAL, _VPD_SERIAL, *_WWN, "size", "removable", "hidden", "nsid",
    "queue/logical_block_size",
)  # fmt: skip

_SCSI = re.compile(r"[0-9]+:([0-9]+:[0-9]+:[0-9]+)")
_ATA = re.compile(r"(.*/(ata[0-9]+))/.*")
_NVME_CONTROLLER = re.compile(r"nvme[0-9]+")


def parse(
    name: str, files: Mapping[str, bytes], path: str, ata_port: str = ""
) -> guest_pb2.BlockDevice:
    """Return one disk from its files and its device's path in /sys/devices.

    ``ata_port`` is the number of the controller's port that it hangs on. Raises ``EvidenceError``
    where the disk has no size.
    """
    serials = [clean(files.get(file, b"")) for file in _SERIAL]
    serials.append(parse_vpd_serial(files.get(_VPD_SERIAL, b"")))
    return guest_pb2.BlockDevice(
        name=clean(name),
        parent=devices.bus_address(path),
        serial=next(filter(None, serials), ""),
        wwn=next(filter(None, (clean(files.get(file, b"")) for file in _WWN)), ""),
        size_bytes=_number(name, files.get("size", b""), 54) * _SECTOR,
        unit=unit(path, clean(files.get("nsid", b"")), ata_port),
        removable=files.get("removable", b"").strip() == b"1",
        logical_block_bytes=_number(name, files.get("queue/logical_block_size", b"0"), 32),
    )


def _number(name: str, raw: bytes, bits: int) -> int:
    match = re.fullmatch(rb"[0-9]{1,19}", raw.strip())
    if match is None or int(match.group()) >> bits:
        raise EvidenceError(AbsenceReason.FAILED, f"{_CLASS}/{clean(name)} has no valid size")
    return int(match.group())


def parse_vpd_serial(page: bytes) -> str:
    """Return the serial number in a SCSI unit serial number page; empty where there is none.

    SPC-4 7.8.18: the page's code is byte 1, the length bytes 2 and 3. libata makes the page for ATA
    disks too.
    """
    if len(page) < 4 or page[1] != 0x80:
        return ""
    return clean(page[4 : 4 + int.from_bytes(page[2:4], "big")])


def unit(path: str, namespace: str = "", ata_port: str = "") -> str:
    """Return where a disk is below its controller, from its device's path in /sys/devices.

    A SCSI address is host, channel, target and unit; the host's number depends on which driver was
    first and is left out.
    """
    scsi = _SCSI.fullmatch(path.rsplit("/", 1)[-1])
    if scsi is None:
        return namespace
    return ":".join(filter(None, (ata_port, scsi.group(1))))


def read(root: Path = Path("/")) -> guest_pb2.Block:
    """Read the group (Linux ABI stable/sysfs-block); raises ``EvidenceError``."""

    def one(path: str) -> Optional[guest_pb2.BlockDevice]:
        if not (root / path.lstrip("/") / "device").exists():
            return None
        contents = {file: attribute(root, f"{path}/{file}") for file in _FILES}
        files = {file: content for file, content in contents.items() if content is not None}
        if files.get("hidden", b"").strip() == b"1":
            return None
        place = _controller(root, devices.place(root, f"{path}/device"))
        return parse(path.rsplit("/", 1)[1], files, place, _ata_port(root, place))

    found = devices.each(root, _CLASS, _MAX_DISKS, one)
    found.sort(key=lambda disk: (disk.parent, disk.name))
    return guest_pb2.Block(devices=found)


def _controller(root: Path, place: str) -> str:
    """A disk of NVMe multipath hangs on a subsystem, which has links to its controllers."""
    if "/nvme-subsystem/" not in place:
        return place
    for name in devices.names(root, place, _MAX_DISKS):
        if _NVME_CONTROLLER.fullmatch(name):
            return devices.place(root, f"{place}/{name}")
    return place


def _ata_port(root: Path, place: str) -> str:
    match = _ATA.fullmatch(place)
    if match is None:
        return ""
    folder, port = match.groups()
    return clean(attribute(root, f"{folder}/ata_port/{port}/port_no") or b"")
