"""What ``verify`` and ``baseline`` print, also of hostile names."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from host_agent.case.case import Case, Occasion
from host_agent.case.results import Audited, Confirmed, Failed
from host_agent.missing import Missing, Reason
from host_agent.output import verify
from host_agent.verify.policy import judge
from tests import json_output
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.baseline_rows import (
    ARRIVAL,
    HARDWARE,
    NO_BASELINE,
    OFF,
    RESTART,
    memory,
)
from tests.unit.host_agent.shared.cases import DEFINITION, RUNNING, SILENT, case, declared, since

HOSTILE = "vm\x1b[2J\u202e[red]x[/]"
FEWER = {"pci": HARDWARE.pci[1:] if isinstance(HARDWARE.pci, tuple) else ()}
FAILED = Failed(name="odd\x1b[31m", uuid="u", error="the XML is \x07 broken")


def confirmed(one: Case, *, kept: bool = False, complaints: tuple[str, ...] = ()) -> Confirmed:
    return Confirmed(
        audited=Audited(case=one, verdict=judge(one, against_baseline=True)),
        kept=kept,
        complaints=complaints,
    )


def printed(
    *results: Confirmed | Failed, kept: bool = False, each: bool = True, width: int = 120
) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    if kept:
        verify.print_kept(console, results, each=each)
    else:
        verify.print_verified(console, results, each=each)
    return out.getvalue()


def test_a_domain_that_is_right_takes_two_lines() -> None:
    lines = printed(confirmed(since(**ARRIVAL))).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("vm1 VERIFIED  arrived ")
    assert lines[0].endswith(" from node17 (7.2.22) on node41 (7.2.22), same boot")
    assert lines[1].startswith("  same: boot, smbios, cpu, memory, pci, virtio, ")


def test_what_changed_is_told_before_and_now() -> None:
    shown = printed(confirmed(since(FEWER, **ARRIVAL)))
    assert shown.startswith("vm1 MISMATCH  arrived ")
    (row,) = [line for line in shown.splitlines() if line.startswith("  pci ")]
    assert row.endswith("CHANGED")
    assert '  Ticket: "vm1: the hardware changed in the move: ' in shown
    assert "same: boot, smbios, cpu, memory, virtio" in shown
    # It is said once.
    assert "same-pci" not in shown


def test_what_is_allowed_is_no_alarm() -> None:
    shown = printed(confirmed(since(memory(4096))))
    assert shown.startswith("vm1 VERIFIED")
    assert "changed, allowed" in shown
    assert "CHANGED" not in shown


def test_a_restart() -> None:
    shown = printed(confirmed(since(**RESTART)))
    (row,) = [line for line in shown.splitlines() if line.startswith("  boot ")]
    assert row.split() == ["boot", "boot", "b", "boot", "c", "as", "expected"]
    assert "same: smbios" in shown


def test_a_mismatch_that_is_no_change_is_said_by_its_check() -> None:
    shown = printed(confirmed(case(running=replace(RUNNING, machine="pc-q35-9.0"))))
    assert "\n  running-qemu: " in shown
    assert 'Ticket: "vm1: ' in shown


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (case(observation=SILENT), "vm1 UNVERIFIED  runs on node17"),
        (case(baseline=NO_BASELINE), "vm1 UNVERIFIED  on node17 (7.2.22); no baseline was taken"),
        (case(declared=OFF), "vm1 NOT RUNNING  is shut off on node17"),
    ],
)
def test_what_could_not_be_verified(one: Case, words: str) -> None:
    shown = printed(confirmed(one))
    assert shown.startswith(words)
    assert "Ticket: " in shown
    assert "did not change" not in shown


def test_what_failed_and_what_was_not_written() -> None:
    shown = printed(FAILED, confirmed(case(), complaints=("no history: \x1b the disk is full",)))
    assert shown.splitlines()[0] == "odd\\x1b[31m FAILED  the XML is \\x07 broken"
    assert shown.splitlines()[-1] == "  note: no history: \\x1b the disk is full"


def test_forty_that_are_right_are_a_few_lines() -> None:
    came = {"host": "node23", "occasion": Occasion.ARRIVAL}
    results: list[Confirmed | Failed] = [
        *(confirmed(forty.moved(number, **came)) for number in range(1, 31)),
        *(confirmed(forty.moved(number)) for number in range(31, 39)),
        confirmed(forty.moved(39, observation=SILENT)),
        confirmed(forty.moved(40, baseline=NO_BASELINE)),
    ]
    shown = printed(*results, each=False, width=80)
    lines = shown.splitlines()
    assert len(lines) <= 12, shown
    assert lines[0].startswith("vm39 UNVERIFIED")
    first = next(number for number, line in enumerate(lines) if line.startswith("30 domains"))
    assert lines[first] == (
        "30 domains VERIFIED  arrived from node17 (7.2.22) on node23 (10.0.13), same boot"
    )
    assert lines[first + 1] == "  vm01 vm02 vm03 vm04 vm05 vm06 +24  (30 by guest)"
    assert any(line.startswith("8 domains VERIFIED  runs on") for line in lines)
    # By name, each by itself.
    assert printed(*results).count("VERIFIED") == 40


def test_of_many_each_mismatch_is_told() -> None:
    wrong = [
        confirmed(forty.moved(number, running=replace(RUNNING, machine="pc-q35-9.0")))
        for number in (1, 2)
    ]
    quiet = [confirmed(forty.moved(number, baseline=NO_BASELINE)) for number in range(3, 9)]
    noted = [confirmed(forty.moved(number), complaints=("the disk is full",)) for number in (9, 10)]
    lines = printed(*noted, *quiet, *wrong, FAILED, FAILED, each=False).splitlines()
    assert [line.split()[1] for line in lines if "MISMATCH" in line] == ["MISMATCH"] * 2
    assert "2 domains FAILED  the XML is \\x07 broken" in lines
    assert "6 domains UNVERIFIED  on node23 (10.0.13); no baseline was taken" in lines
    ticket = "cannot tell whether the hardware changed: no baseline was taken."
    assert f'  Ticket: "{ticket}"' in lines
    assert "  note, of 2: the disk is full" in lines
    assert lines.index("  note, of 2: the disk is full") == len(lines) - 1


def test_what_changed_as_it_may_is_counted() -> None:
    one = confirmed(since(memory(4096)))
    lines = printed(one, one, one, each=False).splitlines()
    assert lines[0].startswith("3 domains VERIFIED  runs on node17")
    assert lines[2] == "  changed as expected or allowed: memory (3)"


def test_the_owners_own_name_is_shown() -> None:
    nova = "http://openstack.org/xmlns/libvirt/nova/1.1"
    element = f"<n:i xmlns:n='{nova}'><n:name>shop-db</n:name></n:i>"
    theirs = case(declared=declared(replace(DEFINITION, metadata={nova: element})))
    assert printed(confirmed(theirs)).startswith("vm1  shop-db (Nova) VERIFIED  ")
    assert printed(confirmed(theirs), kept=True).startswith("vm1  shop-db (Nova)  NO BASELINE")


def hostile(**changes: Any) -> Case:
    definition = replace(DEFINITION, name=HOSTILE)
    fields: dict[str, Any] = {"declared": declared(definition), "host": HOSTILE, **changes}
    return case(**fields)


@pytest.mark.parametrize(
    "one",
    [
        hostile(), hostile(occasion=Occasion.ARRIVAL), hostile(observation=SILENT),
        hostile(baseline=Missing(reason=Reason.REFUSED, sentence=f"refused: {HOSTILE}")),
        hostile(running=replace(RUNNING, machine=HOSTILE)),
    ],
)  # fmt: skip
def test_nothing_that_a_terminal_obeys(one: Case) -> None:
    for kept in (True, False):
        also = printed(*[confirmed(one, complaints=(HOSTILE,))] * 2, each=False)
        shown = also + printed(confirmed(one, complaints=(HOSTILE,)), kept=kept)
        assert all(line.isprintable() for line in shown.splitlines())
        # Nor what a library for terminals obeys.
        assert "[red]x[/]" in shown
    assert verify.render([confirmed(one, complaints=(HOSTILE,))], 0).isascii()


def test_what_was_kept() -> None:
    shown = printed(
        confirmed(case(), kept=True),
        confirmed(case(baseline=NO_BASELINE), kept=True),
        confirmed(case(), complaints=("the baseline was not written: a job runs",)),
        FAILED,
        kept=True,
    ).splitlines()
    assert shown[0].startswith("vm1  baseline taken  by guest, on node17; replaces that of 20")
    assert shown[1] == "vm1  baseline taken  by guest, on node17"
    assert shown[2].startswith("vm1  NO BASELINE  by guest, on node17; that of 20")
    assert shown[3] == "  note: the baseline was not written: a job runs"
    assert shown[4].startswith("odd")


def test_forty_that_were_kept_are_a_few_lines() -> None:
    results: list[Confirmed | Failed] = [
        *(confirmed(forty.moved(number), kept=True) for number in range(1, 38)),
        confirmed(forty.moved(38, baseline=NO_BASELINE), kept=True),
        confirmed(forty.moved(39), complaints=("the baseline was not written: a job runs",)),
        FAILED,
        replace(FAILED, name="other"),
    ]
    lines = printed(*results, kept=True, each=False).splitlines()
    assert lines[:3] == [
        "37 domains  baseline taken  by guest, on node23; replaces an older one",
        "  vm01 vm02 vm03 vm04 vm05 vm06 +31",
        "vm38  baseline taken  by guest, on node23",
    ]
    assert lines[3].startswith("vm39  NO BASELINE  by guest, on node23; that of 20")
    assert lines[4] == "  note: the baseline was not written: a job runs"
    assert len(lines) == 7


def test_json() -> None:
    results: list[Confirmed | Failed] = [
        confirmed(since(FEWER, **ARRIVAL), kept=False, complaints=("a",)),
        FAILED,
    ]
    document = json_output.read(verify.render(results, 1))
    assert (document["schema"], document["exit_code"]) == (1, 1)
    one, other = document["domains"]
    assert (one["name"], one["verdict"], one["occasion"]) == ("vm1", "mismatch", "arrival")
    assert one["headline"].startswith("arrived ")
    assert one["ticket"].startswith("vm1: the hardware changed in the move")
    assert (one["baseline_kept"], one["notes"]) == (False, ["a"])
    assert other["error"] == FAILED.error
    assert json_output.read(verify.render([], 0))["domains"] == []
