"""Group ``cpu``: the processor as the kernel found it at boot, and as CPUID answers now."""

import re
from collections.abc import Mapping
from pathlib import Path

from guest_agent.absence import absence
from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import cpuid
from guest_agent.evidence.files import attribute, read_head, read_text
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_CPUINFO = "/proc/cpuinfo"
_ONLINE = "/sys/devices/system/cpu/online"
_PRESENT = "/sys/devices/system/cpu/present"
# Enough for the first processor; with all of them the file has megabytes.
_HEAD_BYTES = 16 * 1024
_MAX_FLAGS = 1024
_MAX_FLAG = 64
_MAX_PROCESSORS = 1 << 20
_RANGE = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")

# What each architecture calls it in /proc/cpuinfo: x86, then arm64, ppc64el and s390x.
_FLAGS = ("flags", "Features", "features")
_MODEL_NAME = ("model name", "cpu")
_VENDOR = ("vendor_id", "CPU implementer")
_REVISION = (
    ("cpu family", "model", "stepping"),
    ("CPU implementer", "CPU variant", "CPU part", "CPU revision"),
    ("revision",),
)
_ONLY_X86 = "cpu family"
# s390x has a line of its own for each (Linux arch/s390/kernel/processor.c); the identification in
# it is a serial number. Of what a CPU model has, most is told by the numbers of facilities alone
# (z/Architecture Principles of Operation, STORE FACILITY LIST EXTENDED).
_MAINFRAME = re.compile(r"version = (\w+),\s+identification = \w+,\s+machine = (\w+)")


def parse(cpuinfo: str, online: str, present: str = "") -> guest_pb2.Cpu:
    """Return the group, without live CPUID, from /proc/cpuinfo and the two lists of sysfs.

    Raises ``EvidenceError`` where ``online`` is no list.
    """
    fields = first_processor(cpuinfo)
    words = next((fields[key] for key in _FLAGS if key in fields), "").split()
    words += [f"facility-{number}" for number in fields.get("facilities", "").split()]
    mainframe = _MAINFRAME.fullmatch(fields.get("processor 0", ""))
    if mainframe is not None:
        fields["cpu"], fields["revision"] = mainframe.group(2), mainframe.group(1)
    flags = sorted({clean(word)[:_MAX_FLAG] for word in words})
    return guest_pb2.Cpu(
        online=count(online),
        present=count(present) if present.strip() else 0,
        model_name=clean(next((fields[key] for key in _MODEL_NAME if key in fields), "")),
        vendor=clean(next((fields[key] for key in _VENDOR if key in fields), "")),
        flags=flags[:_MAX_FLAGS],
        microcode=clean(fields.get("microcode", "")),
        revision=next(
            (
                clean("-".join(fields[key] for key in keys))
                for keys in _REVISION
                if all(key in fields for key in keys)
            ),
            "",
        ),
    )


def first_processor(cpuinfo: str) -> "dict[str, str]":
    """Return key → value of the first paragraph of /proc/cpuinfo; of a repeated key, the first."""
    fields: dict[str, str] = {}
    for line in cpuinfo.lstrip("\n").split("\n\n")[0].splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    return fields


def count(text: str) -> int:
    """Return how many a list such as "0-3,8" names (Linux admin-guide/cputopology.rst).

    Raises ``EvidenceError`` (failed) where it is no such list.
    """
    total = 0
    for part in text.strip().split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise EvidenceError(AbsenceReason.FAILED, f"{clean(text)[:80]!r} lists no processors")
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        total += max(0, last - first + 1)
    if not 0 < total <= _MAX_PROCESSORS:
        raise EvidenceError(AbsenceReason.FAILED, f"{clean(text)[:80]!r} lists no processors")
    return total


def read(root: Path = Path("/")) -> guest_pb2.Cpu:
    """Read the group; raises ``EvidenceError``. Want of live CPUID is said inside the group."""
    cpuinfo = read_head(root, _CPUINFO, _HEAD_BYTES).decode("utf-8", "replace")
    present = (attribute(root, _PRESENT) or b"").decode("utf-8", "replace")
    group = parse(cpuinfo, read_text(root, _ONLINE), present)
    try:
        group.live_cpuid.extend(_live(root, first_processor(cpuinfo)))
    except EvidenceError as error:
        group.live_cpuid_absence.CopyFrom(absence(guest_pb2.EVIDENCE_GROUP_CPU, error))
    return group


def _live(root: Path, fields: Mapping[str, str]) -> "list[guest_pb2.CpuidLeaf]":
    if _ONLY_X86 not in fields:
        raise EvidenceError(AbsenceReason.ABSENT, "this architecture has no CPUID instruction")
    return cpuid.read(root)
