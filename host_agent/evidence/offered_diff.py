"""What a rehearsed machine offers beside its tables: virtio, CPU, memory map, ROMs. Pure.

Held against what a guest took of it, and against what another machine offers. A driver takes of a
virtio device's features what it knows, so a guest is as its machine where it took none that is not
offered; a CPU answers with what it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from host_agent.difference import Area, Difference
from host_agent.evidence import cpuid_names, virtio_names
from host_agent.evidence.decode_hardware import lasting_bits
from host_agent.evidence.hardware import Cpu, VirtioDevice
from host_agent.evidence.rehearsed import CpuWord, Rehearsed, RehearsedCpu, RehearsedVirtio
from host_agent.firmware import fingerprint_diff
from host_agent.firmware.acpi import TABLES_FILE
from host_agent.firmware.fingerprint import FILES
from host_agent.missing import Missing

# What the back-end decides, by kind of device: offloads follow from the network's own
# (hw/net/virtio-net.c: virtio_net_get_features), zones from the disk (hw/block/virtio-blk.c).
_BACK_ENDS = {
    1: sum(1 << bit for bit in (0, 1, *range(7, 15), 46, 54, 55, 56, 57, *range(65, 69))),
    2: 1 << 17,
}
_REGISTERS = ("EAX", "EBX", "ECX", "EDX")
# What an answer has beside the features: bits that tell of several vCPUs in a socket, and leaves of
# which only some bits are features (target/i386/cpu.c: cpu_x86_cpuid); and transactions, which a
# guest may switch off for itself (Linux arch/x86/kernel/cpu/tsx.c).
_ADDED = {(0x1, "EDX"): 1 << 28, (0x7, "EBX"): 1 << 4 | 1 << 11, (0x80000001, "ECX"): 1 << 1}
_ADDED_LEAVES = frozenset({0x12, 0x14, 0x24})
_HYPERVISORS = range(0x40000000, 0x50000000)
"""Leaves that the hypervisor itself answers, as it is configured."""
_NO_KVM = "KVM can't be had for the rehearsal, and the CPU depends on it"
_CONTENTS = (*FILES, TABLES_FILE)
"""Files whose contents are compared, so that their sizes say nothing more."""


@dataclass(slots=True)
class Held:
    """What came of holding a guest against what it was offered."""

    differences: list[Difference] = field(default_factory=list)
    """Old is the rehearsal's, new the guest's."""
    not_compared: list[str] = field(default_factory=list)
    virtio: int = 0
    """How many virtio devices' drivers took nothing that is not offered."""
    cpu: bool = False
    """Whether number, vendor, name and revision of the processors are the same."""
    registers: int = 0
    """How many registers that CPUID answers with are the same."""


def with_guest(
    rehearsed: Rehearsed, virtio: tuple[VirtioDevice, ...] | Missing, cpu: Cpu | Missing
) -> Held:
    """Hold a guest's own report against what it was offered."""
    held = Held()
    if isinstance(virtio, Missing):
        held.not_compared.append(f"{Area.VIRTIO}: {virtio.sentence}")
    else:
        _hold_virtio(held, rehearsed, virtio)
    if isinstance(cpu, Missing):
        held.not_compared.append(f"{Area.CPU}: {cpu.sentence}")
    elif rehearsed.cpu is None:
        held.not_compared.append(f"{Area.CPU}: its QEMU does not tell it")
    elif not rehearsed.as_domain:
        held.not_compared.append(f"{Area.CPU}: {_NO_KVM}")
    else:
        _hold_cpu(held, rehearsed, rehearsed.cpu, cpu)
    return held


def _hold_virtio(held: Held, rehearsed: Rehearsed, devices: Sequence[VirtioDevice]) -> None:
    stand_ins = {one.stand_in: one.what for one in rehearsed.left_out if one.stand_in}
    taken = {one.parent: one for one in devices}
    decided: list[str] = []
    for offered in rehearsed.virtio:
        one, name = taken.get(offered.address), _name(offered)
        if offered.device in stand_ins:
            why = f"{stand_ins[offered.device]} can't be rehearsed"
            held.not_compared.append(f"{Area.VIRTIO} {offered.address}: {why}")
        elif one is None or one.driver is None:
            held.not_compared.append(f"{Area.VIRTIO} {name}: the guest has no driver bound to it")
        elif one.device_id != offered.kind:
            held.differences.append(_kind(name, offered.kind, one.device_id))
        else:
            more = one.features & ~offered.features
            by_back_end = more & _BACK_ENDS.get(offered.kind, 0)
            decided += [name] if by_back_end else []
            held.differences += _features(offered, 0, more & ~by_back_end, "not offered", "taken")
            held.virtio += more == by_back_end
    if decided:
        names = ", ".join(decided)
        held.not_compared.append(
            f"{Area.VIRTIO}: features of {names} that the network or disk behind decides on"
        )
    for parent in sorted(taken.keys() - {one.address for one in rehearsed.virtio}):
        held.not_compared.append(f"{Area.VIRTIO} {parent}: it is not in the rehearsal")


def _name(one: RehearsedVirtio) -> str:
    return one.device or one.address


def _kind(name: str, old: int, new: int) -> Difference:
    was, now = (virtio_names.DEVICES.get(kind, str(kind)) for kind in (old, new))
    return Difference(area=Area.VIRTIO, subject=name, field="kind", old=was, new=now)


def _features(
    device: RehearsedVirtio, old: int, new: int, without: str, having: str
) -> Iterator[Difference]:
    for bit in virtio_names.bits(old ^ new):
        was, now = (having if side >> bit & 1 else without for side in (old, new))
        yield Difference(
            area=Area.VIRTIO,
            subject=_name(device),
            field=f"feature {virtio_names.feature(device.kind, bit)}",
            old=was,
            new=now,
        )


