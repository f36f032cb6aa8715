"""What people fear of a change, answered in their words from what a rehearsal says of it. Pure.

Three questions, each a table of what decides it and where that is written. One piece of evidence is
enough for a yes; a no needs all of it, and what lacks is named.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from host_agent.difference import Area, Difference, Effect
from host_agent.firmware import effects

if TYPE_CHECKING:
    # Few audits rehearse.
    from host_agent.evidence.rehearsed import Rehearsed

_MOST = 3
"""Pieces of evidence that are named."""


class Question(StrEnum):
    """What is asked, as people ask it."""

    WINDOWS = "will Windows see a new network card or disk?"
    LICENCE = "will a licence see another machine?"
    HIBERNATION = "will a hibernated guest find another machine?"
    QUEUES = "are its virtio queues too long for another QEMU?"


class Answer(StrEnum):
    """What is answered."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A question and its answer."""

    question: Question
    answer: Answer
    because: str
    """What decides it; empty: nothing has changed of what does."""
    source: str
    """Where it is written that this is what a guest goes by."""

    def __str__(self) -> str:
        """Return all but the source, in one line."""
        return f"{self.question} {self.answer}{': ' if self.because else ''}{self.because}"


@dataclass(frozen=True, slots=True)
class _Row:
    """What answers a question with yes: the first row that fits a difference speaks."""

    question: Question
    area: Area
    subject: str
    """A pattern that the whole subject matches."""
    field: str
    """The same of the field."""
    means: str
    source: str


_INSTANCE = "Microsoft, Device instance IDs; Identifiers for PCI devices"
_ROOT_UID = (
    "QEMU hw/i386/pc_piix.c, pc_q35.c: pci_root_uid, 1 in types up to 5.1, since with another one "
    "Windows's network configuration fails unless it uses DHCP (qemu-devel, 2021-02/msg08484)"
)
_E820 = "Linux arch/x86/power/hibernate.c: arch_hibernation_header_restore"
_FACS = "ACPI 6.5, 5.2.10; Linux 5.18 and newer in a guest, drivers/acpi/sleep.c"
_RESUME = (
    "ACPI 6.5, 5.2.10: a change of hardware is to show in FACS's signature, which QEMU writes as 0 "
    "whatever the machine (hw/i386/acpi-build.c: build_facs), so nothing warns the guest"
)
# The other areas (files of fw_cfg, sizes of ROMs) a guest reads anew at each boot.
TABLE = (
    _Row(Question.WINDOWS, Area.ACPI, r"DSDT, _SB\.PCI[0-9A-Z]", "_UID",
         "the PCI root bridge is another one, and with it the path of each device behind it",
         _ROOT_UID),
    _Row(Question.WINDOWS, Area.ACPI, r"DSDT, _SB\.PC[0-9A-Z]{2}", "_HID|_CID|_ADR|_BBN|device",
         "a PCI root bridge is another one, and with it the path of each device behind it",
         _INSTANCE),
    _Row(Question.WINDOWS, Area.PCI, ".*", "function", "a device is where none was, or gone",
         _INSTANCE),
    _Row(Question.WINDOWS, Area.PCI, ".*", "bridge", "a device is behind another bridge",
         _INSTANCE),
    _Row(Question.WINDOWS, Area.PCI, ".*", "device|subsystem|revision|class",
         "a device is another one, by its identification", _INSTANCE),
    _Row(Question.HIBERNATION, Area.MEMORY_MAP, ".*", ".*",
         "Linux refuses to resume with another memory map", _E820),
    _Row(Question.HIBERNATION, Area.ACPI, "FACS", "hardware signature",
         "Linux boots anew instead of resuming", _FACS),
    _Row(Question.HIBERNATION, Area.ACPI, ".*", ".*", "its ACPI tables are others", _RESUME),
    _Row(Question.HIBERNATION, Area.PCI, ".*", ".*", "its PCI functions are others", _RESUME),
    _Row(Question.HIBERNATION, Area.CPU, ".*", ".*", "its CPU is another", _RESUME),
    _Row(Question.HIBERNATION, Area.VIRTIO, ".*", ".*", "its virtio devices offer other things",
         _RESUME),
)  # fmt: skip
# Of which areas all must be known before a no.
_NEEDS = {
    Question.WINDOWS: (Area.ACPI, Area.PCI),
    Question.LICENCE: (Area.SMBIOS, Area.ACPI),
    Question.HIBERNATION: (Area.ACPI, Area.PCI, Area.CPU, Area.MEMORY_MAP),
}
_SOURCES = {
    Question.WINDOWS: _INSTANCE,
    Question.LICENCE: "Microsoft, Specifying Hardware IDs for a Computer; DMTF DSP0134",
    Question.HIBERNATION: _RESUME,
}
_LONG_QUEUES = {"10.0.13": 1024}
"""QEMU that gives all queues so many entries, whatever they should have."""
_QUEUES_SOURCE = (
    'QEMU 11.1.2: "VQ 0 vring.num 1024 exceeds allocated max 128" (hw/virtio/virtio.c: virtio_load)'
)


