"""Live migrations that QEMU or libvirt refuses, though machine type and CPU are the same. Pure.

Faults of single versions, that no option and no atlas shows; each was measured with the versions
that its row names, and nothing is said of versions in between. A guest that such a fault holds back
needs a stop and a start, which lose nothing but the boot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from host_agent.domain.architectures import X86
from host_agent.migrate.facts import Move, numbers
from host_agent.missing import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a guest brings along from one version that a later one does not take."""

    booted_by: str
    """QEMU's version that booted or reset the guest last, exactly."""
    refused_from: tuple[int, ...]
    """The oldest version measured that refuses it."""
    why: str
    source: str


class Certainty(StrEnum):
    """How sure a refusal is."""

    SURE = "sure"
    IF_RESET = "if reset"
    """It came from a QEMU that is not concerned to one that is: a reset since then decides."""
    NOT_KNOWN = "not known"
    """Which QEMU booted it is not known."""


REFUSALS = (
    Refusal(
        booted_by="10.0.13",
        refused_from=(11, 1, 2),
        why="QEMU 10.0.13 gives every virtio device queues of 1024 entries, whatever their size "
        "should be",
        source="migrated from Debian's 1:10.0.13+ds-0+deb13u1 to its 1:11.1.2+ds-3: \"VQ 0 "
        'vring.num 1024 exceeds allocated max 128" (hw/virtio/virtio.c: virtio_load). The size is '
        "set at a reset, of the machine or, by its driver, of the device alone: a guest that came "
        "live from 7.2 and reset nothing since gets there, any other does not; 10.0.13 to 7.2 and "
        "to 10.0.2, 10.0.2 and 7.2 to 11.1.2, 11.1.2 to 10.0.13 were seen to work",
    ),
)


def known(move: Move) -> tuple[Refusal, Certainty] | None:
    """Return the refusal that waits for a move, and how sure it is; None: none is known."""
    if not move.devices.virtio or move.destination.qemu is None:
        return None
    there, boot = numbers(move.destination.qemu), move.boot
    for refusal in REFUSALS:
        if refusal.booted_by in boot.versions and there >= refusal.refused_from:
            if len(boot.versions) > 1:
                return refusal, Certainty.IF_RESET
            return refusal, Certainty.SURE if boot.whole else Certainty.NOT_KNOWN
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRefusal:
    """A device whose state one version sends and another one refuses."""

    models: frozenset[str]
    sent_by: str
    """QEMU's version, exactly."""
    refused_by: str
    said: str
    """By the one that refuses."""


DEVICE_REFUSALS = (
    DeviceRefusal(
        models=frozenset({"am53c974", "dc390"}),
        sent_by="7.2.22",
        refused_by="10.0.13",
        said="Missing section footer for …/pciespscsi",
    ),
    DeviceRefusal(
        models=frozenset({"am53c974", "dc390"}),
        sent_by="11.1.2",
        refused_by="10.0.13",
        said="Missing section footer for …/pciespscsi",
    ),
    DeviceRefusal(
        models=frozenset({"isa-vga"}),
        sent_by="10.0.13",
        refused_by="11.1.2",
        said="Unknown section or instance 'vga' 0",
    ),
)
"""Saved by one of Debian's packages and loaded by the other, as pc-i440fx-7.2 with that device."""


