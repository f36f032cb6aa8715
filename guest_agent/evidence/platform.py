"""Group ``platform``: the device tree's identity (ppc64el, arm64) and /proc/sysinfo (s390x)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.files import attribute, read_text
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

# What /proc/device-tree is a link to (Linux ABI testing/sysfs-firmware-ofw).
_TREE = "/sys/firmware/devicetree/base"
_SYSINFO = "/proc/sysinfo"
_PROPERTIES = ("model", "compatible", "vm,uuid", "ibm,partition-name")
_MAX_COMPATIBLE = 64
_MAX_SYSINFO = 256
# A line for each processor of the whole machine, some hundreds before the lines of the guest.
_OF_EACH_PROCESSOR = "Adjustment "


def parse(properties: Mapping[str, bytes], sysinfo: Optional[str]) -> guest_pb2.Platform:
    """Return the group from properties of the tree's root and the text of /proc/sysinfo.

    A property is a list of strings that a zero byte ends each (Devicetree Specification 2.2.4).
    Raises ``EvidenceError`` (absent) where nothing is said: Linux gives a tree without identity to
    machines that have none.
    """
    texts = {
        name: [word for word in map(clean, raw.split(b"\0")) if word]
        for name, raw in properties.items()
    }
    group = guest_pb2.Platform(
        device_tree_model="".join(texts.get("model", [])[:1]),
        device_tree_compatible=texts.get("compatible", [])[:_MAX_COMPATIBLE],
        device_tree_uuid="".join(texts.get("vm,uuid", [])[:1]).lower(),
        device_tree_name="".join(texts.get("ibm,partition-name", [])[:1]),
        sysinfo=parse_sysinfo(sysinfo or ""),
    )
    if not group.ByteSize():
        raise EvidenceError(
            AbsenceReason.ABSENT,
            f"neither {_TREE} nor {_SYSINFO} names a machine; where there is SMBIOS, it does",
        )
    return group


def parse_sysinfo(text: str) -> "dict[str, str]":
    """Return key → value of /proc/sysinfo (Linux ``arch/s390/kernel/sysinfo.c``), bounded.

    How much each further processor adds to the machine's capability is left out.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if key.startswith(_OF_EACH_PROCESSOR):
            continue
        if colon and clean(key) and len(found) < _MAX_SYSINFO:
            found.setdefault(clean(key), clean(value))
    return found


def read(root: Path = Path("/")) -> guest_pb2.Platform:
    """Read the group; raises ``EvidenceError``."""
    raw = {name: attribute(root, f"{_TREE}/{name}") for name in _PROPERTIES}
    return parse({name: value for name, value in raw.items() if value is not None}, _sysinfo(root))


def _sysinfo(root: Path) -> Optional[str]:
    try:
        return read_text(root, _SYSINFO)
    except EvidenceError as error:
        if error.reason is AbsenceReason.ABSENT:
            return None
        raise
