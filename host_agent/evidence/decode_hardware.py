"""The groups of a report that describe hardware → ``Hardware``. Pure.

What the wire contract (``samemachine/v1/guest.proto``) says of counts, forms and ranges is checked
here: a group that does not keep to it is refused as a whole, since half of it would be compared as
if it were all. Strings are cut and escaped.
"""

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache, partial
from typing import Any, TypeVar
from uuid import UUID

from host_agent.domain.uefi import DATABASES
from host_agent.evidence.hardware import (
    AcpiTable,
    BlockDevice,
    Clock,
    Cpu,
    CpuidLeaf,
    Hardware,
    LuksToken,
    Memory,
    NetworkInterface,
    PciFunction,
    Platform,
    Tpm,
    TpmEvent,
    Uefi,
    VirtioDevice,
)
from host_agent.evidence.identifiers import TOKEN
from host_agent.evidence.report_bounds import (
    MAX_DISKS,
    MAX_EVENTS,
    MAX_FLAGS,
    MAX_FUNCTIONS,
    MAX_INTERFACES,
    MAX_LEAVES,
    MAX_PCRS,
    MAX_REGISTERS,
    MAX_TABLES,
    MAX_TOKENS,
    MAX_UEFI_DATABASES,
    MAX_VIRTIO,
    MAX_WORDS,
)
from host_agent.missing import Missing, Reason
from host_agent.printable import shortened
from samemachine.v1 import guest_pb2

MAX_TEXT = 512
_MAX_PROCESSORS = 1 << 20
_MAX_BYTES = 1 << 62

_PCI = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5,31}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[!-~]{4}[0-9]{0,4}")

_REASONS = {
    guest_pb2.ABSENCE_REASON_ABSENT: Reason.ABSENT,
    guest_pb2.ABSENCE_REASON_UNREADABLE: Reason.DENIED,
    guest_pb2.ABSENCE_REASON_UNSUPPORTED: Reason.UNSUPPORTED,
}

# Bits of CPUID that are not the machine's, as guest.proto lists them at CpuidLeaf: leaf and subleaf
# (None: every one) → bits of EAX, EBX, ECX, EDX. They follow what the kernel has switched on, or
# name the processor that was asked, or are measured.
_ALL = 0xFFFFFFFF
_NOT_THE_MACHINES: dict[tuple[int, int | None], tuple[int, int, int, int]] = {
    (0x1,        None): (0,    0xFF << 24, 1 << 27 | 1 << 3, 1 << 9),
    (0x7,        0):    (0,    0,          1 << 4,           0),
    (0xB,        None): (0,    0,          0,                _ALL),
    (0xD,        0):    (0,    _ALL,       0,                0),
    (0xD,        1):    (0,    _ALL,       0,                0),
    (0x19,       None): (0,    1,          0,                0),
    (0x1F,       None): (0,    0,          0,                _ALL),
    (0x40000010, None): (_ALL, 0,          0,                0),
    (0x80000001, None): (0,    0,          0,                1 << 9),
    (0x8000001E, None): (_ALL, 0xFF,       0,                0),
    (0x80000026, None): (0,    0,          0,                _ALL),
}  # fmt: skip
_SWITCH = {guest_pb2.UEFI_SWITCH_ON: True, guest_pb2.UEFI_SWITCH_OFF: False}
_MEASURED = {0x15, 0x16}

_LONGEST_KEPT = 16 * 1024
"""Bytes of what a guest says of its processors, above which it is not remembered."""
_T = TypeVar("_T")


class _InvalidError(ValueError):
    """The group does not keep to the contract; the sentence says where."""


