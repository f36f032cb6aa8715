"""Live CPUID, a part of group ``cpu``: asks processor 0 through the kernel's module ``cpuid``.

Under KVM and TCG the instruction is answered by the QEMU that serves now, so after a live migration
it is the destination's answer, while /proc/cpuinfo goes on saying what was at boot. Which bits are
not the machine's is listed in guest.proto, at CpuidLeaf; here they are all kept.

The module is not loaded on its own, and loading it is not the agent's business: an image lists
``cpuid`` in /etc/modules-load.d.
"""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from guest_agent.errors import AbsenceReason, EvidenceError
from samemachine.v1 import guest_pb2

_DEVICE = "/dev/cpu/0/cpuid"

# Where each range begins; EAX of its first leaf is its last leaf (Intel SDM volume 2A, CPUID; AMD
# APM volume 3, appendix E; Linux virt/kvm/x86/cpuid.rst). With Hyper-V's leaves, KVM's own begin at
# 0x40000100; 0xc0000000 is Zhaoxin's.
_RANGES = (0x0, 0x40000000, 0x40000100, 0x80000000, 0xC0000000)
_MAX_LEAVES = 0x40
_MAX_SUBLEAVES = 64
MAX_ANSWERS = 1024
"""No processor has a quarter of it; a hypervisor may answer what it likes."""


class Registers(NamedTuple):
    """One answer."""

    eax: int
    ebx: int
    ecx: int
    edx: int


Ask = Callable[[int, int], Registers]
"""Returns the answer to a leaf and subleaf."""

# Which subleaves a leaf has. Those that say so in subleaf 0: EAX is the last one …
_LAST_IN_EAX = {0x7, 0x14, 0x17, 0x18, 0x1D, 0x20, 0x24}
# … or a register has a bit for each (subleaf 0xd.1 has another two; see _components) …
_BITS: "dict[int, Callable[[Registers], int]]" = {
    0xF: lambda first: first.edx,
    0x10: lambda first: first.ebx,
    0x23: lambda first: first.eax,
    0x80000020: lambda first: first.ebx,
}
# … and those that go on until one says that it is none: no cache, no level, no section (which
# begin at subleaf 2).
_UNTIL: "dict[int, tuple[int, Callable[[Registers], bool]]]" = {
    0x4: (1, lambda answer: not answer.eax & 0x1F),
    0xB: (1, lambda answer: not answer.ecx & 0xFF00),
    0x12: (2, lambda answer: not answer.eax & 0xF),
    0x1F: (1, lambda answer: not answer.ecx & 0xFF00),
    0x8000001D: (1, lambda answer: not answer.eax & 0x1F),
    0x80000026: (1, lambda answer: not answer.ecx & 0xFF00),
}
_XSAVE = 0xD


def walk(ask: Ask) -> "list[guest_pb2.CpuidLeaf]":
    """Return all leaves and subleaves that ``ask`` says it has, bounded whatever it says."""
    found: list[guest_pb2.CpuidLeaf] = []
    for begin in _RANGES:
        last = ask(begin, 0).eax
        if not begin <= last < begin + 0x100:
            continue
        for leaf in range(begin, min(last, begin + _MAX_LEAVES - 1) + 1):
            for subleaf, answer in _answers(leaf, ask):
                found.append(guest_pb2.CpuidLeaf(leaf=leaf, subleaf=subleaf, **answer._asdict()))
            if len(found) >= MAX_ANSWERS:
                return found[:MAX_ANSWERS]
    return found


def _answers(leaf: int, ask: Ask) -> "Iterator[tuple[int, Registers]]":
    first = ask(leaf, 0)
    yield 0, first
    if leaf in _UNTIL:
        begin, is_none = _UNTIL[leaf]
        for subleaf in range(1, _MAX_SUBLEAVES):
            answer = ask(leaf, subleaf)
            if subleaf >= begin and is_none(answer):
                return
            yield subleaf, answer
    elif leaf == _XSAVE:
        yield from ((subleaf, ask(leaf, subleaf)) for subleaf in _components(first, ask))
    elif leaf in _LAST_IN_EAX:
        for subleaf in range(1, min(first.eax, _MAX_SUBLEAVES - 1) + 1):
            yield subleaf, ask(leaf, subleaf)
    elif leaf in _BITS:
        for subleaf in _bits(_BITS[leaf](first)):
            yield subleaf, ask(leaf, subleaf)


def _components(first: Registers, ask: Ask) -> "list[int]":
    """Subleaves of leaf 0xd: 1, and one for each bit of XCR0 and IA32_XSS that may be set."""
    second = ask(_XSAVE, 1)
    states = first.eax | first.edx << 32 | second.ecx | second.edx << 32
    return [1, *(bit for bit in _bits(states) if bit > 1)]


def _bits(value: int) -> "list[int]":
    return [bit for bit in range(1, _MAX_SUBLEAVES) if value >> bit & 1]


def read(root: Path = Path("/")) -> "list[guest_pb2.CpuidLeaf]":
    """Ask the device (Linux ``arch/x86/kernel/cpuid.c``); raises ``EvidenceError``.

    The place to read is the leaf, with the subleaf in the upper half; 16 bytes are one answer.
    """
    try:
        descriptor = os.open(root / _DEVICE.lstrip("/"), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _closed(error) from error
    try:
        return walk(lambda leaf, subleaf: _ask(descriptor, leaf, subleaf))
    finally:
        os.close(descriptor)


def _ask(descriptor: int, leaf: int, subleaf: int) -> Registers:
    try:
        raw = os.pread(descriptor, 16, leaf | subleaf << 32)
        return Registers(*struct.unpack("<4I", raw))
    except OSError as error:
        raise EvidenceError(
            AbsenceReason.FAILED, f"{_DEVICE} can't be read: {error.strerror}"
        ) from error
    except struct.error:
        raise EvidenceError(AbsenceReason.FAILED, f"{_DEVICE} gave a cut answer") from None


def _closed(error: OSError) -> EvidenceError:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return EvidenceError(
            AbsenceReason.UNREADABLE,
            f"there is no {_DEVICE}: the module cpuid is not loaded, or the unit hides devices; "
            "for every boot: echo cpuid >/etc/modules-load.d/samemachine-guest.conf",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return EvidenceError(
            AbsenceReason.UNREADABLE, f"{_DEVICE} may not be opened; the agent must run as root"
        )
    return EvidenceError(AbsenceReason.FAILED, f"{_DEVICE} can't be opened: {error.strerror}")
