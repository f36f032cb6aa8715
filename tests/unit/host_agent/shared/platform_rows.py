"""Rows for the checks of guests without SMBIOS, by device tree or /proc/sysinfo."""

from dataclasses import replace
from typing import Any

from host_agent.case.case import Case
from host_agent.checks import (
    exact,
    identity,
    machine_type,
    machine_type_live,
    next_boot,
    next_start,
    product,
)
from host_agent.evidence.hardware import Platform
from host_agent.finding import Outcome
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import (
    DEFINITION,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    PROBED,
    RUNNING,
    SILENT,
    case,
    declared,
    smbios,
)

PASS, FAIL, UNKNOWN, SKIP = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIP
OTHER = "00000000-0000-0000-0000-000000000005"
POWER = Platform(
    model="IBM pSeries (emulated by qemu)",
    compatible=("qemu,pseries",),
    uuid=str(UUID_1),
    sysinfo={},
)
# As Linux prints it (arch/s390/kernel/sysinfo.c); a name has eight characters of EBCDIC.
MAINFRAME = {
    "Manufacturer": "QEMU",
    "Type": "8561",
    "VM00 Name": "a-long-n",
    "VM00 Control Program": "KVM/Linux",
    "VM00 Extended Name": "a-long-name",
    "VM00 UUID": str(UUID_1),
}
_MACHINES = {"ppc64le": "pseries-7.2", "s390x": "s390-ccw-virtio-7.2", "sparc64": "sun4u"}


def on(architecture: str, said: Platform | Missing, **changes: Any) -> Case:
    """A guest of an architecture that says this of its platform."""
    machine = _MACHINES[architecture]
    definition = replace(
        DEFINITION, architecture=architecture, machine=machine, name=changes.pop("name", "vm1")
    )
    observation = replace(
        OBSERVATION,
        booted=NOTHING,
        dmi=NOTHING,
        live=NOTHING,
        hardware=replace(OBSERVATION.hardware, platform=said),
    )
    fields = {
        "declared": declared(definition),
        "running": replace(RUNNING, machine=machine),
        "memory": NOTHING,
        "observation": observation,
        "now": NOTHING,
        "next_start": NOTHING,
        "baseline": NOTHING,
        "forecast": NOTHING,
        **changes,
    }
    return case(**fields)


def power(**changes: Any) -> Case:
    """A guest of ppc64le."""
    return on("ppc64le", replace(POWER, **changes))


def mainframe(name: str = "a-long-name", **changes: str) -> Case:
    """A guest of s390x; of what it says, some other: ``VM00 UUID`` as ``VM00_UUID``."""
    said = {**MAINFRAME, **{key.replace("_", " "): text for key, text in changes.items()}}
    kept = {key: text for key, text in said.items() if text}
    platform = Platform(model=None, compatible=(), uuid=None, sysinfo=kept)
    return on("s390x", platform, name=name)


def served(live: Smbios | Missing | None = None, **changes: Any) -> Case:
    """A guest of arm64 that was started without a firmware: it has what it is served alone."""
    made = case(
        declared=declared(
            replace(DEFINITION, architecture="aarch64", machine="virt-7.2", firmware="none")
        ),
        running=replace(RUNNING, machine="virt-7.2"),
        memory=NOTHING,
        observation=replace(
            OBSERVATION, booted=NOTHING, dmi=NOTHING, live=SERVED if live is None else live
        ),
        baseline=NOTHING,
        **changes,
    )
    return replace(made, now=PROBED_VIRT, next_start=PROBED_VIRT)


