"""A QEMU command line → the options that decide what a guest is shown. Pure.

Kept are machine, CPU, SMP, memory size, NUMA, UUID, SMBIOS and globals; every back-end is dropped,
and with it disks, networks, hugepages, preallocation, binding and secrets. Memory is given by a
shared memfd, of which no page is reserved before it is touched (QEMU ``backends/hostmem-memfd.c``),
so a guest of 1 TB costs nothing.

What was kept is read again through the same filter: a baseline may be anybody's writing.
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from host_agent.domain import start_options
from host_agent.firmware.smbios_fields import PROCESSOR_ID
from host_agent.printable import printable
from host_agent.qemu.command_line import (
    OptionsError,
    memory_backends,
    merged_properties,
    options_in,
    properties_of,
    size_of,
    split,
)

TCG, KVM = "tcg", "kvm"
_RAM = "probe.ram"
_MOST_PRIVATE = 512
"""MiB: more is shared, since what is QEMU's own counts as its data."""
# Properties of -machine that name something we don't have, or that say how and not what.
_MACHINE_DROPPED = {
    "append", "audiodev", "confidential-guest-support", "dtb", "dump-guest-core", "dumpdtb",
    "firmware", "igvm-cfg", "initrd", "kernel", "kernel_irqchip", "kernel-irqchip", "mem-merge",
    "memory-backend", "memory-encryption", "pcspk-audiodev", "pflash0", "pflash1", "shim",
}  # fmt: skip
# Lists of back-ends and devices (qemu-options.hx: sgx-epc, cxl-fmw), and what -boot says.
_MACHINE_DROPPED_LISTS = "sgx-epc.", "cxl-fmw.", "boot."
# What -smp and -m say, where libvirt never says it.
_MACHINE_UNREAD = "smp.", "memory."
# ACPI's identifiers may hold anything (hw/i386/pc.c); elsewhere a slash names a file.
_ANY_TEXT = {"x-oem-id", "x-oem-table-id"}
# What decides the tables, word for word.
_KEPT = {"cpu", "global", "m", "smbios", "smp", "uuid"}
_KEPT_ALONE = {"no-acpi", "no-hpet"}
# The only devices that write SMBIOS structures of their own (type 38, hw/smbios/smbios_type_38.c).
_KEPT_DEVICES = re.compile(r"(ipmi-bmc-sim|isa-ipmi-(kcs|bt))(,|$)")
# Of those, what names a file (hw/ipmi/ipmi_bmc_sim.c).
_DEVICE_FILES = {"frudatafile", "sdrfile"}
# No property of a device that takes a plain word names a file.
_GLOBAL = re.compile(r"[\w.,:=+-]+", re.ASCII)
_WORD = re.compile(r"[\w.+-]+", re.ASCII)
# Keys of -smbios that name a file (qemu-options.hx); a key's "no" in front is its "off".
_SMBIOS_FILES = re.compile(r"(no)?(file|path)(=|$)")
_DEFAULT_RAM = "128"
_HYPERVISOR_ONLY = re.compile(r"^(kvm|hv)[-_]|^\+?kvm$")
MAX_VCPUS = 4096
_MAX_TEXT = 256 * 1024
_MAX_ARGUMENTS = 16 * 1024

Mask = frozenset[tuple[int, str]]
"""Fields of SMBIOS, by type and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """What to start QEMU with."""

    architecture: str
    """QEMU's word for it: ``x86_64``, ``aarch64``, ``ppc64`` …"""
    machine: str
    """Value of ``-machine``, without accelerator."""
    accelerator: str
    arguments: tuple[str, ...] = ()
    """All others."""
    harmless: tuple[str, ...] = ()
    """Those that show nothing to a guest, but that QEMU may refuse: to try a start."""
    vcpus: int = 1
    masked: Mask = frozenset()
    """Fields that this accelerator makes different from the domain's own."""

    @property
    def memory(self) -> int:
        """How many bytes of memory are shared: they count as addresses, not as data."""
        return sum(size for _, size in memory_backends(list(options_in(self.arguments))))

    @property
    def type(self) -> str:
        """The machine type's name."""
        return self.machine.split(",")[0].removeprefix("type=")

    def command(self) -> tuple[str, ...]:
        """Return the options as QEMU takes them."""
        accelerator = f"{TCG},tb-size=8" if self.accelerator == TCG else self.accelerator
        return ("-machine", self.machine, "-accel", accelerator, *self.arguments, *self.harmless)

    def without_kvm(self) -> "ProbeOptions":
        """Return options that do the same by software emulation, as far as that goes."""
        if self.accelerator != KVM:
            return self
        masked = {(4, PROCESSOR_ID)}
        if self.architecture == "aarch64":
            # "KVM Virtual Machine" or "QEMU Virtual Machine" (hw/arm/virt.c: virt_build_smbios).
            masked.add((1, "Product Name"))
        arguments = list(self.arguments)
        for at, name in enumerate(arguments[:-1]):
            if name == "-cpu":
                arguments[at + 1] = _cpu_for_tcg(arguments[at + 1])
        return replace(
            self, accelerator=TCG, arguments=tuple(arguments), masked=self.masked | masked
        )


