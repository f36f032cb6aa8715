"""Moves that single versions of QEMU and libvirt refuse: for whom, and for nobody else."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.case import last_boot
from host_agent.case.last_boot import NOT_KNOWN, LastBoot
from host_agent.finding import Outcome
from host_agent.migrate import preflight, qemu_refusals
from host_agent.migrate.qemu_refusals import Certainty
from tests.unit.host_agent.migrate.test_preflight import MOVE, devices

VIRTIO = devices(virtio=True)
SURE, IF_RESET, NOT_SURE = Certainty.SURE, Certainty.IF_RESET, Certainty.NOT_KNOWN
OUTCOMES = {SURE: Outcome.FAIL, IF_RESET: Outcome.WARN, NOT_SURE: Outcome.UNKNOWN}


def qemu(here: str, there: str | None, boot: LastBoot | None = None) -> dict[str, Any]:
    return {
        "source": replace(MOVE.source, qemu=here),
        "destination": replace(MOVE.destination, qemu=there),
        "boot": last_boot.by(here) if boot is None else boot,
    }


CAME = last_boot.by("7.2.22").moved("10.0.13")


@pytest.mark.parametrize(
    ("changes", "certainty"),
    [
        ({**VIRTIO, **qemu("10.0.13", "11.1.2")}, SURE),
        ({**VIRTIO, **qemu("10.0.13", "12.0.0")}, SURE),
        # What it has from its boot it keeps, wherever it runs by now.
        ({**VIRTIO, **qemu("7.2.22", "11.1.2", last_boot.by("10.0.13").moved("7.2.22"))}, IF_RESET),
        ({**VIRTIO, **qemu("10.0.13", "11.1.2", CAME)}, IF_RESET),
        ({**VIRTIO, **qemu("10.0.13", "11.1.2", NOT_KNOWN.moved("10.0.13"))}, NOT_SURE),
        # Nothing speaks for it.
        ({**VIRTIO, **qemu("7.2.22", "11.1.2", NOT_KNOWN.moved("7.2.22"))}, None),
        # Nothing of virtio's is sent.
        (qemu("10.0.13", "11.1.2"), None),
        # These were seen to take it, or to send it right.
        ({**VIRTIO, **qemu("10.0.13", "10.0.13")}, None),
        ({**VIRTIO, **qemu("10.0.13", "10.0.2")}, None),
        ({**VIRTIO, **qemu("10.0.13", "7.2.22")}, None),
        ({**VIRTIO, **qemu("7.2.22", "11.1.2")}, None),
        ({**VIRTIO, **qemu("10.0.2", "11.1.2")}, None),
        # A release whose package may be any.
        ({**VIRTIO, **qemu("10.0.13", None)}, None),
    ],
)
def test_known(changes: dict[str, Any], certainty: Certainty | None) -> None:
    move = replace(MOVE, **changes)
    found = qemu_refusals.known(move)
    assert (None if found is None else found[1]) is certainty
    outcomes = {one.check: one.outcome for one in preflight.run(move, preflight.MOVING)}
    assert outcomes.get("move-refusal") is (None if certainty is None else OUTCOMES[certainty])
    # A move that is wanted now is tried.
    now = {one.check: one.outcome for one in preflight.run(move)}
    assert now.get("move-refusal") is (None if certainty is None else Outcome.WARN)


def threads(there: str | None, libvirt: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "destination": replace(MOVE.destination, qemu=there, libvirt=libvirt),
        **devices(**{"in_a_socket": 4, **changes}),
    }


# Each row but those of versions not seen was tried: 9.0.0, 11.3.0 and 12.8.0 are Debian's.
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (threads("10.0.13", "11.3.0"), "4 vCPUs share a socket, and libvirt 11.3.0"),
        (threads("10.0.2", "9.0.0"), "libvirt 9.0.0"),
        (threads("11.1.2", "12.8.0"), None),
        (threads("10.1.0", "11.10.0"), None),
        (threads("10.1.0", "11.9.0"), "libvirt 11.9.0"),
        (threads("7.2.22", "9.0.0"), None),
        # A socket for each vCPU, as without a <topology>.
        (threads("10.0.13", "11.3.0", in_a_socket=1), None),
        (threads("10.0.13", "11.3.0", cpu_mode="maximum"), None),
        (threads("10.0.13", "11.3.0", cpu_mode="host-model"), "libvirt 11.3.0"),
        # It was started by a libvirt that wrote the word down.
        (threads("10.0.13", "11.3.0", has_ht=True), None),
        (threads("7.2.22", "9.0.0", has_ht=True), "QEMU 7.2.22 gives without saying so"),
        (threads("10.0.13", None), "libvirt before 11.10.0"),
        (threads(None, "11.3.0"), None),
        ({**threads("10.0.13", "11.3.0"), "active": replace(MOVE.active, architecture="aarch64")},
         None),
    ],
)  # fmt: skip
def test_threads(changes: dict[str, Any], words: str | None) -> None:
    move = replace(MOVE, **changes)
    found = qemu_refusals.of_threads(move)
    assert (found is not None) is (words is not None), found
    assert (words or "") in (found[0] if found else "")
    outcomes = {one.check: one.outcome for one in preflight.run(move)}
    outcome = Outcome.UNKNOWN if move.destination.libvirt is None else Outcome.FAIL
    assert outcomes.get("move-threads") is (outcome if words else None)


def emulated(here: str, there: str | None, **changes: Any) -> dict[str, Any]:
    kind = {"architecture": "aarch64", "type": "qemu", **changes}
    return {**qemu(here, there), "active": replace(MOVE.active, **kind)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (emulated("7.2.22", "10.0.13"), "of device 'cpu'"),
        (emulated("10.0.13", "11.1.2"), "0x1013c030"),
        (emulated("11.1.2", "7.2.22"), "cpreg_vmstate_array_len"),
        (emulated("10.0.13", "10.0.13"), None),
        # Versions that nobody has tried, and a release whose package may be any.
        (emulated("10.0.2", "11.1.2"), None),
        (emulated("7.2.22", None), None),
        # There the kernel of the host keeps the registers.
        (emulated("7.2.22", "10.0.13", type="kvm"), None),
        (emulated("7.2.22", "10.0.13", architecture="ppc64le"), None),
        (emulated("7.2.22", "10.0.13", architecture="riscv64"), "version_id 5 is too old"),
        (emulated("11.1.2", "10.0.13", architecture="riscv64"), "unsupported version 12"),
        (emulated("10.0.13", "11.1.2", architecture="loongarch64"), "minimum version_id 4"),
    ],
)
def test_an_emulated_guest(changes: dict[str, Any], words: str | None) -> None:
    move = replace(MOVE, **changes)
    found = {one.check: one for one in preflight.run(move, preflight.MOVING)}.get("move-refusal")
    assert (found and found.outcome) is (Outcome.FAIL if words else None)
    assert (words or "") in (found.sentence if found else "")
    # A move that is wanted now is tried.
    now = {one.check: one.outcome for one in preflight.run(move)}.get("move-refusal")
    assert now is (Outcome.WARN if words else None)