_NAMED = dict.fromkeys(("version", "chassis_version", "processor_version"), "virt-7.2")
_VIRT: dict[str, Any] = {"product": "QEMU Virtual Machine", **_NAMED}
SERVED = smbios(**_VIRT)
PROBED_VIRT = replace(PROBED, smbios=SERVED)
ROWS = [
    (machine_type.check, served(), SKIP, "no firmware leaves the guest tables"),
    (machine_type_live.check, served(), PASS, "virt-7.2"),
    (machine_type_live.check, served(NOTHING), UNKNOWN, "not to be had"),
    (product.check, served(), PASS, "QEMU Virtual Machine"),
    (product.check, served(smbios(**{**_VIRT, "product": "x"})), FAIL, "live tables give the prod"),
    (product.check, served(NOTHING), UNKNOWN, "not to be had"),
    (identity.check, served(), PASS, "the domain's UUID"),
    (exact.check, served(), PASS, "is served exactly"),
    (next_boot.check, served(), PASS, "a reboot shows the guest the same"),
    (next_start.check, served(), PASS, "the same tables"),
    (next_boot.check, served(NOTHING), UNKNOWN, "not to be had"),
    (identity.check, power(), PASS, "reads the domain's UUID in its device tree"),
    (identity.check, power(name="vm1"), PASS, "the domain's UUID and name in its device tree"),
    (identity.check, power(name="vm2"), FAIL, "reads in its device tree the name vm2"),
    (identity.check, power(uuid=OTHER), FAIL, f"reads in its device tree UUID {OTHER}"),
    (identity.check, power(uuid=None), UNKNOWN, "has no UUID"),
    (identity.check, mainframe(), PASS, "reads the domain's UUID and name in /proc/sysinfo"),
    (identity.check, mainframe(VM00_UUID=OTHER), FAIL, f"reads in /proc/sysinfo UUID {OTHER}"),
    (identity.check, mainframe(VM00_UUID=""), UNKNOWN, "has no UUID"),
    (identity.check, mainframe(VM00_UUID="none"), UNKNOWN, "gives the UUID none, which is none"),
    (identity.check, mainframe(name="another"), FAIL, "the name a-long-name"),
    (identity.check, mainframe(name="a-long-name-2"), FAIL, "the name a-long-name"),
    (identity.check, mainframe(VM00_Extended_Name=""), PASS, "UUID and name"),
    (identity.check, mainframe(VM00_Extended_Name="", name="a-long-o"), FAIL, "the name a-long-n"),
    (identity.check, mainframe(name="n" * 300), PASS, "UUID and name"),
    # What EBCDIC has no characters for can't be held against it.
    (identity.check, mainframe(name="é"), PASS, "UUID"),
    (identity.check, mainframe(VM00_Extended_Name="", VM00_Name=""), PASS, "the domain's UUID in"),
    (identity.check, on("ppc64le", NOTHING), UNKNOWN, "not to be had"),
    (identity.check, on("ppc64le", POWER, observation=SILENT), UNKNOWN, "nobody answered"),
    (identity.check, on("sparc64", POWER), UNKNOWN, "sparc64 guest can't see"),
    (product.check, power(), PASS, '"qemu,pseries", as of all machines of its family'),
    (product.check, power(compatible=("IBM,9009", "qemu,pseries")), PASS, "IBM,9009, qemu"),
    (product.check, power(compatible=("ibm,powernv",)), FAIL, 'expected is "qemu,pseries"'),
    (product.check, power(compatible=()), UNKNOWN, "no entry compatible"),
    (product.check, mainframe(), PASS, 'VM00 Control Program in /proc/sysinfo is "KVM/Linux"'),
    (product.check, mainframe(VM00_Control_Program="z/VM    7.3.0"), FAIL, "z/VM"),
    (product.check, mainframe(VM00_Control_Program=""), UNKNOWN, "no entry VM00 Control Program"),
    (product.check, on("s390x", NOTHING), UNKNOWN, "not to be had"),
    (product.check, on("ppc64le", POWER, observation=NOT_ENROLLED), UNKNOWN, "no channel"),
    (product.check, on("sparc64", POWER), UNKNOWN, "sparc64 guest can't see"),
    # No entry of either names the type.
    (machine_type.check, mainframe(), UNKNOWN, "/proc/sysinfo does not name it"),
    (machine_type.check, power(), UNKNOWN, "device tree does not name it"),
    # Nothing is missing where there is nothing.
    (exact.check, mainframe(), SKIP, "s390-ccw-virtio-7.2 has no SMBIOS tables"),
    (exact.check, power(), SKIP, "pseries-7.2 has no SMBIOS tables"),
    (exact.check, on("sparc64", POWER), UNKNOWN, "not to be had"),
    (next_boot.check, mainframe(), SKIP, "no SMBIOS tables"),
    (next_boot.check, on("sparc64", POWER), UNKNOWN, "not to be had"),
    (next_start.check, power(), SKIP, "no SMBIOS tables"),
    (next_start.check, on("sparc64", POWER), UNKNOWN, "not to be had"),
]
