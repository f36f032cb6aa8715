"""What people fear of a change, answered."""

from dataclasses import replace

import pytest

from host_agent.difference import Area, Difference
from host_agent.evidence.rehearsal_diff import between
from host_agent.evidence.rehearsed import ALL, NotRehearsed, Rehearsed
from host_agent.evidence.what_guests_notice import (
    Answer,
    Notice,
    Question,
    notices,
    of_changes,
)
from host_agent.firmware.acpi import Table
from tests.unit.host_agent.evidence.test_offered_diff import NET, OFFERS

WINDOWS, LICENCE, HIBERNATION = Question.WINDOWS, Question.LICENCE, Question.HIBERNATION
KNOWN = replace(OFFERS, virtio=())


def one(area: Area, subject: str, field: str, old: str = "1", new: str = "0") -> Difference:
    return Difference(area=area, subject=subject, field=field, old=old, new=new)


# What changes, which questions it answers with yes, and what is said.
ROWS: tuple[tuple[Difference, set[Question], str], ...] = (
    (one(Area.ACPI, "DSDT, _SB.PCI0", "_UID"), {WINDOWS, HIBERNATION},
     "the PCI root bridge is another one, and with it the path of each device behind it "
     "(ACPI DSDT, _SB.PCI0: _UID 1 -> 0)"),
    (one(Area.ACPI, "DSDT, _SB.PC80", "_BBN"), {WINDOWS, HIBERNATION},
     "a PCI root bridge is another one"),
    (one(Area.ACPI, "DSDT, _SB.PCI0.S18", "_SUN"), {HIBERNATION}, "its ACPI tables are others"),
    (one(Area.ACPI, "FACS", "hardware signature"), {HIBERNATION}, "Linux boots anew"),
    (one(Area.ACPI, "DSDT", "OEM ID", "BOCHS", "VENDOR"), {LICENCE, HIBERNATION}, "OEM ID"),
    (one(Area.PCI, "0000:00:03.0", "function", "there", "absent"), {WINDOWS, HIBERNATION},
     "a device is where none was, or gone"),
    (one(Area.PCI, "0000:01:03.0", "bridge"), {WINDOWS, HIBERNATION}, "behind another bridge"),
    (one(Area.PCI, "0000:00:03.0", "revision"), {WINDOWS, HIBERNATION}, "by its identification"),
    (one(Area.SMBIOS, "type 1 System", "UUID"), {LICENCE}, "UUID 1 -> 0"),
    (one(Area.SMBIOS, "type 1 System", "Serial Number"), {LICENCE}, "Serial Number"),
    (one(Area.SMBIOS, "entry point", "version", "_SM_ 2.8", "_SM3_ 3.0"), {LICENCE},
     "Windows finds _SM_ only"),
    (one(Area.SMBIOS, "type 4 Processor", "Processor Family"), set(), ""),
    (one(Area.MEMORY_MAP, "", "ranges"), {HIBERNATION}, "Linux refuses to resume"),
    (one(Area.CPU, "CPUID 0x7.0 EBX", "features"), {HIBERNATION}, "its CPU is another"),
    (one(Area.VIRTIO, "net0", "feature 34"), {HIBERNATION}, "its virtio devices offer"),
    (one(Area.FW_CFG, "etc/new", "file"), set(), ""),
    (one(Area.ROM, "pc.bios", "size"), set(), ""),
)  # fmt: skip


@pytest.mark.parametrize(("change", "questions", "said"), ROWS, ids=lambda row: str(row)[:60])
def test_what_answers_with_yes(change: Difference, questions: set[Question], said: str) -> None:
    found = of_changes((change,))
    assert {notice.question for notice in found} == questions
    assert all(notice.answer is Answer.YES and notice.source for notice in found)
    assert any(said in notice.because for notice in found) or not questions


def test_what_weighs_most_is_said_and_the_rest_counted() -> None:
    changes = (
        *(one(Area.PCI, f"0000:00:0{number}.0", "function") for number in range(5)),
        one(Area.ACPI, "DSDT, _SB.PCI0", "_UID"),
    )
    (windows, _) = of_changes(changes)
    assert windows.because.startswith("the PCI root bridge is another one")
    assert windows.because.endswith("(ACPI DSDT, _SB.PCI0: _UID 1 -> 0; and 5 more differences)")
    (windows, _) = of_changes(changes[:5])
    assert windows.because.endswith("; and 2 more differences)")


