"""A QEMU command line → that of its rehearsal: the same devices, no domain's back-end. Pure.

What stands behind a device is replaced: a disk by ``null-co``, a network by a ``hubport`` of its
own, a character device by ``null``, memory by a memfd, a host's folder by ``synth``, entropy by
QEMU's own. Nothing that the domain has is opened: of files only the firmware's image is named.
What can't be had so is named, with what the rehearsal says nothing of for that.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from host_agent.domain import memory_places
from host_agent.evidence.rehearsed import ALL, NotRehearsed
from host_agent.printable import printable
from host_agent.qemu import rehearsal_flash
from host_agent.qemu.command_line import (
    OptionsError,
    memory_backends,
    merged_properties,
    options_in,
    properties_of,
    size_of,
)
from host_agent.qemu.options import KVM, ProbeOptions, from_command_line
from host_agent.qemu.rehearsal_devices import Rehearsing, escaped
from host_agent.qemu.rehearsal_flash import Flash

_DISK_BYTES = 1 << 30
_MAX_DEVICES = 4096
# Options that say nothing of the machine, that name back-ends (taken where a device names them), or
# that a probe has read already (qemu-options.hx).
_SILENT = {
    "D", "M", "S", "accel", "action", "add-fd", "append", "audiodev", "bios", "blockdev", "boot",
    "chardev", "compat", "cpu", "d", "daemonize", "device", "display", "drive", "dump-vmstate",
    "enable-fips", "enable-kvm", "enable-sync-profile", "fsdev", "fw_cfg", "g", "global",
    "incoming", "initrd", "k", "kernel", "m", "machine", "mem-path", "mem-prealloc", "mon",
    "monitor", "msg", "name", "netdev", "no-acpi", "no-fd-bootchk", "no-hpet", "no-kvm",
    "no-reboot", "no-shutdown", "no-user-config", "nodefaults", "nographic", "numa", "object",
    "only-migratable", "overcommit", "pidfile", "plugin", "qmp", "qmp-pretty", "realtime", "rtc",
    "run-with", "runas", "sandbox", "seed", "smbios", "smp", "snapshot", "spice", "tb-size",
    "tpmdev", "trace", "uuid", "vnc", "watchdog-action",
}  # fmt: skip
# Objects that say something of the machine.
_OBJECTS_KEPT = {"acpi-generic-initiator", "acpi-generic-port"}
_CONFIDENTIAL = re.compile(r"(sev|tdx|s390-pv|igvm)-.*")
# Lists of devices in -machine.
_MACHINE_DEVICES = re.compile(r"(sgx-epc|cxl-fmw)\..*")
# The firmware's own settings, which change what it makes (edk2 OvmfPkg PlatformInitLib).
_FIRMWARE_SETTING = re.compile(
    r"(name=)?opt/(ovmf|org\.tianocore)/[\w./-]+,string=[\w.+-]*", re.ASCII
)
# How older types give a floppy controller its drives.
_DRIVE_OF = re.compile(r"(?:driver=)?[\w-]+[.,](?:property=)?drive[AB]?(?:,value)?=([\w.-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOptions:
    """What to start QEMU with, to rehearse a domain."""

    machine: ProbeOptions
    """Machine, CPU, memory and SMBIOS, as a probe has them."""
    devices: tuple[str, ...]
    """Back-ends and devices."""
    flash: Flash | None = None
    """None: the firmware is the binary's own, or a ROM."""
    irqchip: str = ""
    """What of the interrupt controllers the kernel does, where the accelerator is KVM."""
    left_out: tuple[NotRehearsed, ...] = ()

    @property
    def memory(self) -> int:
        """How many bytes of memory are shared, that of the devices too."""
        given = (*self.machine.arguments, *self.devices)
        return sum(size for _, size in memory_backends(list(options_in(given))))

    @property
    def indexes(self) -> dict[str, int]:
        """The onboard indexes that devices were given, by their ids."""
        return dict(_indexes(self.devices))

    @property
    def has_firmware(self) -> bool:
        """Whether anything runs before an operating system; a PC always has a BIOS."""
        given = self.flash is not None or "-bios" in self.devices
        return given or self.machine.architecture in memory_places.PC

    @property
    def has_acpi(self) -> bool:
        """Whether the machine has ACPI at all."""
        properties = self.machine.machine.split(",")
        return "acpi=off" not in properties and "-no-acpi" not in self.machine.arguments

    def without_kvm(self) -> "RehearsalOptions":
        """Return options that do the same by software emulation, as far as that goes."""
        return replace(self, machine=self.machine.without_kvm())

    def command(self, store: int | None = None) -> tuple[str, ...]:
        """Return the options as QEMU takes them; ``store``: see ``Flash.options``."""
        word, value, *rest = self.machine.command()
        if self.irqchip and self.machine.accelerator == KVM:
            value += f",kernel_irqchip={self.irqchip}"
        images, added = ([], "") if self.flash is None else self.flash.options(store)
        return (word, value + added, *rest, *images, *self.devices)


