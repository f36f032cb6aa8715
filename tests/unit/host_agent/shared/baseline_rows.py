"""Rows for the checks against the baseline: what changed, on which occasion, and what is said."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from host_agent.case.case import Case, Occasion
from host_agent.checks import (
    clock,
    same_acpi,
    same_block,
    same_boot,
    same_cpu,
    same_memory,
    same_network,
    same_pci,
    same_smbios,
    same_virtio,
)
from host_agent.evidence.baseline import Event
from host_agent.evidence.hardware import (
    AcpiTable,
    BlockDevice,
    Cpu,
    CpuidLeaf,
    Hardware,
    Memory,
    NetworkInterface,
    PciFunction,
    Platform,
    VirtioDevice,
)
from host_agent.evidence.hardware import Clock as Clocks
from host_agent.finding import Outcome
from host_agent.missing import Missing, Reason
from tests import smbios_builder
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DAY,
    DEFINITION,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    PROBED,
    SILENT,
    case,
    declared,
    hardware,
    since,
    smbios,
)

_T = TypeVar("_T")
PASS, FAIL, WARN = Outcome.PASS, Outcome.FAIL, Outcome.WARN
UNKNOWN, SKIP = Outcome.UNKNOWN, Outcome.SKIP
ARRIVAL: dict[str, Any] = {"occasion": Occasion.ARRIVAL, "host": "node41"}
RESTART: dict[str, Any] = {"occasion": Occasion.RESTART, "said": {"boot_id": "c"}}
UPGRADE: dict[str, Any] = {"occasion": Occasion.UPGRADE, "said": {"boot_id": "c"}}
RESTORED: dict[str, Any] = {"declared": replace(declared(), reason="restored")}
NEW_KERNEL: dict[str, Any] = {
    "occasion": Occasion.RESTART,
    "said": {"boot_id": "c", "kernel": "6.12"},
}
OFF = declared(active=None)
NO_BASELINE = Missing(reason=Reason.ABSENT, sentence="no baseline was taken")
DAMAGED = Missing(reason=Reason.REFUSED, sentence="the baseline can't be used: cut short")
GONE = Missing(reason=Reason.DENIED, sentence="/sys may not be read")
NO_SUCH = Missing(reason=Reason.ABSENT, sentence="there is no such bus")
UNASKED = Missing(reason=Reason.NOT_ENROLLED, sentence="no guest agent was asked for it")


def known(group: object | Missing, kind: type[_T]) -> _T:
    assert isinstance(group, kind)
    return group


HARDWARE = OBSERVATION.hardware
Q35 = hardware("q35")
CPU = known(HARDWARE.cpu, Cpu)
CPUID: tuple[CpuidLeaf, ...] = known(CPU.cpuid, tuple)
MEMORY = known(HARDWARE.memory, Memory)
CLOCK = known(HARDWARE.clock, Clocks)
PCI: tuple[PciFunction, ...] = known(HARDWARE.pci, tuple)
VIRTIO: tuple[VirtioDevice, ...] = known(HARDWARE.virtio, tuple)
ACPI: tuple[AcpiTable, ...] = known(HARDWARE.acpi, tuple)
NICS: tuple[NetworkInterface, ...] = known(HARDWARE.network, tuple)
MORE_NICS: tuple[NetworkInterface, ...] = known(Q35.network, tuple)
DISKS: tuple[BlockDevice, ...] = known(HARDWARE.block, tuple)
MORE_DISKS: tuple[BlockDevice, ...] = known(Q35.block, tuple)
UNAGENTED = replace(
    BASELINE,
    observation=replace(
        OBSERVATION,
        boot_id=None,
        kernel=None,
        hardware=Hardware(**dict.fromkeys(Hardware.__dataclass_fields__, UNASKED)),
    ),
)
POWER = Platform(
    model="IBM pSeries (emulated by qemu)", compatible=("qemu,pseries",), uuid=None, sysinfo={}
)
MAINFRAME = Platform(
    model=None,
    compatible=(),
    uuid=None,
    sysinfo={"VM00 Name": "vm1", "VM00 CPUs Configured": "1", "LPAR Name": "one"},
)
UNTABLED: dict[str, Any] = {"booted": NO_SUCH, "dmi": NO_SUCH, "live": NO_SUCH}


def at(items: Sequence[_T], number: int, **changes: Any) -> tuple[_T, ...]:
    """The items, of which one is changed."""
    return tuple(
        replace(item, **changes) if index == number % len(items) else item  # type: ignore[type-var]
        for index, item in enumerate(items)
    )


def cpu(**changes: Any) -> dict[str, Any]:
    return {"cpu": replace(CPU, **changes)}


def twins(one: int, two: int, *serials: str) -> dict[str, Any]:
    """Two disks at these slots, of the same serial number where none is given."""
    return {
        "block": tuple(
            replace(DISKS[4], serial=serial, wwn=None, unit=None, parent=f"0000:00:0{slot}.0")
            for slot, serial in zip((one, two), serials or ("TWIN", "TWIN"), strict=True)
        )
    }


OTHER_CPU = cpu(flags=CPU.flags - {"svm"})
HOSTS_CPU = declared(replace(DEFINITION, cpu_mode="maximum"))
POWER_CPU = declared(replace(DEFINITION, architecture="ppc64le"))
AWAY = Event(time=1.0, host="node41", qemu="7.2.22", occasion="arrival", verdict="verified")


def arm64(one: Case) -> Case:
    """The same of an arm64 guest, then and now."""
    assert not isinstance(one.observation, Missing)
    before = replace(BASELINE.observation, architecture="aarch64")
    return replace(
        one,
        observation=replace(one.observation, architecture="aarch64"),
        baseline=replace(BASELINE, observation=before),
    )


def memory(total: int, online: int | None = None, block: int | None = 128) -> dict[str, Any]:
    """So many MiB."""
    size = 1 << 20
    return {
        "memory": Memory(
            total=total * size,
            online=online * size if online else None,
            block=block * size if block else None,
        )
    }


def clocks(realtime: float = 0.0, boottime: float = 0.0, source: str | None = None) -> Case:
    """A day after the baseline, with clocks that went on so much further than that."""
    second = 10**9
    group = replace(
        CLOCK,
        source=source or CLOCK.source,
        realtime=CLOCK.realtime + int((DAY + realtime) * second),
        boottime=CLOCK.boottime + int((DAY + boottime) * second),
    )
    return since({"clock": group}, said={"received": OBSERVATION.received + DAY})


def platforms(then: Platform | Missing, now: Platform | Missing, **changes: Any) -> Case:
    """A guest without SMBIOS."""
    found = since({"platform": now}, before={"platform": then}, said=UNTABLED, memory=NO_SUCH)
    assert not isinstance(found.baseline, Missing)
    observation = replace(found.baseline.observation, **UNTABLED)
    return replace(found, baseline=replace(found.baseline, observation=observation), **changes)


def tables(found: Any, **changes: Any) -> Case:
    """A guest that booted with these tables, by what it says and by its memory."""
    said = {**changes.pop("said", {}), "booted": found, "live": found}
    return since(said=said, memory=found, **changes)


OTHER_TABLES = smbios(product="KVM")
THIRD_TABLES = smbios(product="third")
BIOS = smbios_builder.structure(0, 0, b"\1", "SeaBIOS")

EVERY = (
    same_boot.check, same_cpu.check, same_memory.check, same_pci.check, same_virtio.check,
    same_acpi.check, same_network.check, same_block.check, clock.check,
)  # fmt: skip
GROUPS = (
    (same_cpu.check, "cpu"), (same_memory.check, "memory"), (same_pci.check, "pci"),
    (same_virtio.check, "virtio"), (same_acpi.check, "acpi"), (same_network.check, "network"),
    (same_block.check, "block"), (clock.check, "clock"),
)  # fmt: skip

ROWS = [
    *((check, case(declared=OFF), SKIP, "not running") for check in EVERY),
    *((check, case(baseline=NO_BASELINE), SKIP, "no baseline was taken") for check in EVERY),
    *((check, case(baseline=DAMAGED), UNKNOWN, "cut short") for check in EVERY),
    *((check, case(observation=SILENT), UNKNOWN, "nobody answered") for check in EVERY),
    *((check, case(observation=NOT_ENROLLED), UNKNOWN, "no channel") for check in EVERY),
    *((check, case(baseline=UNAGENTED), SKIP, "without a guest agent") for check in EVERY),
    *((check, case(baseline=UNAGENTED, observation=NOT_ENROLLED), SKIP, "without a guest agent")
      for check in EVERY),
    *((check, since({group: GONE}), UNKNOWN, "the guest does not give its")
      for check, group in GROUPS),
    *((check, since(before={group: GONE}), UNKNOWN, "the baseline does not hold")
      for check, group in GROUPS),
    *((check, since({group: NO_SUCH}, before={group: NO_SUCH}), SKIP, "no such bus")
      for check, group in GROUPS),

    (same_boot.check, case(), PASS, "the same boot, up 1 d"),
    (same_boot.check, case(**ARRIVAL), PASS, "the same boot, up 1 d"),
    (same_boot.check, since({"clock": replace(CLOCK, boottime=12 * 10**9)},
                            said={"boot_id": "c"}, **ARRIVAL), FAIL,
     "booted anew while it moved, 12 s before it answered"),
    (same_boot.check, since({"clock": GONE}, said={"boot_id": "c"}, **ARRIVAL), FAIL,
     "moved, 1 d before"),
    (same_boot.check, since({"clock": GONE}, said={"boot_id": "c", "boot_time": 1 << 63},
                            **ARRIVAL), FAIL, "the guest booted anew while it moved"),
    (same_boot.check, since(**RESTART), PASS, "the guest booted anew at 2023-11-14T22:13:20Z"),
    (same_boot.check, since(said={"boot_id": "c"}), PASS, "booted anew at"),
    (same_boot.check, since({"clock": GONE}, said={"boot_id": "c", "boot_time": None}), PASS,
     "the guest booted anew"),
    (same_boot.check, case(**RESTORED), PASS, "restored from a saved image"),
    (same_boot.check, case(occasion=Occasion.UPGRADE), WARN, "did not boot anew"),
    (same_boot.check, since(**UPGRADE), PASS, "booted anew"),
    (same_boot.check, since(said={"boot_id": None}), UNKNOWN, "does not give its boot id"),
    (same_boot.check, case(baseline=replace(
        BASELINE, observation=replace(OBSERVATION, boot_id=None))), UNKNOWN, "baseline does not"),

    (same_smbios.check, case(), PASS, "has the SMBIOS tables of the baseline"),
    (same_smbios.check, tables(smbios(more=BIOS)), PASS, "tables of the baseline"),
    (same_smbios.check, case(observation=SILENT), PASS, "tables of the baseline"),
    (same_smbios.check, case(baseline=UNAGENTED, observation=NOT_ENROLLED), PASS, "tables of the"),
    (same_smbios.check, tables(OTHER_TABLES), FAIL, "which can't be within one boot"),
    (same_smbios.check, tables(OTHER_TABLES, **ARRIVAL), FAIL,
     "SMBIOS type 1 System: Product Name 'Standard PC (i440FX + PIIX, 1996)' -> 'KVM'"),
    (same_smbios.check, tables(OTHER_TABLES, forecast=replace(PROBED, smbios=OTHER_TABLES),
                               **RESTART), PASS, "changed as forecast: SMBIOS type 1"),
    (same_smbios.check, tables(OTHER_TABLES, **RESTART), FAIL, "not as forecast"),
    (same_smbios.check, tables(OTHER_TABLES, forecast=replace(PROBED, smbios=THIRD_TABLES),
                               **RESTART), FAIL, "Product Name 'third' -> 'KVM'"),
    (same_smbios.check, tables(OTHER_TABLES, forecast=NOTHING, **RESTART), UNKNOWN,
     "can't be told: not to be had"),
    (same_smbios.check, tables(OTHER_TABLES, forecast=replace(PROBED, smbios=None), **RESTART),
     UNKNOWN, "to the firmware"),
    (same_smbios.check, since(forecast=NOTHING, **RESTART), PASS, "tables of the baseline"),
    (same_smbios.check, tables(OTHER_TABLES, **UPGRADE), WARN, "a licence may see another machine"),
    # Only its memory speaks, so that it may have booted anew.
    (same_smbios.check, case(observation=SILENT, memory=OTHER_TABLES), FAIL, "not as forecast"),
    (same_smbios.check, case(observation=SILENT, memory=OTHER_TABLES,
                             forecast=replace(PROBED, smbios=OTHER_TABLES)), PASS, "as forecast"),
    (same_smbios.check, case(observation=SILENT, memory=OTHER_TABLES, **ARRIVAL), FAIL, "'KVM'"),
    (same_smbios.check, tables(replace(smbios(), tables=b"broken")), UNKNOWN, "can't be compared"),
    (same_smbios.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (same_smbios.check, case(baseline=replace(
        BASELINE, observation=replace(OBSERVATION, booted=GONE))), UNKNOWN, "baseline does not"),
    (same_smbios.check, case(declared=OFF), SKIP, "not running"),
    (same_smbios.check, case(baseline=NO_BASELINE), SKIP, "no baseline"),
    (same_smbios.check, case(baseline=DAMAGED), UNKNOWN, "cut short"),
    (same_smbios.check, platforms(POWER, POWER), PASS, "platform is that of the baseline"),
    (same_smbios.check, platforms(POWER, replace(POWER, model="other"), **ARRIVAL), FAIL,
     "device tree model 'IBM pSeries (emulated by qemu)' -> 'other'"),
    (same_smbios.check, platforms(replace(POWER, name="a"), replace(POWER, name="b"), **ARRIVAL),
     FAIL, "device tree ibm,partition-name 'a' -> 'b'"),
    # An older agent does not know it.
    (same_smbios.check, platforms(POWER, replace(POWER, name="b"), **ARRIVAL), PASS, "platform is"),
    (same_smbios.check, platforms(MAINFRAME, replace(
        MAINFRAME, sysinfo={"VM00 Name": "vm2"}), **ARRIVAL), FAIL, "VM00 Name 'vm1' -> 'vm2'"),
    # A processor that was plugged in.
    (same_smbios.check, platforms(MAINFRAME, replace(MAINFRAME, sysinfo={
        **MAINFRAME.sysinfo, "VM00 CPUs Configured": "2"})), PASS, "platform"),
    (same_smbios.check, platforms(MAINFRAME, replace(
        MAINFRAME, sysinfo={"VM00 Name": "vm1", "LPAR Name": "two"}), **ARRIVAL), PASS, "platform"),
    (same_smbios.check, platforms(NO_SUCH, NO_SUCH), SKIP, "no such bus"),
    (same_smbios.check, platforms(POWER, GONE), SKIP, "no such bus"),

    (same_cpu.check, case(), PASS, "the same 2 processors 'QEMU Virtual CPU version 2.5+'"),
    (same_cpu.check, case(**ARRIVAL), PASS, "the same 2 processors"),
    (same_cpu.check, since(cpu(online=3, present=3)), WARN,
     "since the baseline: processors 2 -> 3 (hot-plug?)"),
    (same_cpu.check, since(cpu(online=3, present=3), **ARRIVAL), FAIL, "processors 2 -> 3"),
    (same_cpu.check, since(cpu(online=3, present=None)), WARN, "processors online 2 -> 3"),
    (same_cpu.check, since(cpu(online=1), **ARRIVAL), WARN, "processors online 2 -> 1"),
    (same_cpu.check, since(cpu(model="Nehalem", flags=CPU.flags - {"svm"} | {"popcnt"}), **RESTART),
     FAIL, "CPU model 'QEMU Virtual CPU version 2.5+' -> 'Nehalem'; flags lost: svm; "
     "flags gained: popcnt"),
    (same_cpu.check, since(cpu(model="Nehalem"), **UPGRADE), WARN, "'Nehalem'"),
    (same_cpu.check, since(cpu(model=None)), FAIL, "-> not given, which can't be"),
    (same_cpu.check, since(cpu(flags=CPU.flags | {"new"}), **NEW_KERNEL), WARN,
     "flags gained: new (under another kernel)"),
    (same_cpu.check, since(cpu(flags=CPU.flags | {"new"}), **RESTART), FAIL, "flags gained: new"),
    (same_cpu.check, since(cpu(flags=frozenset()), **RESTART), FAIL, "and 27 more"),
    (same_cpu.check, since(cpu(cpuid=at(CPUID, 1, registers=(1, 2, 3, 4))), **ARRIVAL), FAIL,
     "CPUID leaf 0x1.0 EAX 0x00060fb1 -> 0x00000001; CPUID leaf 0x1.0 EBX"),
    (same_cpu.check, since(cpu(cpuid=CPUID[:-1]), **ARRIVAL), FAIL,
     "CPUID leaf 0x8000000a.0 is gone"),
    (same_cpu.check, since(cpu(model="Nehalem", cpuid=CPUID[:-1]), **RESTART), FAIL,
     "CPUID answers differ in leaves 0x8000000a"),
    (same_cpu.check, since(cpu(cpuid=GONE)), PASS, "(live CPUID not compared: /sys may not"),
    (same_cpu.check, since(cpu(cpuid=GONE), **RESTART), PASS, "not compared"),
    (same_cpu.check, since(cpu(cpuid=GONE), **ARRIVAL), UNKNOWN, "since the move is not known"),
    # Another architecture than x86.
    (same_cpu.check, since(cpu(cpuid=NO_SUCH), before=cpu(cpuid=NO_SUCH)), PASS,
     "'QEMU Virtual CPU version 2.5+'"),
    (same_cpu.check, since(cpu(cpuid=NO_SUCH), before=cpu(cpuid=NO_SUCH), **ARRIVAL), UNKNOWN,
     "its kernel asked at the boot"),
    (same_cpu.check, since(before=cpu(cpuid=GONE), **ARRIVAL), UNKNOWN, "/sys may not be read"),
    (same_cpu.check, since(cpu(cpuid=GONE, present=4), **ARRIVAL), FAIL, "processors 2 -> 4"),
    # A restored image has another QEMU under the same boot.
    (same_cpu.check, since(cpu(cpuid=GONE), occasion=Occasion.RESTART), UNKNOWN, "not known"),

    # A CPU that is whatever the host has.
    *((same_cpu.check, since(OTHER_CPU, **{"declared": HOSTS_CPU, **changes}), outcome,
       "flags lost: svm")
      for outcome, changes in (
          (FAIL, RESTART), (FAIL, ARRIVAL), (FAIL, {}), (FAIL, {"qemu": "10.0.13"}),
          (WARN, {**RESTART, "qemu": "10.0.13"}), (WARN, {**RESTART, "host": "node41"}),
          (WARN, {**RESTART, "qemu": None}), (WARN, UPGRADE),
          (FAIL, {**ARRIVAL, "qemu": "10.0.13"}),
          # One whose CPU is named is the same everywhere.
          (FAIL, {**RESTART, "qemu": "10.0.13", "declared": declared()}),
      )),
    # A model of ppc64 has the revision that QEMU gives it.
    *((same_cpu.check, since(cpu(revision="2.2 (pvr 004e 1202)"),
                             **{"declared": POWER_CPU, **changes}), outcome,
       "-> '2.2 (pvr 004e 1202)'")
      for outcome, changes in (
          (WARN, {**RESTART, "qemu": "10.0.13"}), (FAIL, RESTART), (FAIL, {}),
          (FAIL, {**ARRIVAL, "qemu": "10.0.13"}),
          (FAIL, {**RESTART, "qemu": "10.0.13", "declared": declared()}),
      )),
    (same_cpu.check, since(cpu(model="POWER8"), declared=POWER_CPU, qemu="10.0.13", **RESTART),
     FAIL, "CPU model"),
    # It booted elsewhere, and is verified here since.
    *((same_cpu.check, replace(since(OTHER_CPU, declared=HOSTS_CPU, **RESTART),
                               baseline=replace(BASELINE, **before)), WARN,
       "flags lost: svm") for before in ({"booted_qemu": "7.2.21"}, {"trail": (AWAY,)})),
    (same_cpu.check, since(cpu(cpuid=CPUID[:-1]), declared=HOSTS_CPU, host="node41", **RESTART),
     WARN, "CPUID leaf 0x8000000a.0 is gone"),
    (same_cpu.check, since(cpu(cpuid=CPUID[:-1]), declared=HOSTS_CPU, **ARRIVAL), FAIL, "is gone"),
    (same_cpu.check, since(cpu(present=3, online=3), declared=HOSTS_CPU, qemu="10.0.13", **RESTART),
     FAIL, "processors 2 -> 3"),

    (same_memory.check, case(), PASS, "the same memory, 512 MiB"),
    (same_memory.check, since(memory(900, 1024)), WARN, "memory 512 MiB -> 1024 MiB (hot-plug?)"),
    (same_memory.check, since(memory(900, 1024), **RESTART), FAIL, "memory 512 MiB -> 1024 MiB"),
    (same_memory.check, since(memory(900, 1024), **NEW_KERNEL), FAIL, "512 MiB -> 1024 MiB"),
    (same_memory.check, since(memory(900, 1024), **ARRIVAL), FAIL, "512 MiB -> 1024 MiB"),
    (same_memory.check, since(memory(900, 1024), **UPGRADE), WARN, "512 MiB -> 1024 MiB"),
    (same_memory.check, since(memory(400, 512), **NEW_KERNEL), PASS, "512 MiB"),
    (same_memory.check, since(memory(400, 512), **RESTART), FAIL,
     "memory that the kernel manages 470 MiB -> 400 MiB"),
    (same_memory.check, since({**memory(400, 512), "virtio": at(VIRTIO, 0, device_id=5)},
                              **RESTART), PASS, "512 MiB"),
    (same_memory.check, since(memory(460, 2048, 2048), **RESTART), PASS, "2048 MiB"),
    (same_memory.check, since(memory(6000, 8192, 2048), **RESTART), FAIL, "-> 8192 MiB"),
    (same_memory.check, since(memory(400, None, None), **NEW_KERNEL), WARN, "470 MiB -> 400 MiB"),
    (same_memory.check, since(memory(460, None, None), **NEW_KERNEL), PASS, "460 MiB"),
    # A UEFI's flash, or not.
    *((same_memory.check, arm64(since(found, **changes)), outcome, words)
      for found, changes, outcome, words in (
          (memory(466, 384), RESTART, PASS, "384 MiB"),
          (memory(474, 640), RESTART, PASS, "640 MiB"),
          (memory(400, 384), RESTART, FAIL, "memory that the kernel manages 470 MiB -> 400 MiB"),
          (memory(466, 256), RESTART, FAIL, "memory 512 MiB -> 256 MiB"),
          (memory(466, 384), ARRIVAL, FAIL, "memory 512 MiB -> 384 MiB"),
          ({**memory(466, 384), "virtio": at(VIRTIO, 0, device_id=5)}, RESTART, WARN, "-> 384 MiB"),
      )),
    (same_memory.check, since(memory(466, 384), **RESTART), FAIL, "memory 512 MiB -> 384 MiB"),

    (same_pci.check, case(), PASS, "sees the same"),
    (same_pci.check, since({"pci": at(PCI, -1, address="0000:00:09.0")}, **RESTART), FAIL,
     "storage controller 1af4:1001"),
    (same_pci.check, since({"pci": at(PCI, -1, address="0000:00:09.0")}), WARN, "(hot-plug?)"),
    (same_pci.check, since({"pci": PCI[:-1]}), WARN, "is gone (hot-plug?)"),
    (same_pci.check, since({"pci": PCI[:-1]}, **ARRIVAL), FAIL, "is gone"),
    (same_pci.check, since({"pci": (*PCI, replace(PCI[0], address="0000:00:1e.0"))}), WARN,
     "at 0000:00:1e.0 is new"),
    (same_pci.check, since({"pci": at(PCI, 1, device=0x9999)}, **RESTART), FAIL,
     "0000:00:01.0 was bridge 8086:7000, is bridge 8086:9999"),
    (same_pci.check, since({"pci": at(PCI, 1, revision=9)}, **RESTART), FAIL, "revision 09"),
    (same_pci.check, since({"pci": at(PCI, 1, class_code=0xFF0000)}, **UPGRADE), WARN, "is device"),
    (same_pci.check, since({"pci": at(PCI, 1, bridge="0000:00:02.0")}, **RESTART), FAIL,
     "was on a root bus, is behind 0000:00:02.0, to Windows a new device"),
    (same_pci.check, since({"pci": ()}, **RESTART), FAIL, "and 3 more"),

    (same_virtio.check, case(), PASS, "the features of 5 virtio devices are the same"),
    (same_virtio.check, since({"virtio": at(VIRTIO, 0, features=VIRTIO[0].features & ~(1 << 32))},
                              **RESTART), FAIL,
     "virtio network at 0000:00:02.0 lost feature 32 (VERSION_1)"
     if VIRTIO[0].features >> 32 & 1 else "lost"),
    (same_virtio.check, since({"virtio": at(VIRTIO, 0, features=VIRTIO[0].features | 3 << 70)},
                              **NEW_KERNEL), WARN, "gained features 70, 71 (under another kernel)"),
    (same_virtio.check, since({"virtio": at(VIRTIO, 0, driver=None, features=0)}), WARN,
     "was bound to virtio_net, is to no driver"),
    # What moved on the PCI bus is told by same-pci.
    (same_virtio.check, since({"virtio": VIRTIO[1:], "pci": PCI}, **ARRIVAL), PASS, "4 virtio"),
    (same_virtio.check, since({"virtio": VIRTIO[1:], "pci": GONE}, **ARRIVAL), FAIL, "is gone"),
    (same_virtio.check, since({"virtio": (*VIRTIO, replace(VIRTIO[0], parent="a003e00.mmio"))}),
     WARN, "virtio network at a003e00.mmio is new"),

    (same_acpi.check, case(), PASS, "the guest has the same"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, sha256="0" * 64)}), PASS, "the same"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, content_sha256="0" * 64)}), FAIL,
     "DSDT differs, which can't be within one boot"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, content_sha256="0" * 64)}, **ARRIVAL), FAIL,
     "DSDT differs"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, content_sha256="0" * 64)}, **RESTART), FAIL,
     "DSDT differs"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, content_sha256="0" * 64, length=9)},
                            qemu="10.0.8", **RESTART), WARN,
     " -> 9 bytes) (QEMU 7.2.22 -> 10.0.8)"),
    (same_acpi.check, since({"acpi": ACPI[1:]}, qemu=None, **RESTART), WARN,
     "is gone (QEMU may be another one)"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, content_sha256=None)}), PASS, "the same"),
    (same_acpi.check, since({"acpi": at(ACPI, 1, content_sha256=None, sha256="1" * 64)},
                            **RESTART), FAIL, "DSDT differs"),
    (same_acpi.check, since({"acpi": (*ACPI, replace(ACPI[0], signature="SSDT9"))}, **UPGRADE),
     WARN, "SSDT9 is new"),

    (same_network.check, case(), PASS, "the same 1 network interface"),
    (same_network.check, since({"network": at(NICS, 0, parent="0000:00:09.0")}, **RESTART), FAIL,
     "52:54:00:0a:00:01 moved 0000:00:02.0 -> 0000:00:09.0"),
    (same_network.check, since({"network": at(NICS, 0, mac="52:54:00:00:00:09")}, **RESTART), FAIL,
     "the interface at 0000:00:02.0 had 52:54:00:0a:00:01, has 52:54:00:00:00:09"),
    (same_network.check, since({"network": ()}), WARN, "is gone (hot-plug?)"),
    (same_network.check, since({"network": (*NICS, *MORE_NICS[1:])}, **ARRIVAL), FAIL, "is new"),
    (same_network.check, since({"network": at(NICS, 0, name="ens9")}, **RESTART), WARN,
     "is now named ens9, was ens2"),
    (same_network.check, since({"network": at(NICS, 0, name="ens9")}), PASS, "the same"),
    (same_network.check, since({"network": at(NICS, 0, mac="02:00:00:00:00:09",
                                              permanent_unknown=True)}, **ARRIVAL), PASS, "same"),
    (same_network.check, since({"network": at(MORE_NICS, 0, parent="0000:04:00.0")[:1]
                                + at(MORE_NICS, 1, parent="0000:03:00.0")[1:]},
                               before={"network": MORE_NICS}, **RESTART), FAIL,
     "52:54:00:0a:00:02 moved 0000:04:00.0 -> 0000:03:00.0"),

    (same_block.check, case(), PASS, "the same 5 disks"),
    (same_block.check, since({"block": at(DISKS, 4, parent="0000:00:09.0")}, **RESTART), FAIL,
     "disk serial DISK-VDC-0001 moved from 0000:00:06.0 to 0000:00:09.0"),
    (same_block.check, since({"block": at(DISKS, 4, serial="B")}, **RESTART), FAIL,
     "the disk at 0000:00:06.0 had serial DISK-VDC-0001, has B"),
    (same_block.check, since({"block": at(DISKS, 4, serial=None)}, **RESTART), FAIL,
     "had serial DISK-VDC-0001, has no serial"),
    (same_block.check, since({"block": at(DISKS, 0, wwn="naa.1")}, **RESTART), FAIL,
     "the disk at 0000:00:01.1 unit 1:0:0:0 had WWN naa.5000c50015ea71ad, has naa.1"),
    (same_block.check, since({"block": DISKS[:-1]}), WARN,
     "disk serial DISK-VDC-0001 at 0000:00:06.0 is gone (hot-plug?)"),
    (same_block.check, since({"block": DISKS[:-1]}, **ARRIVAL), FAIL, "is gone"),
    (same_block.check, since({"block": (*DISKS, MORE_DISKS[0])}, **UPGRADE), WARN,
     "disk serial NVME-0001 at 0000:00:10.0 unit 1 is new"),
    (same_block.check, since({"block": at(DISKS, 4, size=1 << 30)}), WARN,
     "size of disk serial DISK-VDC-0001 at 0000:00:06.0 69 MiB -> 1024 MiB"),
    (same_block.check, since({"block": at(DISKS, 2, size=1 << 30)}, **ARRIVAL), FAIL,
     "size of the disk at 0000:00:04.0 1200 MiB -> 1024 MiB"),
    (same_block.check, since({"block": at(DISKS, 4, logical_block=512)}, **RESTART), FAIL,
     "block size of disk serial DISK-VDC-0001 at 0000:00:06.0 4096 bytes -> 512 bytes"),
    (same_block.check, since({"block": at(DISKS, 1, size=0)}, **ARRIVAL), PASS, "the same"),
    (same_block.check, since({"block": at(DISKS, 4, name="vdz")}, **RESTART), PASS, "the same"),
    # Two that can't be told apart: which of them moved where, or became which, nobody knows.
    (same_block.check, since(twins(3, 4), before=twins(1, 2), **RESTART), FAIL,
     "disk serial TWIN at 0000:00:01.0 is gone"),
    (same_block.check, since(twins(1, 1, "C", "D"), before=twins(1, 1, "A", "B"), **RESTART), FAIL,
     "disk serial A at 0000:00:01.0 is gone"),
    (same_block.check, since({"block": at(at(DISKS, 4, parent="0000:00:05.0"), 3,
                                          parent="0000:00:06.0")}, **RESTART), FAIL,
     "DISK-VDC-0001 moved from 0000:00:06.0 to 0000:00:05.0"),

    (clock.check, case(), PASS, "goes on as at the baseline, by hpet"),
    (clock.check, clocks(), PASS, "goes on"),
    (clock.check, clocks(3, 3), PASS, "goes on"),
    (clock.check, clocks(-30, -30), WARN,
     "the guest's clock is 30.0 s behind this host's, was 0.0 s ahead at the baseline"),
    (clock.check, clocks(3600, 0), WARN,
     "the guest's clock is 1 h ahead of this host's, was 0.0 s ahead at the baseline; "
     "the guest's clock was set forward by 1 h"),
    (clock.check, clocks(0, 60), WARN, "was set back by 60.0 s"),
    (clock.check, clocks(source="tsc"), WARN, "clocksource hpet -> tsc"),
    (clock.check, since({"clock": replace(CLOCK, source="tsc", realtime=0)}, **RESTART), WARN,
     "clocksource hpet -> tsc"),
    (clock.check, since({"clock": replace(CLOCK, realtime=0)}, **RESTART), PASS,
     "clocksource is that of the baseline, hpet"),
]  # fmt: skip
