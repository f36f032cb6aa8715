"""Declaration → what the guest should see, by rule. Pure.

The rules are what QEMU's versions and vendors are known to write (QEMU ``hw/smbios/smbios.c``,
``hw/i386/fw_cfg.c``, ``hw/i386/pc_piix.c``, ``hw/arm/virt.c``; qemu-kvm's RHEL patches; Ubuntu's
define-ubuntu-machine-types.patch). What no rule knows is not expected, so it can't fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from host_agent.domain.architectures import X86
from host_agent.domain.definition import Definition
from host_agent.firmware.smbios import Named
from host_agent.firmware.smbios_text import forms
from host_agent.machine_types import names as type_names
from host_agent.missing import Missing, Reason
from host_agent.printable import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What every machine of a family without SMBIOS says of itself, whatever its type."""

    entry: str
    """``compatible``, a list in its device tree, or a key of /proc/sysinfo."""
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the guest should see if the declaration is true."""

    source: str
    """``rule``: what is known of QEMU's versions and vendors; ``probe``: QEMU was asked."""
    machine: str
    """The machine type's own name."""
    visible: bool
    """Whether a guest of this architecture and machine can see any of it in SMBIOS."""
    why: str
    """A sentence on what the expectation rests on, or why there is none."""
    manufacturers: frozenset[str] | None = None
    """Any of these is right; None: nothing is expected."""
    products: frozenset[str] | None = None
    product_form: str | None = None
    """A regular expression that is right as well, where a vendor's product changes by version."""
    version: str | None = None
    """What ``<sysinfo>`` puts into the type 1 version; None: nothing, see ``machine_strings``."""
    overridden: frozenset[str] = frozenset()
    """Which of manufacturer, product, version, chassis_version ``<sysinfo>`` sets."""
    decoded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of what ``<sysinfo>`` sets: as the tools in a guest print it, which cut and change it."""
    machine_strings: frozenset[str] = frozenset()
    """How this machine type appears where nothing is overridden: its name, or its description."""
    certain: bool = True
    """Whether the name's conventions are known; where not, a difference is no failure."""
    live_visible: bool = True
    """Whether fw_cfg holds the tables (not in the legacy mode of old machine types)."""
    booted_visible: bool = True
    """Whether a firmware leaves the tables where the guest's kernel finds them; where none does,
    the guest has those that it is served now, and no others."""
    family: Family | None = None
    """What a guest without SMBIOS is to see instead; None: no rule knows, or there is SMBIOS."""


_STANDARD = {
    "i440fx": "Standard PC (i440FX + PIIX, 1996)",
    "q35": "Standard PC (Q35 + ICH9, 2009)",
}
# From QEMU 8.1 the product is the machine type's description. Ubuntu's packages spell one type's
# differently: "24.04 PC v2 (i440FX + PIIX, arch_caps fix, 1996)" is "24.04 LTS PC v2 (…, arch-caps
# fix, …)" in a later release. So the form is what counts, never the words in the parentheses.
_UBUNTU = {
    "i440fx": r"Ubuntu [0-9]{2}\.[0-9]{2}(?: LTS)? PC(?: v[0-9]+)? \(i440FX \+ PIIX\b.*, 1996\)",
    "q35": r"Ubuntu [0-9]{2}\.[0-9]{2}(?: LTS)? PC(?: v[0-9]+)? \(Q35 \+ ICH9\b.*, 2009\)",
}
_VIRT_PRODUCTS = frozenset({"KVM Virtual Machine", "QEMU Virtual Machine"})
_VIRT = frozenset({"aarch64", "riscv64", "loongarch64"})
# Their one machine type has no version in its name, so it is what each QEMU makes of it
# (hw/riscv/virt.c: virt_build_smbios; before QEMU 9.1 it wrote none; hw/loongarch/virt.c).
_UNVERSIONED = frozenset({"riscv64", "loongarch64"})
_WITHOUT_SMBIOS = {
    "ppc64le": "device tree",
    "ppc64": "device tree",
    "s390x": "/proc/sysinfo",
}
# Beginning of the machine type → what QEMU says to the guest (hw/ppc/spapr.c: spapr_build_fdt;
# target/s390x/tcg/misc_helper.c: STSI 3.2.2, and the kernel's arch/s390/kvm/priv.c for KVM).
_FAMILIES = {
    "pseries": Family(entry="compatible", value="qemu,pseries"),
    "s390-ccw-virtio": Family(entry="VM00 Control Program", value="KVM/Linux"),
}
# <sysinfo> entry → field of Expectation.overridden
_ENTRIES = (
    ("system",  "manufacturer", "manufacturer"),
    ("system",  "product",      "product"),
    ("system",  "version",      "version"),
    ("chassis", "version",      "chassis_version"),
)  # fmt: skip


def by_rule(definition: Definition, aliases: Mapping[str, str]) -> Expectation | Missing:
    """Return what a guest of this definition should see.

    ``aliases`` are those of the host that runs the domain; an active XML has none left.
    """
    if not definition.machine:
        return Missing(reason=Reason.ABSENT, sentence="the domain XML names no machine type")
    machine = aliases.get(definition.machine, definition.machine)
    architecture = definition.architecture
    if architecture in X86:
        bare = _x86(machine)
    elif architecture in _VIRT and machine.startswith("virt"):
        bare = _virt(machine, definition.firmware, unversioned=architecture in _UNVERSIONED)
    else:
        view = _WITHOUT_SMBIOS.get(architecture)
        bare = _invisible(
            machine,
            f"an {architecture or 'unnamed'} guest can't see the machine type"
            + (f": its {view} does not name it" if view else ""),
        )
    return _with_overrides(bare, definition) if bare.visible else bare


