"""What becomes of one domain at one site: a row for each way that it can go or not."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from host_agent.case import last_boot
from host_agent.difference import Area, Difference
from host_agent.domain.devices import Devices, Disk, Folder
from host_agent.domain.live_migration import CopyStorage
from host_agent.domain.snapshots import Snapshot
from host_agent.finding import Finding, Outcome
from host_agent.firmware.images import Image, Presence
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.target import Target
from host_agent.migrate.facts import End, Move, There
from host_agent.missing import Missing, Reason
from host_agent.plan import answer as plan_answer
from host_agent.plan.facts import Answer, Kind, Planned, Question, Subject
from tests.unit.host_agent.shared.cases import DEFINITION, MACHINE, NOTHING
from tests.unit.host_agent.shared.states import MISREAD, REFUSED, states, touching

HERE = End(name="node1", uuid="1", qemu="7.2.22", libvirt="9.0.0")
THERE = End(name="node2", uuid="2", qemu="10.0.13", libvirt="11.3.0")
DISK = Disk(target="vda", type="file", path="/srv/vm1.qcow2", writable=True)
DEVICES = Devices(disks=(DISK,), passthrough=(), cpu="<cpu/>", cpu_mode="custom")
SUBJECT = Subject(
    active=DEFINITION,
    persistent=DEFINITION,
    state="running",
    devices=DEVICES,
    start=DEVICES,
    shared={"vda": True},
)
OFFER = Offer(canonical=MACHINE, deprecated=False)
NEWER = "pc-i440fx-10.0"
RAISED = Target(name=NEWER, why="newest that all 2 hosts offer")
NONE = Target(name=None, why="no pc-i440fx type is offered by every host")
GONE = Missing(reason=Reason.ABSENT, sentence=f"there is no machine type {MACHINE}")
UNSEEN = Missing(reason=Reason.UNSUPPORTED, sentence="not to be had")
ROM = Difference(
    area=Area.ROM, subject="0000:00:03.0/e1000.rom", field="size", old="256 KiB", new="512 KiB"
)
MEMORY = Snapshot(name="s1", memory=True, machine=MACHINE)
DISKS = Snapshot(name="s2", memory=False, machine=MACHINE)
OTHER = replace(DEFINITION, machine=NEWER)
COPY = There(name="vm1", uuid=DEFINITION.uuid, active=True, guest_uuid=DEFINITION.uuid)
TWIN = There(name="vm0", uuid=UUID(int=9), active=True, guest_uuid=DEFINITION.uuid)


def question(
    *,
    kind: Kind = Kind.HOST,
    subject: dict[str, Any] | None = None,
    move: dict[str, Any] | None = None,
    **changes: Any,
) -> Question:
    """A domain that moves live, changed."""
    domain = replace(SUBJECT, **(subject or {}))
    fields: dict[str, Any] = {
        "active": domain.definition, "state": domain.state, "job": None,
        "devices": domain.devices, "source": HERE, "destination": THERE, "offer": OFFER,
        "shared": domain.shared, "forecast": (), **(move or {}),
    }  # fmt: skip
    asked: dict[str, Any] = {"raised": RAISED, "outlook": (), **changes}
    return Question(subject=domain, kind=kind, move=Move(**fields), **asked)


def stopped(**more: Any) -> dict[str, Any]:
    return {"active": None, "state": "shut off", **more}


def devices(**changes: Any) -> dict[str, Any]:
    changed = replace(DEVICES, **changes)
    return {"devices": changed, "start": changed}


HOST, RELEASE = Kind.HOST, Kind.RELEASE
PASSED = {"passthrough": ("pci device hostdev0",)}
LOCAL = {"shared": {"vda": False}}
BROKEN = {
    "source": replace(HERE, qemu="10.0.13"),
    "destination": replace(THERE, qemu="11.1.2"),
    "boot": last_boot.by("10.0.13"),
}
CAME = last_boot.by("7.2.22").moved("10.0.13")


def image(there: Presence) -> Image:
    return Image(path="/usr/share/OVMF/OVMF_CODE.fd", there=there)


def images(there: Presence, **subject: Any) -> Question:
    found = (image(there),)
    return question(subject=subject, move={"images": found}, start_images=found)


ROWS: list[tuple[str, Question, Answer, str, str]] = [
    ("moves", question(), Answer.LIVE, "move-machine-type", "node2 (QEMU 10.0.13) has"),
    ("starts there", question(subject=stopped()), Answer.START, "move-machine-type", "has"),
    ("deprecated", question(move={"offer": replace(OFFER, deprecated=True)}), Answer.LIVE,
     "move-machine-type", "calls it deprecated"),
    # Machine types.
    ("type is gone", question(move={"offer": GONE}), Answer.RAISE, "plan-raise", NEWER),
    ("stopped, type is gone", question(subject=stopped(), move={"offer": GONE}), Answer.RAISE,
     "plan-raise", NEWER),
    ("nothing to raise it to", question(move={"offer": GONE}, raised=NONE), Answer.CANNOT,
     "plan-raise", "no machine type to raise it to: no pc-i440fx type is offered"),
    ("alias of another there", question(move={"offer": Offer(canonical=NEWER, deprecated=False)}),
     Answer.RAISE, "move-machine-type", "another name of"),
    ("raised already, not restarted",
     question(subject={"persistent": OTHER}, move={"offer": GONE},
              next_start=Offer(canonical=NEWER, deprecated=False)),
     Answer.RESTART, "move-machine-type", "no machine type"),
    ("only the next start is gone",
     question(subject={"persistent": OTHER}, next_start=GONE, raised=replace(RAISED, name=MACHINE)),
     Answer.RAISE, "plan-next-start", "its next start would be as"),
    ("next start can't be told", question(subject={"persistent": OTHER}, next_start=UNSEEN),
     Answer.UNKNOWN, "plan-next-start", "not to be had"),
    ("type can't be told", question(move={"offer": UNSEEN}), Answer.UNKNOWN, "move-machine-type",
     "not to be had"),
    ("type can't be told, of a release", question(kind=RELEASE, move={"offer": UNSEEN}),
     Answer.UNKNOWN, "move-machine-type", "not to be had"),
    # CPU.
    ("CPU, but it starts", question(move={"cpu": "missing features: hle"}), Answer.RESTART,
     "move-cpu", "missing features: hle"),
    ("CPU, and it can't start",
     question(move={"cpu": "missing features: hle"}, start_cpu="missing features: hle"),
     Answer.CANNOT, "plan-start-cpu", "it can't start on node2 either"),
    ("stopped, CPU", question(subject=stopped(), start_cpu="missing features: hle"), Answer.CANNOT,
     "plan-start-cpu", "missing features: hle"),
    ("CPU can't be compared", question(move={"cpu": UNSEEN}), Answer.UNKNOWN, "move-cpu",
     "not to be had"),
    ("stopped, CPU can't be compared", question(subject=stopped(), start_cpu=UNSEEN),
     Answer.UNKNOWN, "plan-start-cpu", "not to be had"),
    ("the host's CPU", question(subject=devices(cpu_mode="host-passthrough")), Answer.LIVE,
     "move-cpu", "has its host's own CPU"),
    ("the host's CPU, of a release",
     question(kind=RELEASE, subject=devices(cpu_mode="host-passthrough")), Answer.LIVE, "move-cpu",
     "has its host's own CPU"),
    # Devices, ROMs, disks.
    ("passthrough", question(subject=devices(**PASSED)), Answer.RESTART, "move-devices",
     "pci device hostdev0"),
    ("passthrough, release", question(kind=RELEASE, subject=devices(**PASSED)), Answer.RESTART,
     "move-devices", "hostdev0"),
    ("stopped, passthrough", question(subject=stopped(**devices(**PASSED))), Answer.START,
     "plan-devices", "only where there is"),
    ("ROM", question(move={"forecast": (ROM,)}), Answer.RESTART, "move-blocks",
     "e1000.rom 256 KiB here, 512 KiB there"),
    # What a live move would be refused for.
    ("a device's state, measured", question(move=states(touching("dc390", MISREAD))),
     Answer.RESTART, "move-vmstate", "refuses the state of dc390"),
    ("a device's state, described", question(move=states(touching("pvscsi", REFUSED))),
     Answer.LIVE, "move-vmstate", "will probably refuse"),
    ("a device's state, not known", question(move={"states": NOTHING}), Answer.LIVE,
     "move-vmstate", "not to be had"),
    ("virtiofs", question(subject=devices(folders=(Folder(path="/srv", name="t"),))),
     Answer.RESTART, "move-folders", "by virtiofs: /srv"),
    ("threads", question(subject=devices(in_a_socket=2)), Answer.RESTART, "move-threads",
     "2 vCPUs share a socket"),
    ("threads, libvirt not known",
     question(subject=devices(in_a_socket=2), move={"destination": replace(THERE, libvirt=None)}),
     Answer.UNKNOWN, "move-threads", "may refuse its CPU"),
    ("queues", question(subject=devices(virtio=True), move=BROKEN), Answer.RESTART, "move-refusal",
     "QEMU 10.0.13 gives every"),
    ("queues, not reset", question(subject=devices(virtio=True), move={**BROKEN, "boot": CAME}),
     Answer.LIVE, "move-refusal", "if it was reset there"),
    ("queues, boot not known",
     question(subject=devices(virtio=True),
              move={**BROKEN, "boot": last_boot.NOT_KNOWN.moved("10.0.13")}),
     Answer.UNKNOWN, "move-refusal", "which is not known"),
    ("queues, boot not known, and it has to be restarted anyway",
     question(subject=devices(virtio=True, **PASSED),
              move={**BROKEN, "boot": last_boot.NOT_KNOWN.moved("10.0.13")}),
     Answer.RESTART, "move-refusal", "which is not known"),
    ("vCPUs", question(subject=devices(vcpus=512), move={"most_vcpus": 288}), Answer.CANNOT,
     "move-vcpus", "may have 288"),
    ("stopped, vCPUs", question(subject=stopped(**devices(vcpus=512)), move={"most_vcpus": 288}),
     Answer.CANNOT, "move-vcpus", "may have 288"),
    # Firmware's images.
    ("image is gone", images(Presence.NO), Answer.CANNOT, "plan-firmware", "gave up the images"),
    ("image is gone, stopped", images(Presence.NO, **stopped()), Answer.CANNOT, "plan-firmware",
     "gave up the images"),
    ("only the running one is gone",
     question(move={"images": (image(Presence.NO),)}, start_images=(image(Presence.YES),)),
     Answer.RESTART, "move-firmware", "gave up the images"),
    ("only the next start's is gone",
     question(move={"images": (image(Presence.YES),)}, start_images=(image(Presence.NO),)),
     Answer.CANNOT, "plan-firmware", "gave up the images"),
    ("image has grown", images(Presence.GROWN), Answer.RESTART, "move-firmware", "another size"),
    ("image has grown, stopped", images(Presence.GROWN, **stopped()), Answer.START,
     "move-machine-type", "has"),
    ("image may be gone", images(Presence.DOUBTFUL), Answer.UNKNOWN, "plan-firmware",
     "can't be asked from here"),
    ("image that nobody knows", images(Presence.NOT_KNOWN), Answer.LIVE, "plan-files",
     "whether node2 has /usr/share/OVMF/OVMF_CODE.fd"),
    ("a kernel", question(subject=devices(files=("/srv/k",))), Answer.LIVE, "plan-files",
     "whether node2 has /srv/k"),
    ("a ROM that no atlas has", question(unseen_roms=frozenset({"pcnet.rom"})), Answer.LIVE,
     "plan-roms", "pcnet.rom is of one size"),
    ("it would not start there",
     question(subject=stopped(), start=Missing(reason=Reason.NO_START, sentence="-no-acpi: no")),
     Answer.CANNOT, "plan-start", "would not start on node2: -no-acpi: no"),
    ("whether it starts is not known",
     question(subject=stopped(), start=Missing(reason=Reason.DENIED, sentence="read-only")),
     Answer.START, "plan-start", "read-only"),
    ("saved, queues",
     question(kind=RELEASE, move=BROKEN,
              subject=stopped(saved=DEFINITION, saved_devices=replace(DEVICES, virtio=True)),
              saved=OFFER), Answer.RESTART, "move-refusal", "QEMU 10.0.13"),
    ("a snapshot of a running guest, queues",
     question(kind=RELEASE, subject=stopped(**devices(virtio=True), snapshots=(MEMORY, DISKS)),
              move=BROKEN), Answer.START, "plan-memory-snapshots",
     "may not be reverted to there: s1;"),
    ("saved, threads",
     question(kind=RELEASE,
              subject=stopped(saved=DEFINITION, saved_devices=replace(DEVICES, in_a_socket=2)),
              saved=OFFER), Answer.RESTART, "move-threads", "share a socket"),
    ("local disk", question(subject=LOCAL), Answer.CANNOT, "move-storage", "own file system: vda"),
    ("local disk, copied", question(subject=LOCAL, move={"copy_storage": CopyStorage.ALL}),
     Answer.LIVE, "move-storage", "copied"),
    ("stopped, local disk", question(subject=stopped(**LOCAL)), Answer.CANNOT, "move-storage",
     "own file system: vda"),
    ("local disk, upgrade where it is", question(kind=RELEASE, subject=LOCAL), Answer.RESTART,
     "plan-local-disks", "own file system: vda"),
    ("disk that can't be seen from here", question(subject={"shared": {}}), Answer.LIVE,
     "move-storage", "can't be told from here"),
    ("name is taken there",
     question(move={"there": (COPY,)}),
     Answer.CANNOT, "move-domain", "runs on node2 already"),
    ("its guest's UUID is in use there", question(subject=stopped(), move={"there": (TWIN,)}),
     Answer.CANNOT, "move-domain", "runs on node2 already: vm0"),
    ("raise, and a local disk", question(subject=LOCAL, move={"offer": GONE}), Answer.CANNOT,
     "plan-raise", NEWER),
    ("firmware variables",
     question(subject=stopped(**devices(state=("firmware variables /v.fd",)))), Answer.START,
     "plan-state", "must be copied there: firmware variables /v.fd"),
    # Saved guests and snapshots.
    ("saved", question(subject=stopped(saved=DEFINITION), saved=OFFER), Answer.RESTART,
     "plan-saved", "stays on this host"),
    ("saved, upgrade", question(kind=RELEASE, subject=stopped(saved=DEFINITION), saved=OFFER),
     Answer.START, "plan-saved", "can be restored"),
    ("saved, upgrade, type is gone",
     question(kind=RELEASE, subject=stopped(saved=DEFINITION), saved=GONE, move={"offer": GONE}),
     Answer.RAISE, "plan-saved", "can't be restored there"),
    ("saved as another type", question(kind=RELEASE, subject=stopped(saved=OTHER), saved=GONE),
     Answer.RESTART, "plan-saved", "can't be restored there"),
    ("saved, ROM",
     question(kind=RELEASE, subject=stopped(saved=DEFINITION), saved=OFFER,
              move={"forecast": (ROM,)}), Answer.RESTART, "move-blocks", "QEMU would refuse"),
    ("saved, not shown", question(subject=stopped(saved=UNSEEN)), Answer.START, "plan-saved",
     "whether it has a saved state is not known"),
    ("snapshots", question(subject={"snapshots": (MEMORY, DISKS)}), Answer.CANNOT,
     "plan-snapshots", "no domain with snapshots: s1, s2"),
    ("snapshots not told", question(subject={"snapshots": UNSEEN}), Answer.LIVE, "plan-snapshots",
     "whether it has snapshots is not known"),
    ("snapshot of a type that is gone",
     question(kind=RELEASE, subject={"snapshots": (MEMORY, DISKS)}, move={"offer": GONE}),
     Answer.RAISE, "plan-memory-snapshots", "can't be reverted to without pc-i440fx-7.2: s1"),
    ("transient", question(subject={"persistent": None}), Answer.LIVE, "plan-transient",
     "its definition is gone"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "answer", "check", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_rows(asked: Question, answer: Answer, check: str, words: str) -> None:
    found = plan_answer.judge(asked, "node1")
    assert found.answer is answer, found.findings
    (finding,) = (one for one in found.findings if one.check == check)
    assert words in finding.sentence
    # Whatever stands in the way is said, and nothing else is in the way.
    failed = any(one.outcome is Outcome.FAIL for one in found.findings)
    assert failed == (answer in {Answer.CANNOT, Answer.RAISE, Answer.RESTART})
    assert (found.raise_to is not None) == ("plan-raise" in passed_or_warned(found))


def passed_or_warned(found: Planned) -> set[str]:
    return {one.check for one in found.findings if one.outcome is not Outcome.FAIL}


def checks(asked: Question) -> dict[str, Finding]:
    return {one.check: one for one in plan_answer.judge(asked, "node1").findings}


def test_what_a_release_can_not_say_is_not_said_of_a_domain() -> None:
    asked = question(kind=RELEASE, subject={"shared": {}}, move={"cpu": None})
    assert not {"move-cpu", "move-storage", "plan-local-disks"} & checks(asked).keys()
    asked = question(kind=RELEASE, subject=stopped(**LOCAL))
    assert not {"move-storage", "plan-local-disks"} & checks(asked).keys()


def test_nothing_is_passed_without_evidence() -> None:
    asked = question(move={"offer": NOTHING, "cpu": NOTHING, "forecast": NOTHING})
    found = checks(asked)
    assert {found[one].outcome for one in ("move-machine-type", "move-cpu")} == {Outcome.UNKNOWN}
    assert "move-blocks" not in found


def test_a_live_move_leaves_nothing_behind() -> None:
    asked = question(subject=devices(state=("the state of its TPM",)))
    assert "plan-state" not in checks(asked)


def test_a_restart_needs_a_machine_type_as_well() -> None:
    asked = question(subject=devices(**PASSED), move={"offer": UNSEEN})
    assert plan_answer.judge(asked, "node1").answer is Answer.UNKNOWN
    # For a start another CPU will do.
    asked = question(subject=devices(**PASSED), move={"cpu": UNSEEN})
    assert plan_answer.judge(asked, "node1").answer is Answer.RESTART


def test_a_note_of_the_target_is_told() -> None:
    raised = replace(RAISED, note="no newer type has hpb: the guest loses it")
    found = checks(question(move={"offer": GONE}, raised=raised))
    assert "loses it" in found["plan-raise"].sentence