def _cpu_for_tcg(cpu: str) -> str:
    model, *features = cpu.split(",")
    kept = [
        feature
        for feature in features
        if not _HYPERVISOR_ONLY.match(feature)
        and feature.split("=")[0] not in {"enforce", "check", "migratable", "host-phys-bits"}
    ]
    return ",".join(["max" if model in {"host", "base"} else model, *kept])


def to_text(options: ProbeOptions) -> str:
    """Return the options in a form for storing; see ``from_text``."""
    form = {
        "architecture": options.architecture,
        "machine": options.machine,
        "accelerator": options.accelerator,
        "arguments": list(options.arguments),
        "vcpus": options.vcpus,
    }
    return json.dumps(form, separators=(",", ":"))


def from_text(text: str) -> ProbeOptions:
    """Read what ``to_text`` wrote; raises ``OptionsError``.

    Who wrote it may have been anybody: only what ``from_command_line`` makes of a command line is
    taken, to the letter, and nothing that names a file.
    """
    if len(text) > _MAX_TEXT:
        raise OptionsError("the kept options of QEMU are too many")
    try:
        form = json.loads(text)
        architecture, machine, accelerator = (
            form["architecture"],
            form["machine"],
            form["accelerator"],
        )
        arguments, vcpus = form["arguments"], form["vcpus"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OptionsError("the kept options of QEMU can't be read") from error
    if (
        not isinstance(arguments, list)
        or len(arguments) > _MAX_ARGUMENTS
        or not all(isinstance(one, str) for one in (architecture, machine, accelerator, *arguments))
        or type(vcpus) is not int
        or not 0 < vcpus <= MAX_VCPUS
        or not _WORD.fullmatch(architecture)
    ):
        raise OptionsError("the kept options of QEMU are none")
    kept = ProbeOptions(
        architecture=architecture,
        machine=machine,
        accelerator=accelerator,
        arguments=tuple(arguments),
        vcpus=vcpus,
    )
    if "\0" in text or "\0" in "".join(kept.command()):
        raise OptionsError("the kept options of QEMU hold what no command line can")
    if from_command_line(("qemu", *kept.command()), architecture) != kept:
        raise OptionsError("the kept options of QEMU are not those that are kept of a domain")
    for option, value in options_in(kept.arguments):
        if option == "smbios" and any(map(_SMBIOS_FILES.match, split(value))):
            raise OptionsError("the kept options of QEMU name a file")
    return kept


def bare(
    machine: str, architecture: str, devices: Sequence[str] = (), memory: int = 512
) -> ProbeOptions:
    """Return the options for a machine type alone: 1 vCPU, so many MiB, the default CPU, TCG."""
    arguments = ["-m", str(memory), "-smp", "1"]
    if memory > _MOST_PRIVATE:
        backend = f"memory-backend-memfd,id={_RAM},size={memory << 20},share=on"
        machine, arguments = f"{machine},memory-backend={_RAM}", [*arguments, "-object", backend]
    if architecture == "aarch64":
        # The default CPU is one of 32 bits, which no user of this binary has.
        arguments += ["-cpu", "cortex-a57"]
    for device in devices:
        arguments += ["-device", device]
    return ProbeOptions(
        architecture=architecture, machine=machine, accelerator=TCG, arguments=tuple(arguments)
    )


def from_command_line(
    arguments: Sequence[str], architecture: str, *, starting: bool = False
) -> ProbeOptions:
    """Return the options for the domain that a command line starts; raises ``OptionsError``.

    ``starting``: also those that show nothing to a guest, but that QEMU may refuse.
    ``arguments`` begin with QEMU's own name, as in /proc/PID/cmdline; environment before it, as
    ``virsh domxml-to-native`` writes it, is skipped.
    """
    given = list(options_in(arguments))
    machine = merged_properties(given, ("machine", "M"), "type")
    name = machine.pop("type", "")
    if not name:
        raise OptionsError("QEMU's command line names no machine type")
    accelerator = _accelerator(given, machine.pop("accel", ""))
    if not _WORD.fullmatch(name) or not _WORD.fullmatch(accelerator):
        raise OptionsError("QEMU's command line names a machine or an accelerator that is no word")
    parts = [name, *_machine(machine)]
    kept: list[str] = []
    for option, value in given:
        if option == "global" and not _GLOBAL.fullmatch(value):
            continue
        if option in _KEPT:
            kept += [f"-{option}", value]
        elif option == "device" and _KEPT_DEVICES.match(value):
            kept += [f"-{option}", _without_files(value)]
        elif option in _KEPT_ALONE:
            kept.append(f"-{option}")
    backends, numa = _numa(given)
    if not backends:
        memory = merged_properties(given, ("m",), "size").get("size", _DEFAULT_RAM)
        backends = {_RAM: size_of(memory, "m")}
        parts.append(f"memory-backend={_RAM}")
    for backend, size in backends.items():
        kept += ["-object", f"memory-backend-memfd,id={backend},size={size},share=on"]
    return ProbeOptions(
        architecture=architecture,
        machine=",".join(parts),
        accelerator=accelerator,
        arguments=(*kept, *numa),
        harmless=tuple(start_options.harmless(given)) if starting else (),
        vcpus=_vcpus(merged_properties(given, ("smp",), "cpus")),
    )


def _machine(properties: Mapping[str, str]) -> Iterator[str]:
    """Yield the machine's properties that decide the tables; raises ``OptionsError``."""
    for key, text in properties.items():
        if key.startswith(_MACHINE_UNREAD):
            raise OptionsError(f"QEMU's command line gives {printable(key)[:40]} to -machine")
        if key in _MACHINE_DROPPED or key.startswith(_MACHINE_DROPPED_LISTS):
            continue
        if "/" not in text or key in _ANY_TEXT:
            yield f"{key}={text}"


def _without_files(device: str) -> str:
    return ",".join(part for part in split(device) if part.partition("=")[0] not in _DEVICE_FILES)


def _accelerator(given: Sequence[tuple[str, str]], machine: str) -> str:
    """Return the first one, which QEMU tries first."""
    if any(option == "enable-kvm" for option, _ in given):
        return KVM
    named = [properties_of(value, "accel") for option, value in given if option == "accel"]
    first = named[0].get("accel", "") if named else machine
    return first.split(":")[0] or TCG


def _numa(given: Sequence[tuple[str, str]]) -> tuple[dict[str, int], list[str]]:
    """Return the nodes' memory back-ends with their sizes, and the options for the nodes.

    Old machine types share out their RAM by ``mem=`` (QEMU docs/about/removed-features.rst). No
    guest sees the difference, and a back-end reserves nothing.
    """
    there = dict(memory_backends(given))
    backends: dict[str, int] = {}
    options: list[str] = []
    for option, value in given:
        if option != "numa":
            continue
        parts = []
        for part in split(value):
            key, _, text = part.partition("=")
            name = text
            if key == "mem":
                size, name = size_of(text, "m"), f"{_RAM}{len(backends)}"
                if not size:
                    continue
                backends[name] = size
            elif key == "memdev":
                if text not in there:
                    raise OptionsError(f"QEMU's command line has no memory back-end {text[:40]!r}")
                backends[text] = there[text]
            parts.append(f"memdev={name}" if key == "mem" else part)
        options += ["-numa", ",".join(parts)]
    return backends, options


_LEVELS = "drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads"


def _vcpus(smp: Mapping[str, str]) -> int:
    """Return how many vCPUs there may be (QEMU ``hw/core/machine-smp.c``)."""
    given = {key: int(text) for key, text in smp.items() if re.fullmatch(r"[0-9]{1,9}", text)}
    levels = math.prod(given.get(level, 1) for level in _LEVELS)
    number = given.get("maxcpus") or max(given.get("cpus", 1), levels)
    if not 0 < number <= MAX_VCPUS or given.keys() != smp.keys():
        raise OptionsError(
            f"-smp {','.join(f'{key}={text}' for key, text in smp.items())[:60]!r} "
            "is no number of vCPUs"
        )
    return number


def devices_for_roms(available: Collection[str]) -> tuple[str, ...]:
    """Return the device models with option ROMs that an atlas looks at, of those a QEMU has."""
    return tuple(device for device in _WITH_ROM if device in available)


_WITH_ROM = ("VGA", "e1000", "e1000e", "rtl8139", "virtio-net-pci", "vmxnet3")