def with_probe(rule: Expectation, probed: Named) -> Expectation:
    """Return the expectation with what QEMU itself builds for the domain.

    What a rule knows stays right as well: a guest that came by live migration booted with what its
    former host's QEMU built.
    """
    return replace(
        rule,
        source="probe",
        manufacturers=_with(rule.manufacturers, probed.manufacturer),
        products=_with(rule.products, probed.product),
        machine_strings=rule.machine_strings
        | ({probed.processor_version} if probed.processor_version and not rule.certain else set()),
    )


def _with(known: frozenset[str] | None, said: str | None) -> frozenset[str] | None:
    # Where no rule knows what is right, what the guest booted with elsewhere may be anything.
    return known if known is None or said is None else known | {said}


def _invisible(machine: str, why: str) -> Expectation:
    return Expectation(
        source="rule",
        machine=machine,
        visible=False,
        why=why,
        live_visible=False,
        family=next(
            (family for start, family in _FAMILIES.items() if machine.startswith(start)), None
        ),
    )


def _x86(machine: str) -> Expectation:
    name = type_names.canonical(machine)
    chipset = "q35" if name.startswith("pc-q35-") else "i440fx"
    if name.startswith("microvm") or name == "isapc":
        return _invisible(machine, f"{name} gives its guest no SMBIOS that names the machine")
    common = Expectation(
        source="rule",
        machine=machine,
        visible=True,
        why=f"QEMU's rule for {name}",
        manufacturers=frozenset({"QEMU"}),
        products=frozenset({_STANDARD[chipset]}),
        machine_strings=frozenset({name}),
    )
    version = type_names.upstream_version(name)
    if version is not None and version <= (1, 7):
        return replace(
            common,
            manufacturers=frozenset({"Bochs"}),
            products=frozenset({"Bochs"}),
            machine_strings=frozenset(),
            live_visible=False,
            why=f"{name} is of QEMU 1.7 or older, which named no machine in SMBIOS",
        )
    if version is not None:
        return replace(common, live_visible=version > (2, 0))
    description = type_names.rhel_description(name)
    if description is not None:
        return replace(
            common,
            manufacturers=frozenset({"Red Hat"}),
            products=frozenset({"KVM"}),
            machine_strings=frozenset({description}),
            why=f"RHEL's rule for {name}: its description stands for its name",
        )
    if type_names.is_ubuntu(name):
        return replace(common, product_form=_UBUNTU[chipset], why=f"Ubuntu's rule for {name}")
    return replace(
        common,
        manufacturers=None,
        products=None,
        certain=False,
        why=f"{name} is of no known scheme of names; it is compared as it stands",
    )


def _virt(machine: str, firmware: str, *, unversioned: bool) -> Expectation:
    name = type_names.canonical(machine)
    version = type_names.upstream_version(name)
    known = version is not None or (unversioned and name == "virt")
    old = version is not None and version <= (2, 11)
    return Expectation(
        source="rule",
        machine=machine,
        visible=True,
        why=f"QEMU's rule for {name}"
        + ("" if firmware == "efi" else "; without UEFI only the live tables can be seen"),
        manufacturers=frozenset({"QEMU"}) if known else None,
        products=_VIRT_PRODUCTS if known else None,
        # Machine types up to virt-2.11 say "1.0", which names no machine.
        machine_strings=frozenset() if old else frozenset({name}),
        certain=known,
        booted_visible=firmware == "efi",
    )


def _with_overrides(bare: Expectation, definition: Definition) -> Expectation:
    if definition.smbios_arguments:
        return replace(
            bare,
            manufacturers=None,
            products=None,
            product_form=None,
            certain=False,
            overridden=frozenset(field for _, _, field in _ENTRIES),
            why=f"{bare.why}; <qemu:commandline> passes -smbios, which no rule foresees",
        )
    if definition.smbios_mode == "host":
        return replace(
            bare,
            manufacturers=None,
            products=None,
            product_form=None,
            overridden=frozenset({"manufacturer", "product", "version"}),
            why=f"{bare.why}; <smbios mode='host'> copies the host's own strings",
        )
    if definition.smbios_mode != "sysinfo":
        # Without the mode, libvirt ignores <sysinfo>.
        return bare
    given = {
        field: definition.sysinfo[block][entry]
        for block, entry, field in _ENTRIES
        if entry in definition.sysinfo.get(block, {})
    }
    if not given:
        return bare
    shown = {field: printable(text) for field, text in given.items()}
    return replace(
        bare,
        manufacturers=_chosen(shown.get("manufacturer"), bare.manufacturers),
        products=_chosen(shown.get("product"), bare.products),
        product_form=None if "product" in given else bare.product_form,
        version=shown.get("version"),
        decoded={field: forms(text) for field, text in given.items()},
        overridden=frozenset(given),
        why=f"{bare.why}; <sysinfo> sets {', '.join(sorted(given))}",
    )


def _chosen(given: str | None, default: frozenset[str] | None) -> frozenset[str] | None:
    return default if given is None else frozenset({given})
