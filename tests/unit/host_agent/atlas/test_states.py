"""Migration states of two atlases: what differs, and what of it touches one domain."""

from dataclasses import replace
from typing import Any

from host_agent.atlas import atlas as atlases
from host_agent.atlas import state_touching
from host_agent.atlas.atlas import Atlas
from host_agent.atlas.diff import compare
from host_agent.atlas.state_touching import States
from host_agent.atlas.vmstate import VmState
from host_agent.atlas.vmstate_diff import Reading
from host_agent.missing import Missing, Reason
from tests import json_output
from tests.fingerprint_builder import MADE, atlas, machine
from tests.unit.host_agent.atlas.test_compat_props import of
from tests.vmstate_builder import Form, description, field, state

A, B = field("a"), field("b", 2)
PIC = description("i8259", A, subsections=(description("i8259/ltim", A),))
DISK = description("scsi-disk", A, subsections=(description("scsi-disk/pr", A),))
OLD: dict[str, Form] = {
    "isa_i8259": description("i8259", A),
    "scsi_hd": description("scsi-disk", A),
    "scsi_block": description("scsi-disk", A),
    "am53c974": description("pciespscsi", A),
    "virtio_blk_device": description("virtio-blk", A),
    "virtio_gpu_device": description("virtio-gpu", A),
    "vhost_user_blk": description("vhost-user-blk", A),
    "qxl": description("qxl", A),
    "hpet": description("hpet", A),
}
NEW: dict[str, Form] = {
    **{name: form for name, form in OLD.items() if name not in {"qxl", "hpet"}},
    "isa_i8259": PIC,
    "scsi_hd": DISK,
    "scsi_block": DISK,
    "am53c974": description("pciespscsi", A, B),
    "vmclock": description("vmclock", A),
}
Q35 = "pc-q35-7.2"


def made(states: VmState | None, qemu: str, properties: Any = None, **more: Any) -> Atlas:
    own = frozenset({"isa-i8259", "hpet"})
    known = replace(machine(Q35), devices=own, properties=properties)
    return replace(
        atlas(replace(known, **more)), made=replace(MADE, qemu=qemu, package=None), states=states
    )


BEFORE = made(state(**OLD), "10.0.13", of("e1000.x=1"))
AFTER = made(state(**NEW), "11.1.2", of("e1000.x=1", "scsi-block.migrate-pr=off", "mch.size=16"))


def test_old_and_new_are_kept_in_an_atlas() -> None:
    failed = replace(made(None, "7.2.22"), states_error="QEMU ended by signal 11")
    for one in (BEFORE, AFTER, made(None, "7.2.22"), failed):
        assert atlases.from_text(atlases.to_text(one)) == one


def test_what_differs_is_grouped() -> None:
    states = compare(BEFORE, AFTER).states
    told = [(one.models, one.change.reading) for one in states.groups]
    assert told == [
        (("am53c974",), Reading.MISREAD),
        (("isa-i8259",), Reading.READ),
        (("scsi-block", "scsi-hd"), Reading.READ),
    ]
    assert (states.gone, states.added) == (("hpet", "qxl"), ("vmclock",))
    assert states.groups[1].machines == (Q35,)
    assert states.groups[2].held_by == of("scsi-block.migrate-pr=off")
    assert [(one.old, one.new, one.machines) for one in states.properties] == [
        (None, *of("mch.size=16"), (Q35,)),
        (None, *of("scsi-block.migrate-pr=off"), (Q35,)),
    ]
    # Neither tells how long arrays are.
    assert [one.partition(":")[0] for one in states.not_compared] == [
        "lengths of arrays in migration states"
    ] * 2


def test_what_is_not_known_is_said() -> None:
    states = compare(made(None, "7.2.22"), AFTER).states
    assert (states.groups, states.gone, states.properties) == ((), (), ())
    first, second = states.not_compared
    assert "the old atlas has none; make it again: samemachine probe" in first
    assert "QEMU 7.2.22 of the old atlas does not tell them" in second
    failed = replace(made(None, "7.2.22"), states_error="QEMU ended by signal 11")
    said, _ = compare(failed, AFTER).states.not_compared
    assert said == "migration states: the old atlas has none; QEMU ended by signal 11"


def touching(old: Atlas, new: Atlas, *models: str) -> States:
    found = state_touching.of(old, new, Q35, models)
    assert isinstance(found, States)
    return found


def test_only_the_domains_own_devices_touch_it() -> None:
    found = touching(BEFORE, AFTER, "virtio-blk-pci", "virtio-net-pci", "scsi-hd")
    assert found.touching == ()
    # hpet, of the machine, may be sent as a part of something else there.
    assert found.looked_at == 4
    assert found.not_described == ("virtio-net-pci",)
    (one,) = touching(BEFORE, AFTER, "am53c974").touching
    assert (one.model, one.own, one.change.reading) == ("am53c974", False, Reading.MISREAD)
    (one,) = touching(BEFORE, AFTER, "qxl").touching
    assert "not described there" in one.change.what


def test_the_other_way_round_the_machines_own_are_told_as_such() -> None:
    found = touching(AFTER, BEFORE, "scsi-hd", "scsi-block", "am53c974")
    assert [(one.model, one.own, one.change.reading) for one in found.touching] == [
        ("am53c974", False, Reading.MISREAD),
        ("isa-i8259", True, Reading.DEPENDS),
        ("scsi-hd", False, Reading.DEPENDS),
    ]
    # The sender's machine type keeps it from sending that.
    assert found.held_by == of("scsi-block.migrate-pr=off")


def test_a_model_has_its_state_in_its_inner_half() -> None:
    states = state(**OLD)
    for model, names in {
        "virtio-blk-pci": ["virtio-blk-device"],
        "virtio-blk-pci-non-transitional": ["virtio-blk-device"],
        "virtio-blk-ccw": ["virtio-blk-device"],
        "virtio-blk-device": ["virtio-blk-device"],
        "vhost-user-blk-pci": ["vhost-user-blk"],
        "virtio-vga": ["virtio-gpu-device"],
        "usb-storage": ["scsi-hd"],
        "hpet": ["hpet"],
        "e1000": [],
    }.items():
        assert list(state_touching.parts(model, states)) == names, model


def test_an_atlas_without_states_says_nothing() -> None:
    for old, new in ((made(None, "7.2.22"), AFTER), (AFTER, made(None, "7.2.22"))):
        found = state_touching.of(old, new, Q35, ())
        assert isinstance(found, Missing)
        assert found.reason is Reason.ABSENT
        assert "the atlas of QEMU 7.2.22, x86_64 has no migration states" in found.sentence


def test_a_machine_whose_own_devices_are_not_known() -> None:
    unknown = made(state(**NEW), "11.1.2", devices=None)
    assert [one.model for one in touching(unknown, BEFORE, "am53c974").touching] == ["am53c974"]


def test_the_published_schema_has_what_is_kept() -> None:
    json_output.read(atlases.to_text(AFTER))