def hardware(
    report: guest_pb2.Report, why: Callable[[int], Missing], *, hashed: bool = False
) -> Hardware:
    """Return the groups, validated; ``why`` gives the reason for one that is absent.

    ``hashed``: identifiers may be tokens, which no guest gives.
    """
    network = partial(_network, hashed=hashed)

    def group(field: str, number: int, what: str, make: Callable[[Any], _T]) -> _T | Missing:
        if not report.HasField(field):
            return why(number)
        try:
            return make(getattr(report, field))
        except _InvalidError as error:
            return Missing(
                reason=Reason.REFUSED,
                sentence=f"what the guest says of its {what} is not valid: {error}",
            )

    return Hardware(
        platform=group("platform", guest_pb2.EVIDENCE_GROUP_PLATFORM, "platform", _platform),
        cpu=group("cpu", guest_pb2.EVIDENCE_GROUP_CPU, "processors", _cpu),
        memory=group("memory", guest_pb2.EVIDENCE_GROUP_MEMORY, "memory", _memory),
        pci=group("pci", guest_pb2.EVIDENCE_GROUP_PCI, "PCI functions", _pci),
        virtio=group("virtio", guest_pb2.EVIDENCE_GROUP_VIRTIO, "virtio devices", _virtio),
        acpi=group("acpi", guest_pb2.EVIDENCE_GROUP_ACPI, "ACPI tables", _acpi),
        network=group("network", guest_pb2.EVIDENCE_GROUP_NETWORK, "network interfaces", network),
        block=group("block", guest_pb2.EVIDENCE_GROUP_BLOCK, "disks", _block),
        clock=group("clock", guest_pb2.EVIDENCE_GROUP_CLOCK, "clocks", _clock),
        uefi=group("uefi", guest_pb2.EVIDENCE_GROUP_UEFI, "UEFI", _uefi),
        tpm=group("tpm", guest_pb2.EVIDENCE_GROUP_TPM, "TPM", partial(_tpm, hashed=hashed)),
    )


def absent(absence: guest_pb2.Absence) -> Missing:
    """Return why something is not in a report, as the guest says it."""
    return Missing(
        reason=_REASONS.get(absence.reason, Reason.FAILED),
        sentence=_text(absence.detail) or "the guest agent gave no reason",
    )


def _platform(message: guest_pb2.Platform) -> Platform:
    _count(message.device_tree_compatible, MAX_WORDS, "names in `compatible`")
    _count(message.sysinfo, MAX_WORDS, "lines of sysinfo")
    return Platform(
        model=_text(message.device_tree_model),
        compatible=tuple(_given(text, "compatible") for text in message.device_tree_compatible),
        uuid=_uuid(message.device_tree_uuid) if message.device_tree_uuid else None,
        # The order of a map on the wire says nothing.
        sysinfo={
            _given(key, "sysinfo key"): _text(text) or ""
            for key, text in sorted(message.sysinfo.items())
        },
        name=_text(message.device_tree_name),
    )


def _cpu(message: guest_pb2.Cpu) -> Cpu:
    raw = message.SerializeToString()
    # Those of most guests of a host are the same, and long.
    return _cpu_kept(raw) if len(raw) <= _LONGEST_KEPT else _cpu_of(raw)


@lru_cache(maxsize=64)
def _cpu_kept(raw: bytes) -> Cpu:
    return _cpu_of(raw)


def _cpu_of(raw: bytes) -> Cpu:
    message = guest_pb2.Cpu.FromString(raw)
    _count(message.flags, MAX_FLAGS, "flags")
    if not message.online:
        raise _InvalidError("no processor is online")
    cpuid: tuple[CpuidLeaf, ...] | Missing
    if message.live_cpuid:
        cpuid = _cpuid(message.live_cpuid)
    elif message.HasField("live_cpuid_absence"):
        cpuid = absent(message.live_cpuid_absence)
    else:
        cpuid = Missing(
            reason=Reason.UNSUPPORTED,
            sentence="the guest agent read no CPUID and is too old to say why",
        )
    return Cpu(
        online=_number(message.online, _MAX_PROCESSORS, "number of processors"),
        present=_number(message.present, _MAX_PROCESSORS, "number of processors") or None,
        model=_text(message.model_name),
        vendor=_text(message.vendor),
        revision=_text(message.revision),
        flags=frozenset(_given(flag, "flag") for flag in message.flags),
        microcode=_text(message.microcode),
        cpuid=cpuid,
    )


def _cpuid(leaves: Collection[guest_pb2.CpuidLeaf]) -> tuple[CpuidLeaf, ...]:
    _count(leaves, MAX_LEAVES, "CPUID leaves")
    _unique(((one.leaf, one.subleaf) for one in leaves), "CPUID leaf")
    return lasting_cpuid(leaves)