def _hold_cpu(held: Held, rehearsed: Rehearsed, ours: RehearsedCpu, guests: Cpu) -> None:
    found = [*_names(ours, guests)]
    plugged = [one.what for one in rehearsed.left_out if "APIC" in one.tables]
    if plugged:
        held.not_compared.append(f"number of processors: {plugged[0]} can't be rehearsed")
    elif ours.vcpus != (guests.present or guests.online):
        number = str(guests.present or guests.online)
        found.append(_of_cpu("", "processors", str(ours.vcpus), number))
    held.cpu = not found
    if isinstance(guests.cpuid, Missing):
        held.not_compared.append(f"CPUID: {guests.cpuid.sentence}")
    else:
        answers = {
            (one.leaf, one.subleaf, register): value
            for one in guests.cpuid
            for register, value in zip(_REGISTERS, one.registers, strict=True)
        }
        for word in ours.words:
            mask, answer = _comparable(word), answers.get(word[:3])
            if answer is None or not mask:
                continue
            if word.bits & mask == answer & mask:
                held.registers += 1
            else:
                found.append(_registers(word, word.bits & mask, answer & mask))
    held.differences += found


def _names(ours: RehearsedCpu, guests: Cpu) -> Iterator[Difference]:
    for what, mine, theirs in (
        ("vendor", ours.vendor, guests.vendor),
        # The kernel leaves out blanks that say nothing.
        ("name", " ".join(ours.name.split()), guests.model and " ".join(guests.model.split())),
        ("revision", ours.revision, guests.revision),
    ):
        if theirs is not None and mine != theirs:
            yield _of_cpu("", what, f"'{mine}'", f"'{theirs}'")


def _comparable(word: CpuWord) -> int:
    """Return the bits of a register that are the machine's features and nothing else."""
    if word.leaf in _ADDED_LEAVES or word.leaf in _HYPERVISORS or word.register not in _REGISTERS:
        return 0
    added = _ADDED.get((word.leaf, word.register), 0)
    return lasting_bits(word.leaf, word.subleaf, _REGISTERS.index(word.register)) & ~added


def _of_cpu(subject: str, what: str, old: str, new: str) -> Difference:
    return Difference(area=Area.CPU, subject=subject, field=what, old=old, new=new)


def between(old: Rehearsed, new: Rehearsed) -> Iterator[Difference]:
    """Yield what one machine offers otherwise than another."""
    yield from _virtio(old, new)
    if old.cpu is not None and new.cpu is not None and old.accelerator == new.accelerator:
        yield from _cpus(old.cpu, new.cpu)
    yield from fingerprint_diff.memory_map(old.memory, new.memory)
    yield from fingerprint_diff.files(old.files, new.files, _CONTENTS)
    yield from fingerprint_diff.memory_blocks(old.blocks, new.blocks)


def _virtio(old: Rehearsed, new: Rehearsed) -> Iterator[Difference]:
    """Yield what devices that both have offer otherwise."""
    stand_ins = {one.stand_in for side in (old, new) for one in side.left_out}
    after = {_name(one): one for one in new.virtio}
    for one in old.virtio:
        name = _name(one)
        other = after.get(name)
        if other is None or one.device in stand_ins:
            continue
        if one.kind != other.kind:
            yield _kind(name, one.kind, other.kind)
            continue
        yield from _features(one, one.features, other.features, "not offered", "offered")
        if one.queues != other.queues:
            yield Difference(
                area=Area.VIRTIO,
                subject=name,
                field="entries of its queues",
                old=sizes(one.queues),
                new=sizes(other.queues),
            )


def sizes(queues: tuple[int, ...]) -> str:
    """Return sizes of queues in words, such as ``2x256 64``."""
    runs = [(size, len(list(run))) for size, run in groupby(queues)]
    return " ".join(f"{size}" if many == 1 else f"{many}x{size}" for size, many in runs)


def _cpus(old: RehearsedCpu, new: RehearsedCpu) -> Iterator[Difference]:
    for what, mine, theirs in (
        ("processors", str(old.vcpus), str(new.vcpus)),
        ("vendor", f"'{old.vendor}'", f"'{new.vendor}'"),
        ("name", f"'{old.name}'", f"'{new.name}'"),
        ("revision", f"'{old.revision}'", f"'{new.revision}'"),
    ):
        if mine != theirs:
            yield _of_cpu("", what, mine, theirs)
    before, after = _words(old), _words(new)
    for word in dict.fromkeys([*before, *after]):
        # What a QEMU does not know it does not give.
        one, two = before.get(word, 0), after.get(word, 0)
        if one != two:
            yield _registers(word, one, two)
    for name in sorted({*old.filtered} ^ {*new.filtered}):
        states = ["not to be had" if name in side.filtered else "given" for side in (old, new)]
        yield _of_cpu("", f"its model's feature {name}", *states)


def _words(cpu: RehearsedCpu) -> Mapping[CpuWord, int]:
    return {one._replace(bits=0): one.bits for one in cpu.words}


def _registers(word: CpuWord, old: int, new: int) -> Difference:
    """Tell what a register answers otherwise, with the features that are lost and gained."""
    changes = [
        f"{said} {' '.join(cpuid_names.names(*word[:3], bits))}"
        for said, bits in (("lost", old & ~new), ("gained", new & ~old))
        if bits
    ]
    return _of_cpu(word.name, "features", f"{old:#010x}", f"{new:#010x} ({'; '.join(changes)})")