def from_domain(arguments: Sequence[str], architecture: str) -> RehearsalOptions:
    """Return the options that rehearse what a command line starts; raises ``OptionsError``.

    ``arguments`` are those of ``options.from_command_line``.
    """
    machine = from_command_line(arguments, architecture)
    given = list(options_in(arguments))
    if sum(option == "device" for option, _ in given) > _MAX_DEVICES:
        raise OptionsError(f"QEMU's command line has more than {_MAX_DEVICES} devices")
    objects = dict(_objects(given))
    if any(_CONFIDENTIAL.fullmatch(kind) for kind, _ in objects.values()):
        raise OptionsError("a confidential guest's memory can't be read, so it is not rehearsed")
    rehearsing = Rehearsing()
    devices: list[str] = []
    irqchip = ""
    for option, value in given:
        if option == "device":
            kept = rehearsing.device(value)
            devices += [] if kept is None else ["-device", kept]
        elif option == "fw_cfg" and _FIRMWARE_SETTING.fullmatch(value):
            devices += ["-fw_cfg", value]
        elif option == "bios":
            devices += ["-bios", rehearsal_flash.path(value)]
        elif option in {"machine", "M"}:
            properties = properties_of(value, "type")
            irqchip = (
                properties.get("kernel_irqchip") or properties.get("kernel-irqchip") or irqchip
            )
            lists = [key for key in properties if _MACHINE_DEVICES.fullmatch(key)]
            rehearsing.left += [_option(f"-machine {key}") for key in lists[:1]]
        elif option == "acpitable":
            rehearsing.left.append(_table(value))
        elif option not in _SILENT:
            rehearsing.left.append(_option(f"-{option}"))
    rehearsing.left += _vcpus_to_come(given)
    if irqchip not in {"", "on", "off", "split"}:
        raise OptionsError("QEMU's command line has an interrupt controller of no known kind")
    return RehearsalOptions(
        machine=without_devices(machine),
        devices=(*_back_ends(given, objects, rehearsing, machine), *devices, *_kept(objects)),
        flash=rehearsal_flash.flash(given),
        irqchip=irqchip,
        left_out=tuple(rehearsing.left),
    )