def of_devices(move: Move) -> Mapping[str, str]:
    """Return the device models of a move whose state is measured to be refused, and how."""
    if move.states is None or isinstance(move.states, Missing):
        return {}
    ends = move.source.qemu, move.destination.qemu
    touched = {one.model for one in move.states.touching}
    return {
        model: refusal.said
        for refusal in DEVICE_REFUSALS
        for model in sorted(refusal.models & touched)
        if (refusal.sent_by, refusal.refused_by) == ends
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulationRefusal:
    """What the emulation of a whole architecture sends in one version and refuses in another."""

    architecture: str
    """libvirt's word."""
    sent_by: str
    """QEMU's version, exactly."""
    refused_by: str
    said: str
    """By the one that refuses."""


_ELEVEN_LACKS = "system register 0x1013c030 in the incoming stream but unknown on the destination"
_SEVEN_IS_FULL = "Failed to load cpu:cpreg_vmstate_array_len"
_NO_ACPI_YET = 'Unknown ramblock "/rom@etc/acpi/tables", cannot accept migration'
_TOO_OLD = "cpu: incoming version_id {} is too old for local minimum version_id {}"


def _rows(architecture: str, *rows: tuple[str, str, str]) -> tuple[EmulationRefusal, ...]:
    return tuple(
        EmulationRefusal(architecture=architecture, sent_by=one, refused_by=two, said=said)
        for one, two, said in rows
    )


EMULATION_REFUSALS = (
    *_rows(
        "aarch64",
        ("7.2.22", "10.0.13", "error while loading state for instance 0x0 of device 'cpu'"),
        ("7.2.22", "11.1.2", _ELEVEN_LACKS),
        ("10.0.13", "11.1.2", _ELEVEN_LACKS),
        ("10.0.13", "7.2.22", _SEVEN_IS_FULL),
        ("11.1.2", "7.2.22", _SEVEN_IS_FULL),
        ("11.1.2", "10.0.13", "it ends by an assertion of its own"),
    ),
    *_rows(
        "riscv64",
        ("7.2.22", "10.0.13", _TOO_OLD.format(5, 10)),
        ("7.2.22", "11.1.2", _TOO_OLD.format(5, 12)),
        ("10.0.13", "11.1.2", _TOO_OLD.format(10, 12)),
        ("10.0.13", "7.2.22", _NO_ACPI_YET),
        ("11.1.2", "7.2.22", _NO_ACPI_YET),
        ("11.1.2", "10.0.13", "savevm: unsupported version 12 for 'cpu' v10"),
    ),
    *_rows(
        "loongarch64",
        ("7.2.22", "10.0.13", "Size too large: /rom@etc/acpi/rsdp: 0x4000 > 0x1000"),
        ("10.0.13", "11.1.2", _TOO_OLD.format(3, 4)),
    ),
)
"""Measured between Debian's packages, from a paused machine to a waiting one.

arm64: a list of registers is sent, each version's own (``target/arm/machine.c: cpu_post_load``); as
virt-7.2 with cortex-a57, the first and the third with cortex-a53, neoverse-n1 and max as well.
riscv64 as virt with rv64, loongarch64 as virt with la464: these machines have no versions, and the
CPU's state has one of its own. Within one version of QEMU all three move.
"""


def of_emulation(move: Move) -> str | None:
    """Return what QEMU there says to a guest in software emulation; None: no refusal is known."""
    if move.active.type != "qemu":
        return None
    wanted = move.active.architecture, move.source.qemu, move.destination.qemu
    return next(
        (
            one.said
            for one in EMULATION_REFUSALS
            if (one.architecture, one.sent_by, one.refused_by) == wanted
        ),
        None,
    )


_HT_SHOWN_BY = (10, 0)
_HT_UNDERSTOOD_BY = (11, 10)


def of_threads(move: Move) -> tuple[str, bool] | None:
    """Say why libvirt there refuses a guest whose vCPUs share a socket; None: it does not.

    With it: whether that is sure, or hangs on a version of libvirt that is not known.

    QEMU 10.0 and newer report the feature ``ht`` as the guest's own, which older ones give it
    without saying so. libvirt puts what QEMU reports into the active XML and compares on arrival;
    its releases before 11.10.0 (NEWS: "Fix incoming migration to QEMU 10.0.0 and newer") take the
    word's coming and going for another CPU. Measured with libvirt 9.0.0, 11.3.0 and 12.8.0 over
    QEMU 7.2.22, 10.0.2, 10.0.13 and 11.1.2, in both directions, with named models and host-model.
    """
    devices, there = move.devices, move.destination
    if devices.in_a_socket < 2 or devices.host_bound_cpu or there.qemu is None:
        return None
    if move.active.architecture not in X86:
        return None
    shown = numbers(there.qemu) >= _HT_SHOWN_BY
    if devices.has_ht:
        if shown:
            return None
        return f"its CPU has the feature ht, which QEMU {there.qemu} gives without saying so", True
    if not shown or (there.libvirt and numbers(there.libvirt) >= _HT_UNDERSTOOD_BY):
        return None
    version = there.libvirt or "before 11.10.0"
    return (
        f"{devices.in_a_socket} vCPUs share a socket, and libvirt {version} takes the "
        f"feature ht, which QEMU {there.qemu} reports then, for one too many",
        there.libvirt is not None,
    )