def lasting_cpuid(leaves: Iterable[guest_pb2.CpuidLeaf]) -> tuple[CpuidLeaf, ...]:
    """Return what of these answers is the machine's, and the same from one moment to the next."""
    return tuple(_leaf(one) for one in leaves if one.leaf not in _MEASURED)


def lasting_bits(leaf: int, subleaf: int, register: int) -> int:
    """Return the bits of an answer that are the machine's; ``register``: 0 EAX to 3 EDX."""
    if leaf in _MEASURED:
        return 0
    blank = _NOT_THE_MACHINES.get((leaf, subleaf)) or _NOT_THE_MACHINES.get(
        (leaf, None), (0, 0, 0, 0)
    )
    return _ALL & ~blank[register]


def _leaf(one: guest_pb2.CpuidLeaf) -> CpuidLeaf:
    eax, ebx, ecx, edx = (
        answer & lasting_bits(one.leaf, one.subleaf, register)
        for register, answer in enumerate((one.eax, one.ebx, one.ecx, one.edx))
    )
    return CpuidLeaf(leaf=one.leaf, subleaf=one.subleaf, registers=(eax, ebx, ecx, edx))


def _memory(message: guest_pb2.Memory) -> Memory:
    if not message.total_bytes:
        raise _InvalidError("there is none")
    return Memory(
        total=_number(message.total_bytes, _MAX_BYTES, "size"),
        online=_number(message.online_bytes, _MAX_BYTES, "size") or None,
        block=_number(message.block_size_bytes, _MAX_BYTES, "size of a block") or None,
    )


def _pci(message: guest_pb2.PciBus) -> tuple[PciFunction, ...]:
    _count(message.functions, MAX_FUNCTIONS, "functions")
    found = tuple(
        PciFunction(
            address=_address(one.address),
            bridge=_address(one.bridge) if one.bridge else None,
            vendor=_number(one.vendor, 0xFFFF, "vendor"),
            device=_number(one.device, 0xFFFF, "device"),
            subsystem_vendor=_number(one.subsystem_vendor, 0xFFFF, "subsystem vendor"),
            subsystem_device=_number(one.subsystem_device, 0xFFFF, "subsystem device"),
            revision=_number(one.revision, 0xFF, "revision"),
            class_code=_number(one.class_code, 0xFFFFFF, "class code"),
        )
        for one in message.functions
    )
    _unique((one.address for one in found), "address")
    return found


def _virtio(message: guest_pb2.VirtioBus) -> tuple[VirtioDevice, ...]:
    _count(message.devices, MAX_VIRTIO, "devices")
    return tuple(
        VirtioDevice(
            parent=_given(one.parent, "parent"),
            device_id=one.device_id,
            features=one.features | one.features_high << 64,
            driver=_text(one.driver),
        )
        for one in message.devices
    )


def _acpi(message: guest_pb2.Acpi) -> tuple[AcpiTable, ...]:
    _count(message.tables, MAX_TABLES, "tables")
    found = tuple(
        AcpiTable(
            signature=_formed(one.signature, _SIGNATURE, "signature"),
            length=one.length,
            sha256=_digest(one.sha256),
            content_sha256=_digest(one.content_sha256) if one.content_sha256 else None,
        )
        for one in message.tables
    )
    _unique((one.signature for one in found), "signature")
    return found


def _network(message: guest_pb2.Network, *, hashed: bool) -> tuple[NetworkInterface, ...]:
    _count(message.interfaces, MAX_INTERFACES, "interfaces")
    found = tuple(
        NetworkInterface(
            mac=one.mac
            if hashed and TOKEN.fullmatch(one.mac)
            else _formed(one.mac, _MAC, "MAC address"),
            parent=_given(one.parent, "parent"),
            name=_given(one.name, "name"),
            driver=_text(one.driver),
            permanent_unknown=one.permanent_unknown,
        )
        for one in message.interfaces
    )
    _unique((one.name for one in found), "name")
    return found