def _indexes(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    for option, value in options_in(words):
        if option == "device":
            device = properties_of(value, "driver")
            index = device.get("acpi-index", "")
            if index.isdecimal() and device.get("id"):
                yield device["id"], int(index[:9])


def _vcpus_to_come(given: Sequence[tuple[str, str]]) -> Iterator[NotRehearsed]:
    """Name vCPUs that may be plugged in after the start, as libvirt does before the guest runs.

    They are on no command line, and ACPI tells which are there (``hw/i386/acpi-common.c``).
    """
    smp = merged_properties(given, ("smp",), "cpus")
    if int(smp.get("maxcpus") or 0) > int(smp.get("cpus") or 1):
        yield NotRehearsed(
            what="vCPUs that are plugged in after the start", tables=frozenset({"APIC", "SRAT"})
        )


def _option(text: str) -> NotRehearsed:
    return NotRehearsed(what=printable(text)[:60], tables=ALL)


def _table(value: str) -> NotRehearsed:
    """A table of the operator's own, whose owner QEMU writes into FADT and root table."""
    signature = printable(properties_of(value, "sig").get("sig", ""))[:4]
    known = len(signature) == 4 and signature.isalnum()
    return NotRehearsed(
        what=f"ACPI table {signature}".rstrip(),
        tables=frozenset({signature, "FACP", "RSDT", "XSDT"}) if known else ALL,
    )


def without_devices(machine: ProbeOptions) -> ProbeOptions:
    """Leave out the few devices that a probe has: a rehearsal has all of them."""
    kept: list[str] = []
    words = iter(machine.arguments)
    for word in words:
        if word == "-device":
            next(words, None)
        else:
            kept.append(word)
    return replace(machine, arguments=tuple(kept))


def _objects(given: Sequence[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield id → (kind, value as given) of every object."""
    for option, value in given:
        if option == "object":
            properties = properties_of(value, "qom-type")
            yield properties.get("id", ""), (properties.get("qom-type", ""), value)


def _kept(objects: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    for kind, value in objects.values():
        if kind in _OBJECTS_KEPT:
            yield from ("-object", value)


def _back_ends(
    given: Sequence[tuple[str, str]],
    objects: Mapping[str, tuple[str, str]],
    rehearsing: Rehearsing,
    machine: ProbeOptions,
) -> Iterator[str]:
    """Yield options for the back-ends that the devices want; raises ``OptionsError``."""
    read_only = dict(_read_only(given))
    by_globals = (_DRIVE_OF.fullmatch(value) for option, value in given if option == "global")
    for name in dict.fromkeys([*rehearsing.of("drive"), *(one[1] for one in by_globals if one)]):
        node = {
            "driver": "null-co",
            "node-name": name,
            "size": _DISK_BYTES,
            "read-zeroes": True,
            "read-only": read_only.get(name, False),
        }
        yield from ("-blockdev", json.dumps(node, separators=(",", ":")))
    for number, name in enumerate(rehearsing.of("netdev")):
        yield from ("-netdev", f"hubport,id={escaped(name)},hubid={number}")
    for kind, option, back_end in (
        ("chardev", "-chardev", "null"),
        ("audiodev", "-audiodev", "none"),
        ("fsdev", "-fsdev", "synth"),
        ("rng", "-object", "rng-builtin"),
        ("cryptodev", "-object", "cryptodev-backend-builtin"),
    ):
        for name in rehearsing.of(kind):
            yield from (option, f"{back_end},id={escaped(name)}")
    there = {
        properties_of(value, "qom-type").get("id")
        for option, value in options_in(machine.arguments)
        if option == "object"
    }
    for name in rehearsing.of("memory"):
        kind, value = objects.get(name, ("", ""))
        if not kind.startswith("memory-backend-"):
            raise OptionsError(
                f"QEMU's command line has no memory back-end {printable(name)[:40]!r}"
            )
        if name not in there:
            size = size_of(properties_of(value, "qom-type").get("size", "0"), "b")
            memory = f"memory-backend-memfd,id={escaped(name)},size={size},share=on"
            yield from ("-object", memory)


def _read_only(given: Sequence[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """Yield name → whether it can only be read, of nodes and of the older drives."""
    for option, value in given:
        if option == "blockdev":
            node = properties_of(value, "driver")
            yield node.get("node-name", ""), node.get("read-only") in {"on", "True"}
        elif option == "drive":
            drive = properties_of(value, "file")
            only = drive.get("readonly") or drive.get("read-only")
            yield drive.get("id", ""), only == "on"
