"""Findings before a move: a row for each way that a move can be wrong."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from host_agent.case import last_boot
from host_agent.difference import Area, Difference
from host_agent.domain.devices import Devices, Disk, Folder
from host_agent.domain.live_migration import CopyStorage
from host_agent.finding import Finding, Outcome
from host_agent.firmware.images import Image, Presence
from host_agent.machine_types.offers import Offer
from host_agent.migrate import preflight
from host_agent.migrate.facts import End, MachineThere, Move, There
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.atlas.test_compat_props import of
from tests.unit.host_agent.shared.cases import DEFINITION, MACHINE, NOTHING
from tests.unit.host_agent.shared.states import (
    DEPENDS,
    MISREAD,
    REFUSED,
    STATES,
    states,
    touching,
)
from tests.unit.host_agent.shared.tpm_rows import LOST, OTHER, SAME, outlook

UNKNOWN, FAIL, WARN, PASS = Outcome.UNKNOWN, Outcome.FAIL, Outcome.WARN, Outcome.PASS
DISK = Disk(target="vda", type="file", path="/srv/vm1.qcow2", writable=True)
DEVICES = Devices(disks=(DISK,), passthrough=(), cpu="<cpu/>", cpu_mode="custom")
HERE = End(name="node1", uuid="1", qemu="7.2.22", libvirt="9.0.0")
THERE = End(name="node2", uuid="2", qemu="10.0.13", libvirt="11.3.0")
NODE = Difference(area=Area.ACPI, subject="DSDT, _SB.PCI0", field="_UID", old="1", new="0")
MOVE = Move(
    active=DEFINITION,
    state="running",
    job=None,
    devices=DEVICES,
    source=HERE,
    destination=THERE,
    offer=Offer(canonical=MACHINE, deprecated=False),
    shared={"vda": True},
    forecast=(),
)
CHANGE = Difference(
    area=Area.SMBIOS, subject="type 4 Processor", field="Processor Family", old="0x01", new="0xfe"
)
ROM = Difference(
    area=Area.ROM, subject="0000:00:03.0/e1000.rom", field="size", old="256 KiB", new="512 KiB"
)


SRV, SOCKET = Folder(path="/srv", name="t"), Folder(path=None, name="u")
NEWER = {"source": replace(HERE, qemu="10.0.13", libvirt="11.3.0")}
SHAREABLE = Disk(target="vdb", type="file", path="/srv/quorum.img", writable=True, shareable=True)


def image(there: Presence) -> Image:
    return Image(path="/usr/share/OVMF/OVMF_CODE.fd", there=there)


SEEN = UUID(int=7)
CLONE = replace(DEFINITION, hardware_uuid=SEEN)


def there(name: str, uuid: UUID = DEFINITION.uuid, *, active: bool = False) -> There:
    return There(name=name, uuid=uuid, active=active, guest_uuid=uuid)


RUNNING_CLONE = replace(there("vm0", UUID(int=9), active=True), guest_uuid=SEEN)
BROKEN = {
    "source": replace(HERE, qemu="10.0.13"),
    "destination": replace(THERE, qemu="11.1.2"),
    "boot": last_boot.by("10.0.13"),
}


def xml(machine: str, ours: str = MACHINE) -> dict[str, Any]:
    return {
        "active": replace(DEFINITION, machine=ours),
        "xml": replace(DEFINITION, machine=machine),
        "offer": Offer(canonical=ours, deprecated=False),
    }


def devices(**changes: Any) -> dict[str, Any]:
    return {"devices": replace(DEVICES, **changes)}


def absent(machine: str, *near: str) -> dict[str, Any]:
    return {
        "active": replace(DEFINITION, machine=machine),
        "offer": Missing(reason=Reason.ABSENT, sentence=f"there is no machine type {machine}"),
        "near": near,
    }


ROWS: list[tuple[str, dict[str, Any], str, Outcome, str]] = [
    ("paused", {"state": "paused"}, "move-state", FAIL, "the domain is paused"),
    ("busy", {"job": Missing(reason=Reason.BUSY, sentence="a job is running")}, "move-state", FAIL,
     "a job is running"),
    ("same host", {"destination": HERE}, "move-host", FAIL, "one host, node1"),
    ("no host UUIDs", {"source": replace(HERE, uuid=None), "destination": replace(HERE, uuid=None)},
     "move-versions", PASS, ""),
    ("runs there", {"there": (there("x", active=True),)}, "move-domain", FAIL,
     "runs on node2 already, as x"),
    ("name taken", {"there": (there("vm1", UUID(int=9)),)}, "move-domain", FAIL,
     "another domain of this name"),
    ("renamed there", {"there": (there("old"),)}, "move-domain", FAIL,
     "another domain of this name or UUID: old"),
    ("a clone that runs there", {"active": CLONE, "there": (RUNNING_CLONE,)}, "move-domain", FAIL,
     f"sees this one's UUID, {SEEN}, runs on node2 already: vm0"),
    ("its guest sees the UUID of another domain there",
     {"active": CLONE, "there": (there("vm0", SEEN, active=True),)}, "move-domain", FAIL,
     "runs on node2 already: vm0"),
    ("type is gone", absent("pc-i440fx-2.1", "pc-i440fx-2.10"), "move-machine-type", FAIL,
     "no machine type pc-i440fx-2.1; near it: pc-i440fx-2.10"),
    # A name that begins with the domain's is another machine, whatever QEMU's own check says.
    ("only a longer name", absent("pc-q35-noble", "pc-q35-noble-v2"), "move-machine-type", FAIL,
     "near it: pc-q35-noble-v2"),
    ("an alias there", {"offer": Offer(canonical="pc-q35-10.0", deprecated=False)},
     "move-machine-type", FAIL, f"{MACHINE} is another name of pc-q35-10.0"),
    ("deprecated", {"offer": Offer(canonical=MACHINE, deprecated=True)}, "move-machine-type", WARN,
     "deprecated"),
    ("can't be asked", {"offer": NOTHING}, "move-machine-type", UNKNOWN, "not to be had"),
    ("another XML", xml("pc-q35-7.2"), "move-xml", FAIL, f"from {MACHINE} to pc-q35-7.2"),
    ("prefix", xml("pc-q35-4.0.1", "pc-q35-4.0"), "move-xml", FAIL, "QEMU itself would not notice"),
    ("prefix of Ubuntu", xml("pc-q35-noble-v2", "pc-q35-noble"), "move-xml", FAIL,
     "QEMU itself would not notice"),
    ("an older type", xml("pc-q35-4.0", "pc-q35-4.0.1"), "move-xml", FAIL, "to pc-q35-4.0"),
    ("the same XML", xml(MACHINE), "move-xml", PASS, MACHINE),
    ("CPU", {"cpu": "missing features: hle,rtm"}, "move-cpu", FAIL, "node2: missing features: hle"),
    ("CPU can't be compared", {"cpu": NOTHING}, "move-cpu", UNKNOWN, "not to be had"),
    ("the host's CPU", devices(cpu_mode="host-passthrough"), "move-cpu", WARN, "host-passthrough"),
    ("older QEMU", {"destination": replace(THERE, qemu="6.2.0")}, "move-versions", WARN,
     "QEMU 6.2.0 there, 7.2.22 here"),
    ("older libvirt", {"destination": replace(THERE, libvirt="8.10.0")}, "move-versions", WARN,
     "libvirt 8.10.0 there, 9.0.0 here"),
    ("passthrough", devices(passthrough=("pci device hostdev0",)), "move-devices", FAIL,
     "pci device hostdev0"),
    ("local disk", {"shared": {"vda": False}}, "move-storage", FAIL, "vda (/srv/vm1.qcow2)"),
    ("local disk, unsafe", {"shared": {"vda": False}, "unsafe": True}, "move-storage", WARN,
     "vda (/srv/vm1.qcow2)"),
    ("local disk, copied", {"shared": {"vda": False}, "copy_storage": CopyStorage.ALL},
     "move-storage", PASS, "disks are copied (all): vda"),
    ("remote, unknown", {"shared": {}}, "move-storage", UNKNOWN, "vda can't be told from here"),
    ("ROM of another size", {"forecast": (ROM, CHANGE)}, "move-blocks", FAIL,
     "e1000.rom 256 KiB here, 512 KiB there"),
    ("only what a guest sees", {"forecast": (CHANGE,)}, "move-blocks", PASS, "same sizes"),
    ("of a release nothing is known but its name",
     {"destination": End(name="trixie", uuid=None, qemu=None)}, "move-machine-type", PASS,
     "trixie has pc-i440fx-7.2"),
    ("known to be refused", {**devices(virtio=True), **BROKEN}, "move-refusal", WARN,
     "node2 (QEMU 11.1.2) refuses what the guest has from its last boot: QEMU 10.0.13 gives every "
     "virtio device"),
    ("too many vCPUs", {**devices(vcpus=512), "most_vcpus": 288}, "move-vcpus", FAIL,
     "it has 512 vCPUs, and its machine type may have 288 on node2"),
    ("virtiofs, old", devices(folders=(SRV,)), "move-folders", FAIL, "by virtiofs: /srv"),
    ("virtiofs, old, by a socket", devices(folders=(SOCKET,)), "move-folders", FAIL, "u"),
    ("virtiofs, an old libvirt",
     {**devices(folders=(SRV,)), "source": replace(HERE, qemu="10.0.2")}, "move-folders", FAIL,
     "/srv"),
    ("virtiofs", {**devices(folders=(SRV,)), **NEWER}, "move-folders", WARN,
     "only where virtiofsd on both hosts can hand over"),
    ("virtiofs, local",
     {**devices(folders=(SRV,)), **NEWER, "shared": {"vda": True, "/srv": False}},
     "move-folders", FAIL, "/srv; they are on its own file system"),
    ("shareable, local",
     {**devices(disks=(SHAREABLE,)), "shared": {"vdb": False}}, "move-storage", FAIL,
     "vdb (/srv/quorum.img); what several domains share is never copied"),
    ("shareable, not copied",
     {**devices(disks=(DISK, SHAREABLE)), "shared": {"vda": False, "vdb": False},
      "copy_storage": CopyStorage.ALL}, "move-storage", FAIL, "file system: vdb (/srv/quorum.img)"),
    ("shareable, shared",
     {**devices(disks=(SHAREABLE,)), "shared": {"vdb": True}}, "move-storage", PASS, "shared"),
    ("image is gone", {"images": (image(Presence.NO),)}, "move-firmware", FAIL,
     "node2 has no /usr/share/OVMF/OVMF_CODE.fd: its packages gave up the images of 2 MB"),
    ("image has grown", {"images": (image(Presence.GROWN),)}, "move-firmware", FAIL,
     "OVMF_CODE.fd is of another size on node2"),
    ("image may be gone", {"images": (image(Presence.DOUBTFUL),)}, "move-firmware", UNKNOWN,
     "whether node2 has /usr/share/OVMF/OVMF_CODE.fd can't be asked from here"),
    ("no atlas", {"forecast": NOTHING}, "move-forecast", UNKNOWN, "not to be had"),
    ("next boot", {"forecast": (CHANGE,) * 5}, "move-forecast", WARN,
     "Processor Family 0x01 -> 0xfe (inventory); and 2 more"),
    ("rehearsed, the same", {"rehearsed": MachineThere(qemu="10.0.13", differences=())},
     "move-forecast", PASS, "the same machine (rehearsed under QEMU 10.0.13)"),
    ("rehearsed without an atlas",
     {"forecast": NOTHING, "rehearsed": MachineThere(qemu="10.0.13", differences=(NODE,))},
     "move-forecast", WARN, "(rehearsed under QEMU 10.0.13): ACPI DSDT, _SB.PCI0: _UID 1 -> 0"),
    ("rehearsed beside an atlas",
     {"forecast": (CHANGE,), "rehearsed": MachineThere(qemu="10.0.13", differences=(NODE,))},
     "move-forecast", WARN, "0x01 -> 0xfe (inventory); ACPI DSDT"),
    ("not rehearsed", {"rehearsed": NOTHING}, "move-forecast", PASS,
     "the same machine (not rehearsed, because not to be had)"),
    ("nothing is known", {"forecast": NOTHING, "rehearsed": NOTHING}, "move-forecast", UNKNOWN,
     "not to be had; not rehearsed, because not to be had"),
    ("opens there", {"sealed": outlook(SAME, True)}, "move-sealed", PASS, "PCR 7) will open"),
    ("asks there", {"sealed": outlook(OTHER, False)}, "move-sealed", WARN,
     "after its first stop and start there vda3 (systemd-tpm2, PCR 7) will not open by the TPM: "
     "PCR 7 (variable SecureBoot) will be another"),
    ("may ask there", {"sealed": outlook(LOST, None)}, "move-sealed", UNKNOWN,
     "of PCR 1 it is not known: a rehearsal of what runs does not give what the guest has"),
    ("what it has is not known", {"sealed": NOTHING}, "move-sealed", UNKNOWN,
     "its first stop and start there is not known: not to be had"),
    ("states are not known", {"states": NOTHING}, "move-vmstate", UNKNOWN, "not to be had"),
    ("states are taken", {"states": replace(STATES, looked_at=12)}, "move-vmstate", PASS,
     "QEMU 10.0.13, x86_64 takes what QEMU 7.2.22, x86_64 says that it sends of the 12 device"),
    ("what is not described is named",
     {"states": replace(STATES, not_described=("qxl", "x"), held_by=of("tpm-crb.y=off"))},
     "move-vmstate", PASS,
     "describes no state of qxl, x; more is held back by tpm-crb.y=off"),
    ("a state that is refused", states(touching("pvscsi", REFUSED)), "move-vmstate", WARN,
     "will probably refuse what this guest sends: pvscsi: sends version 3, and 2 is the newest"),
    ("one that is misread", states(touching("pvscsi", MISREAD)), "move-vmstate", WARN,
     "will probably refuse"),
    ("one that it may be", states(replace(touching("hpet", DEPENDS), own=True)),
     "move-vmstate", WARN, "may refuse what this guest sends: hpet (of the machine itself): sends"),
    ("several", states(*[touching("pvscsi", DEPENDS)] * 5), "move-vmstate", WARN,
     "pvscsi: sends version 3, and 2 is the newest there; and 2 more"),
    ("measured to be refused", states(touching("dc390", MISREAD)), "move-vmstate", FAIL,
     "node2 (QEMU 10.0.13) refuses the state of dc390, which was measured: Missing section footer"),
    ("measured of other versions",
     {**states(touching("dc390", MISREAD)), "source": replace(HERE, qemu="7.2.19")},
     "move-vmstate", WARN, "will probably refuse"),
]  # fmt: skip


def found(move: Move, check: str) -> Finding:
    (finding,) = (one for one in preflight.run(move) if one.check == check)
    return finding


@pytest.mark.parametrize(
    ("changes", "check", "outcome", "words"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_rows(changes: dict[str, Any], check: str, outcome: Outcome, words: str) -> None:
    move = replace(MOVE, **changes)
    finding = found(move, check)
    assert finding.outcome is outcome, finding
    assert words.removesuffix("; and 2 more") in finding.sentence
    assert ("and 2 more" in words) == ("and 2 more" in finding.sentence)
    assert preflight.refused(preflight.run(move)) == (outcome is FAIL)


def test_all_is_well() -> None:
    findings = preflight.run(MOVE)
    assert found(MOVE, "move-state").sentence == "running, and no other job"
    assert {finding.outcome for finding in findings} == {PASS}
    assert not preflight.refused(findings)


def test_what_does_not_apply_says_nothing() -> None:
    unknown = replace(MOVE, destination=End(name="trixie", uuid=None, qemu=None), forecast=NOTHING)
    found = {finding.check for finding in preflight.run(unknown)}
    assert not {"move-versions", "move-blocks", "move-vmstate"} & found
    checks = {finding.check for finding in preflight.run(MOVE)}
    assert not {"move-host", "move-domain", "move-xml", "move-devices"} & checks
    plain = replace(MOVE, devices=replace(DEVICES, disks=()))
    assert "move-storage" not in {finding.check for finding in preflight.run(plain)}


def test_left_behind_by_an_earlier_move_is_no_other_domain() -> None:
    assert not preflight.refused(preflight.run(replace(MOVE, there=(there("vm1"),))))
