"""The CPU that a QEMU gives its guest, as QMP tells it of the first vCPU: features and name."""

from typing import Any

from host_agent.errors import EvidenceError
from host_agent.evidence.rehearsed import CpuWord, RehearsedCpu
from host_agent.printable import printable
from host_agent.qemu.options import TCG, ProbeOptions
from host_agent.qemu.session import NO_QMP, QemuSession

_ARM64 = "aarch64"
_MOST_WORDS = 256
_MOST_NAMES = 1024
_LONGEST = 64
_PROPERTIES = (
    "vendor", "model-id", "feature-words", "unavailable-features", "family", "model", "stepping",
)  # fmt: skip


def read(session: QemuSession, machine: ProbeOptions) -> RehearsedCpu | None:
    """Return the CPU; None: this QEMU does not tell (``target/i386/cpu.c``: ``feature-words``)."""
    try:
        vcpus = session.qmp("query-cpus-fast")
        path = str(vcpus[0]["qom-path"])
        if machine.architecture == _ARM64:
            return _arm64(session, path, len(vcpus)) if machine.accelerator == TCG else None
        asked = [{"path": path, "property": name} for name in _PROPERTIES]
        vendor, name, words, filtered, *revision = session.qmp_all("qom-get", asked)
        return RehearsedCpu(
            vcpus=len(vcpus),
            vendor=_text(vendor),
            name=_text(name),
            revision="-".join(str(int(number)) for number in revision),
            words=tuple(sorted(map(_word, words[:_MOST_WORDS]))),
            filtered=tuple(map(_text, filtered[:_MOST_NAMES])),
        )
    except (EvidenceError, IndexError, *NO_QMP):
        return None


def _arm64(session: QemuSession, path: str, vcpus: int) -> RehearsedCpu:
    """Return what MIDR_EL1 says (Arm ARM, D23.2.122), as Linux writes it to /proc/cpuinfo.

    ``arch/arm64/kernel/cpuinfo.c``. Under KVM a guest reads the host's, which no property tells.
    """
    register = int(session.qmp("qom-get", path=path, property="midr"))
    implementer = f"0x{register >> 24 & 0xFF:02x}"
    variant, part = f"0x{register >> 20 & 0xF:x}", f"0x{register >> 4 & 0xFFF:03x}"
    return RehearsedCpu(
        vcpus=vcpus,
        vendor=implementer,
        name="",
        revision=f"{implementer}-{variant}-{part}-{register & 0xF}",
        words=(),
        filtered=(),
    )


def _word(answer: dict[str, Any]) -> CpuWord:
    """Read QMP's ``X86CPUFeatureWordInfo``."""
    return CpuWord(
        leaf=int(answer["cpuid-input-eax"]),
        subleaf=int(answer.get("cpuid-input-ecx", 0)),
        register=_text(answer["cpuid-register"]),
        bits=int(answer["features"]) & 0xFFFFFFFF,
    )


def _text(answer: object) -> str:
    return printable(str(answer))[:_LONGEST]