def _block(message: guest_pb2.Block) -> tuple[BlockDevice, ...]:
    _count(message.devices, MAX_DISKS, "disks")
    found = tuple(
        BlockDevice(
            serial=_text(one.serial),
            wwn=_text(one.wwn),
            parent=_given(one.parent, "parent"),
            unit=_text(one.unit),
            name=_given(one.name, "name"),
            size=_number(one.size_bytes, _MAX_BYTES, "size"),
            removable=one.removable,
            logical_block=one.logical_block_bytes or None,
        )
        for one in message.devices
    )
    _unique((one.name for one in found), "name")
    return found


def _clock(message: guest_pb2.Clock) -> Clock:
    return Clock(
        source=_text(message.clocksource),
        realtime=message.realtime_nanoseconds,
        boottime=message.boottime_nanoseconds,
    )


def _uefi(message: guest_pb2.Uefi) -> Uefi:
    _count(message.databases, MAX_UEFI_DATABASES, "databases")
    for one in message.databases:
        if one.name not in DATABASES:
            raise _InvalidError(f"{shortened(one.name, 20)!r} is no database of secure boot")
    _unique((one.name for one in message.databases), "name")
    return Uefi(
        secure_boot=_SWITCH.get(message.secure_boot),
        setup_mode=_SWITCH.get(message.setup_mode),
        databases={one.name: _digest(one.sha256) for one in message.databases},
    )


def _tpm(message: guest_pb2.Tpm, *, hashed: bool) -> Tpm:
    _count(message.events, MAX_EVENTS, "events")
    _count(message.luks_tokens, MAX_TOKENS, "tokens")
    if len(message.pcrs) != MAX_PCRS:
        raise _InvalidError(f"{len(message.pcrs)} registers, not {MAX_PCRS}")
    for event in message.events:
        if event.pcr >= MAX_PCRS:
            raise _InvalidError(f"an event of register {event.pcr}")
    key = message.endorsement_sha256
    if key and not _FINGERPRINT.fullmatch(key) and not (hashed and TOKEN.fullmatch(key)):
        raise _InvalidError("a fingerprint of its key that is no SHA-256")
    return Tpm(
        pcrs=tuple(map(_digest, message.pcrs)),
        log=_digest(message.log_sha256) if message.log_sha256 else None,
        events=tuple(
            TpmEvent(pcr=one.pcr, type=one.type, sha256=_digest(one.sha256))
            for one in message.events
        ),
        tokens=tuple(map(_token, message.luks_tokens)) if message.luks_read else None,
        endorsement=key or None,
    )


def _token(message: guest_pb2.LuksToken) -> LuksToken:
    for numbers in (message.pcrs, message.signed_pcrs):
        _count(numbers, MAX_REGISTERS, "registers")
        if any(number >= MAX_REGISTERS for number in numbers):
            raise _InvalidError("a token has a register that no TPM has")
    return LuksToken(
        device=_text(message.device) or "",
        type=_text(message.type) or "",
        pin=_text(message.pin) or "",
        pcrs=tuple(message.pcrs) if message.bound else None,
        bank=_text(message.bank) or "",
        signed_pcrs=tuple(message.signed_pcrs),
    )


def _text(text: str) -> str | None:
    return shortened(text.strip(), MAX_TEXT) or None


def _given(text: str, what: str) -> str:
    found = _text(text)
    if found is None:
        raise _InvalidError(f"a {what} is empty")
    return found


def _formed(text: str, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(text):
        raise _InvalidError(f"{shortened(text, 40)!r} is no {what}")
    return text


def _address(text: str) -> str:
    return _formed(text, _PCI, "PCI address")


def _number(number: int, most: int, what: str) -> int:
    if number > most:
        raise _InvalidError(f"{number} is no {what}")
    return number


def _digest(raw: bytes) -> str:
    if len(raw) != 32:
        raise _InvalidError(f"a SHA-256 has {len(raw)} bytes")
    return raw.hex()


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise _InvalidError(f"{shortened(text, 40)!r} is no UUID") from None


def _count(items: Collection[object], most: int, what: str) -> None:
    if len(items) > most:
        raise _InvalidError(f"{len(items)} {what}, more than {most}")


def _unique(keys: Iterable[object], what: str) -> None:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise _InvalidError(f"two of one {what}")
        seen.add(key)
