"""A rehearsed domain, printed, and its exit code."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from host_agent.difference import Area, Difference
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import NotRehearsed
from host_agent.evidence.what_guests_notice import notices
from host_agent.missing import NOT_RUNNING, Missing, Reason
from host_agent.output.rehearse import exit_code, print_rehearsal, render
from host_agent.verify.rehearsal import Nic, Rehearsal
from tests import json_output
from tests.unit.host_agent.evidence.test_offered_diff import CPU, OFFERS
from tests.unit.host_agent.evidence.test_rehearsal_diff import REHEARSED

SUN = Difference(
    area=Area.ACPI, subject="DSDT, _SB.PCI0.S18", field="_SUN", old="3", new="4\x1b[31m"
)
SAME = Compared(differences=(), tables=("DSDT", "FACP"), functions=2, not_compared=(), smbios=True)
HUNG = Missing(reason=Reason.HUNG, sentence="the firmware has left no tables")
FOUND = Rehearsal(
    name="vm1",
    uuid="00112233-4455-6677-8899-aabbccddeeff",
    now=REHEARSED,
    guest=SAME,
    start=REHEARSED,
    changes=(),
)
LEFT = replace(REHEARSED, left_out=(NotRehearsed(what="vfio-pci hostdev0"),))


def printed(found: Rehearsal) -> str:
    text = StringIO()
    print_rehearsal(Console(file=text, width=200), found)
    return text.getvalue()


def test_all_is_the_same() -> None:
    said = printed(FOUND)
    assert said.startswith("vm1\n  now         the guest has, to the byte, what its QEMU (10.0.13)")
    assert "SMBIOS, 2 ACPI tables (DSDT FACP), 2 PCI functions" in said
    assert "next start  the guest will find the same machine (10.0.13)" in said
    assert "not" not in said.replace("noted", "")


def test_what_differs_and_what_is_not_known() -> None:
    guest = replace(SAME, differences=(SUN,), not_compared=("BGRT: later",), functions=1)
    found = replace(FOUND, guest=guest, changes=(SUN, SUN), now=LEFT)
    said = printed(found)
    assert "1 PCI function\n" in said
    assert said.count(r"ACPI DSDT, _SB.PCI0.S18: _SUN 3 -> 4\x1b[31m") == 3
    assert "not rehearsed" in said
    assert "vfio-pci hostdev0" in said
    assert "BGRT: later" in said
    assert "\x1b" not in said


def test_one_that_does_not_run() -> None:
    off = replace(FOUND, now=NOT_RUNNING, guest=NOT_RUNNING)
    assert "now" not in printed(off).split()
    assert exit_code(off) == 0


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (FOUND, 0),
        (replace(FOUND, changes=(SUN,)), 0),
        (replace(FOUND, guest=replace(SAME, differences=(SUN,))), 1),
        (replace(FOUND, guest=replace(SAME, differences=(SUN,)), changes=HUNG), 1),
        (replace(FOUND, changes=HUNG, start=HUNG), 3),
        (replace(FOUND, guest=HUNG, now=HUNG), 3),
        (replace(FOUND, guest=replace(SAME, tables=(), functions=0, smbios=False)), 3),
    ],
)
def test_the_exit_code(found: Rehearsal, code: int) -> None:
    assert exit_code(found) == code
    assert printed(found)
    form = json_output.read(render(found, code))
    assert (form["schema"], form["exit_code"], form["name"]) == (1, code, "vm1")


def test_the_document_has_the_machine() -> None:
    form = json_output.read(render(replace(FOUND, now=LEFT, start=HUNG, changes=HUNG), 3))
    assert [table["signature"] for table in form["now"]["acpi"]] == ["RSDT", "DSDT", "FACP"]
    assert form["now"]["pci"][0]["device"] == 0x1041
    assert form["now"]["not_rehearsed"] == [
        {"what": "vfio-pci hostdev0", "tables": [], "stand_in": None}
    ]
    assert form["guest"]["tables"] == ["DSDT", "FACP"]
    assert form["next_start"]["unknown"] == form["changes"]["unknown"] == HUNG.sentence


def test_what_becomes_of_the_names_of_cards() -> None:
    cards = (
        Nic(device="net0", called="ens3", now=("ens3",), start=("enp0s3",)),
        Nic(device="net1", called=None, now=("enp1s8", "ens8"), start=("enp1s8", "ens8")),
        Nic(device="net2", called="lan0", now=("ens5",), start=("ens5",)),
        Nic(device="net3", called=None, now=("ens6",), start=()),
        Nic(device="net4", called="ens7", now=("ens7",), start=("ens7",)),
    )
    found = replace(FOUND, nics=cards)
    said = printed(found)
    assert "card names  net0: ens3 -> enp0s3\n" in said
    assert "net2 is called lan0, not ens5: by the guest's own rule" in said
    assert "net3: ens6 now, not known at the next start" in said
    assert "enp1s8 or ens8, ens7 stay\n" in said
    form = json_output.read(render(found, 0))
    assert [one["changes"] for one in form["nics"]] == [True, False, False, False, False]


def test_what_a_machine_offers_and_what_a_guest_notices() -> None:
    offers = replace(OFFERS, blocks={"pc.bios": 262144, "pc.ram": 1 << 30})
    offers = replace(offers, cpu=replace(CPU, filtered=("avx2", "pdpe1gb")))
    asked = notices((SUN,), REHEARSED, offers)
    found = replace(FOUND, start=offers, notices=asked)
    said = printed(found)
    assert "CPU         2 of AuthenticAMD 6-6-3 'QEMU Virtual CPU version 2.5+ '" in said
    assert "without avx2 pdpe1gb, which its model has and can't be had here" in said
    assert "net0 (network): features 0x10100000000, queues 2x256 64" in said
    assert "memory map  0x0-0x8 RAM" in said
    assert "ROMs        pc.bios 256 KiB" in said
    assert "will a hibernated guest find another machine? yes: its ACPI tables are others" in said
    form = json_output.read(render(found, 0))
    assert form["next_start"]["cpu"]["words"]["CPUID 0x7.0 EBX"] == 512
    assert form["next_start"]["virtio"][0]["queues"] == [256, 256, 64]
    assert [one["answer"] for one in form["notices"]] == ["no", "no", "yes"]