def notices(
    changes: Sequence[Difference], before: "Rehearsed", after: "Rehearsed"
) -> tuple[Notice, ...]:
    """Answer each question of a change from one machine to another.

    ``changes``: what ``rehearsal_diff.between`` says of the two.
    """
    unknown = _unknown(before, after)
    found = [_answered(question, changes, unknown) for question in _NEEDS]
    return (*found, *_queues(after))


def of_changes(changes: Sequence[Difference]) -> tuple[Notice, ...]:
    """Return the questions that some differences answer with yes."""
    found = (_answered(question, changes, {}) for question in _NEEDS)
    return tuple(one for one in found if one.answer is Answer.YES)


def _answered(
    question: Question, changes: Sequence[Difference], unknown: Mapping[Area, str]
) -> Notice:
    said = list(_evidence(question, changes))
    if said:
        # What weighs most stands first in the table.
        said.sort(key=lambda one: one[0])
        first = said[0]
        named = [str(one) for row, _, _, one in said if row == first[0]]
        more = len(said) - min(len(named), _MOST)
        because = f"{first[1]} ({'; '.join(named[:_MOST])}"
        because += f"; and {more} more differences)" if more else ")"
        return Notice(question=question, answer=Answer.YES, because=because, source=first[2])
    lacking = [unknown[area] for area in _NEEDS[question] if area in unknown]
    return Notice(
        question=question,
        answer=Answer.UNKNOWN if lacking else Answer.NO,
        because="; ".join(dict.fromkeys(lacking)),
        source=_SOURCES[question],
    )


def _evidence(
    question: Question, changes: Sequence[Difference]
) -> Iterator[tuple[int, str, str, Difference]]:
    """Yield row, meaning and source of each difference that answers with yes."""
    for one in changes:
        if question is Question.LICENCE:
            touched = effects.of(one)
            if touched.effect is Effect.IDENTITY:
                yield 0, f"it goes by what changes: {touched.who}", touched.source, one
            continue
        for number, row in enumerate(TABLE):
            if (
                row.question is question
                and row.area is one.area
                and re.fullmatch(row.subject, one.subject)
                and re.fullmatch(row.field, one.field)
            ):
                yield number, row.means, row.source, one
                break


def _unknown(before: "Rehearsed", after: "Rehearsed") -> dict[Area, str]:
    """Return which areas can't be told of two machines, and why."""
    found: dict[Area, str] = {}
    for one in dict.fromkeys((*before.left_out, *after.left_out)):
        why = f"{one.what} can't be rehearsed"
        # What neither has makes no difference between the two, unless it is an option of any kind.
        lonely = one not in before.left_out or one not in after.left_out
        if one.no_acpi or (lonely and one.tables & {"DSDT", "SSDT"}):
            found.setdefault(Area.ACPI, why)
        if lonely and one.stand_in:
            found.setdefault(Area.PCI, why)
    for side in (before, after):
        if side.smbios is None:
            found.setdefault(Area.SMBIOS, "the firmware left no SMBIOS tables")
        if side.cpu is None:
            found.setdefault(Area.CPU, "QEMU does not tell its CPU")
        elif not side.as_domain:
            found.setdefault(Area.CPU, "KVM can't be had for the rehearsal")
    # What a firmware keeps of the memory for itself is seen by where it puts its tables only.
    if before.qemu != after.qemu:
        why = "what another QEMU's firmware keeps of the memory can't be seen"
        found[Area.MEMORY_MAP] = why
    elif [one.offset for one in before.acpi] != [one.offset for one in after.acpi]:
        found[Area.MEMORY_MAP] = "its ACPI tables lie elsewhere in its memory"
    return found


def _queues(after: "Rehearsed") -> Iterator[Notice]:
    """Say where a guest gets queues with which it can't move live to another QEMU."""
    long = _LONG_QUEUES.get(after.qemu)
    devices = [one for one in after.virtio if long is not None and long in one.queues]
    if devices:
        names = ", ".join(one.device or one.address for one in devices[:_MOST])
        more = len(devices) - _MOST
        names += f" and {more} more" if more > 0 else ""
        yield Notice(
            question=Question.QUEUES,
            answer=Answer.YES,
            because=f"QEMU {after.qemu} gives each queue of {names} {long} entries, and a guest "
            "that boots with them can't move live to 11.1.2",
            source=_QUEUES_SOURCE,
        )