def answers(before: Rehearsed, after: Rehearsed) -> dict[Question, Notice]:
    return {notice.question: notice for notice in notices(between(before, after), before, after)}


def test_a_machine_that_is_the_same_is_noticed_by_nobody() -> None:
    found = answers(KNOWN, KNOWN)
    assert {notice.answer for notice in found.values()} == {Answer.NO}
    assert set(map(str, found.values())) == {f"{question} no" for question in found}
    assert set(found) == {WINDOWS, LICENCE, HIBERNATION}


@pytest.mark.parametrize(
    ("after", "unknown", "why"),
    [
        (replace(KNOWN, left_out=(NotRehearsed(what="tpm-crb", tables=frozenset({"DSDT"})),)),
         {WINDOWS, LICENCE, HIBERNATION}, "tpm-crb can't be rehearsed"),
        (replace(KNOWN, left_out=(NotRehearsed(what="vfio-pci", stand_in="net0"),)),
         {WINDOWS, HIBERNATION}, "vfio-pci can't be rehearsed"),
        (replace(KNOWN, cpu=None), {HIBERNATION}, "QEMU does not tell its CPU"),
        (replace(KNOWN, as_domain=False), {HIBERNATION}, "KVM can't be had for the rehearsal"),
        (replace(KNOWN, smbios=None), {LICENCE}, "the firmware left no SMBIOS tables"),
        (replace(KNOWN, qemu="11.1.2"), {HIBERNATION}, "another QEMU's firmware"),
        (replace(KNOWN, acpi=tuple(replace(one, offset=one.offset + 64) for one in KNOWN.acpi)),
         {HIBERNATION}, "lie elsewhere in its memory"),
    ],
)  # fmt: skip
def test_a_no_needs_all_evidence(after: Rehearsed, unknown: set[Question], why: str) -> None:
    found = answers(KNOWN, after)
    lacking = {one.question for one in found.values() if one.answer is Answer.UNKNOWN}
    assert lacking == unknown
    assert all(why in found[question].because for question in unknown)
    assert not any(one.answer is Answer.YES for one in found.values())


@pytest.mark.parametrize(
    "left",
    [
        NotRehearsed(what="tpm-crb", tables=frozenset({"DSDT"})),
        NotRehearsed(what="vfio-pci", tables=frozenset({"DSDT"}), stand_in="net0"),
    ],
)
def test_what_neither_machine_could_have_makes_no_difference(left: NotRehearsed) -> None:
    both = replace(KNOWN, left_out=(left,))
    assert {one.answer for one in answers(both, both).values()} == {Answer.NO}
    option = replace(KNOWN, left_out=(NotRehearsed(what="-set", tables=ALL),))
    assert answers(option, option)[WINDOWS].because == "-set can't be rehearsed"


def test_the_hardware_signature_is_told_by_itself() -> None:
    def machine(signature: int) -> Rehearsed:
        raw = b"FACS" + (64).to_bytes(4, "little") + signature.to_bytes(4, "little") + bytes(52)
        return replace(KNOWN, acpi=(Table(offset=0, raw=raw),))

    (change,) = between(machine(0), machine(7))
    assert str(change) == "ACPI FACS: hardware signature 0x00000000 -> 0x00000007"
    assert "boots anew" in answers(machine(0), machine(7))[HIBERNATION].because


def test_queues_with_which_a_guest_can_not_move_on_are_named_where_they_are_seen() -> None:
    long = replace(KNOWN, qemu="10.0.13", virtio=(replace(NET, queues=(1024,) * 3),) * 5)
    found = notices((), KNOWN, long)[-1]
    assert found.question is Question.QUEUES
    assert "each queue of net0, net0, net0 and 2 more 1024 entries" in found.because
    assert "11.1.2" in found.because
    for other in (replace(long, qemu="11.1.2"), replace(KNOWN, qemu="10.0.13", virtio=(NET,))):
        assert Question.QUEUES not in {one.question for one in notices((), KNOWN, other)}


def test_the_entry_point_is_compared() -> None:
    assert KNOWN.smbios is not None
    sides = [
        replace(KNOWN, smbios=replace(KNOWN.smbios, entry_point=raw))
        for raw in (b"_SM_\0\x1f\2\x08" + bytes(23), b"_SM3_\0\x18\3\0" + bytes(15))
    ]
    (change,) = between(*sides)
    assert str(change) == "SMBIOS entry point: version _SM_ 2.8 -> _SM3_ 3.0"
    assert answers(*sides)[LICENCE].answer is Answer.YES
