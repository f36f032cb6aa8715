"""An upgrade's report: exit codes, text and JSON, for each way that it can end."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from host_agent.case.results import Decision, Failed
from host_agent.difference import Area, Difference
from host_agent.evidence.what_guests_notice import notices
from host_agent.machine_types.target import Target
from host_agent.output import upgrade
from host_agent.records.upgrade_record import Direction, Step
from host_agent.upgrade import preflight as upgrade_preflight
from host_agent.upgrade.facts import Ending, Raised, Report
from tests import json_output
from tests.unit.host_agent.evidence.test_rehearsal_diff import REHEARSED
from tests.unit.host_agent.output.test_migrate import confirmed
from tests.unit.host_agent.shared.cases import DEFINITION
from tests.unit.host_agent.shared.tpm_rows import OTHER, SAME, TPM, outlook
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD
from tests.unit.host_agent.upgrade.test_preflight import ACPI, RAISING, STAGED

VERIFIED, MISMATCH = confirmed(Decision.VERIFIED), confirmed(Decision.MISMATCH)
UNVERIFIED = confirmed(Decision.UNVERIFIED)
FAILED = Failed(name="vm1", uuid="u", error="nobody there")
APPLIED = replace(RECORD, step=Step.APPLIED, started=0.0, changed=34.0)
BACK = replace(RECORD, step=Step.ROLLED_BACK, direction=Direction.BACK, reason="it did not start")
LOST = replace(BACK, step=Step.FAILED, reason="it did not start; and on the way back no disk")
HALF = replace(RECORD, step=Step.DEFINING)


def raised(ending: Ending, **fields: Any) -> Raised:
    raising = fields.pop("raising", RAISING)
    record = fields.get("record")
    return Raised(
        raising=raising,
        findings=upgrade_preflight.run(raising),
        ending=ending,
        why=fields.pop("why", record.reason if record else None),
        **fields,
    )


NOVA = replace(RAISING, saved=True, snapshots=("s1",))
ROWS: dict[str, tuple[Raised, int, str]] = {
    "applied": (raised(Ending.APPLIED, record=APPLIED, before=VERIFIED, after=VERIFIED), 0,
                f"APPLIED  {OLD} -> {NEW} in 34 s"),
    "not verified": (raised(Ending.APPLIED, record=APPLIED, before=VERIFIED, after=UNVERIFIED), 3,
                     "UNVERIFIED"),
    "not looked at": (raised(Ending.APPLIED, record=APPLIED, before=FAILED, after=FAILED), 3,
                      "before: nobody there"),
    "rolled back": (raised(Ending.ROLLED_BACK, record=BACK, before=VERIFIED, after=VERIFIED), 1,
                    f"ROLLED BACK  it is {OLD} again: it did not start"),
    "failed": (raised(Ending.FAILED, record=LOST), 1, "on the way back no disk"),
    "staged": (raised(Ending.STAGED, record=replace(STAGED, stage=True)), 0,
               "a reboot in the guest does not"),
    "off": (raised(Ending.STAGED, record=STAGED, raising=replace(RAISING, active=None)), 0,
            "its next start applies it"),
    "refused": (raised(Ending.REFUSED, raising=NOVA), 2, "managed-save image holds its guest"),
    "not agreed": (raised(Ending.PLANNED), 0, "backup, shutdown (300 s limit), define, start"),
    "nothing": (raised(Ending.NOTHING, raising=replace(RAISING, target=Target(
        name=NEW, why="it is the newest already"))), 0, "nothing to do: it is the newest already"),
    "wrong before": (raised(Ending.WRONG_BEFORE, before=MISMATCH), 1, "nothing was touched"),
    "skipped": (raised(Ending.SKIPPED, why="outside of the window 22:00-05:00"), 3,
                "NOT BEGUN  outside of the window"),
    "left": (raised(Ending.LEFT, record=HALF, why="interrupted"), 130,
             "finish it: samemachine upgrade vm1, or samemachine rollback vm1"),
    "note": (raised(Ending.APPLIED, record=APPLIED, after=VERIFIED, notes=("no\x1b history",)), 0,
             "note: no\\x1b history"),
}  # fmt: skip


def printed(report: Report) -> str:
    file = io.StringIO()
    upgrade.print_report(
        Console(file=file, width=100, highlight=False), report, 300.0, planned=False
    )
    return file.getvalue()


@pytest.mark.parametrize(("one", "code", "words"), ROWS.values(), ids=list(ROWS))
def test_a_report(one: Raised, code: int, words: str) -> None:
    report = Report(raised=(one,))
    assert upgrade.exit_code(report) == code
    text = printed(report)
    assert words in " ".join(text.split()) or words in text, text
    assert "\x1b" not in text
    form = json_output.read(upgrade.render(report, code))
    (domain,) = form["domains"]
    assert (form["exit_code"], domain["outcome"]) == (code, one.ending)
    assert domain["xml"] == [{"before": f"machine='{OLD}'", "after": f"machine='{NEW}'"}]


@pytest.mark.parametrize(
    ("name", "back", "words"),
    [
        ("left", False, "finish it: samemachine upgrade vm1, or samemachine rollback vm1"),
        ("failed", False, "look at it (samemachine show vm1), then samemachine upgrade vm1, or "),
        ("staged", False, "undo: samemachine rollback vm1"),
        ("applied", False, "back at any time: samemachine rollback vm1"),
        ("applied", True, None), ("rolled back", False, None), ("refused", False, None),
        ("nothing", False, None), ("skipped", False, None), ("not agreed", False, None),
    ],
)  # fmt: skip
def test_what_to_do_next(name: str, words: str | None, *, back: bool) -> None:
    text = " ".join(printed(Report(raised=(ROWS[name][0],), back=back)).split())
    every = ("finish it", "look at it", "undo", "back at any time")
    said = [start for start in every if f"{start}: " in text or f"{start} (" in text]
    assert said == ([] if words is None else [start for start in every if words.startswith(start)])
    assert (words or "") in text


def test_the_worst_counts() -> None:
    everything = Report(raised=tuple(row[0] for row in ROWS.values()), change="CHG17")
    assert upgrade.exit_code(everything) == 130
    few = Report(raised=(ROWS["refused"][0], ROWS["rolled back"][0], ROWS["applied"][0]))
    assert upgrade.exit_code(few) == 1
    assert "change CHG17: applied 4" in printed(everything)


def test_a_rollback_that_was_asked_for_is_no_failure() -> None:
    one = ROWS["rolled back"][0]
    assert upgrade.exit_code(Report(raised=(one,), back=True)) == 0
    assert upgrade.exit_code(Report(raised=(replace(one, after=UNVERIFIED),), back=True)) == 3


def test_a_dry_run_says_how_to_go_on() -> None:
    text = printed(
        Report(
            raised=(raised(Ending.PLANNED, raising=replace(RAISING, forecast=(ACPI,))),),
            dry_run=True,
        )
    )
    assert (
        text
        == f"""\
vm1  {OLD} -> {NEW}
  owner   libvirt only (no Nova, oVirt, KubeVirt, ... metadata)
  type    {OLD} -> {NEW}: newest that the host offers (asked: node17)
  RISK    the guest will see ACPI DSDT: code 1 bytes -> 2 bytes
          -> who notices: device drivers and names, Windows first
  XML     1 line: machine='{OLD}' -> '{NEW}'
  same    UUID, MACs, disks, PCI addresses, firmware, NVRAM: as defined
  blocks  none (managed save, memory snapshot, job: checked)
  steps   backup, shutdown (300 s limit), define, start, verify, else roll back
Nothing changed.  now: samemachine upgrade vm1   at its next stop: samemachine upgrade vm1 --stage
"""
    )


def test_whose_recovery_key_is_asked_for_is_said_first() -> None:
    persistent = replace(RAISING.persistent or DEFINITION, firmware="efi", tpm=TPM)
    asking = replace(RAISING, persistent=persistent, rehearsed=True, sealed=outlook(OTHER, False))
    opening = replace(asking, name="vm2", sealed=outlook(SAME, True))
    both = tuple(raised(Ending.PLANNED, raising=one) for one in (asking, opening))
    report = Report(raised=both, dry_run=True)
    text = printed(report)
    assert " ".join(text.split()).startswith(
        "1 of 2 UEFI guests will ask for the recovery key at their first stop and start: suspend "
        "the bindings before: vm1 vm1 "
    )
    form = json_output.read(upgrade.render(report, 0))
    assert form["recovery_keys"] == {"guests": 2, "will_ask": ["vm1"], "not_known": []}
    assert form["domains"][0]["tpm"]["registers"][7]["changes"] is True
    assert "recovery key at" not in printed(Report(raised=(raised(Ending.PLANNED),)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stage": True}, "backup, define; its next full stop"),
        ({"active": None}, "backup, define (it does not run)"),
        ({"start": False}, "backup, shutdown (300 s limit), define; its next start"),
        ({"back": True, "resumed": APPLIED}, "define, shutdown (300 s limit), start, verify"),
        ({"resumed": HALF}, "forward: go on (defining)"),
    ],
)
def test_the_steps(changes: dict[str, Any], words: str) -> None:
    one = raised(Ending.PLANNED, raising=replace(RAISING, **changes))
    assert words in " ".join(printed(Report(raised=(one,))).split())


def test_a_campaign() -> None:
    records = [
        replace(APPLIED, name="a"),
        replace(BACK, name="b", change="CHG17"),
        replace(STAGED, name="c"),
    ]
    file = io.StringIO()
    console = Console(file=file, width=100, highlight=False)
    upgrade.print_campaign(console, records, ["x can't be read"], verbose=False)
    assert (
        file.getvalue()
        == f"""\
staged 1, applied 1, rolled back 1
  b  rolled back (CHG17)  {OLD} -> {NEW}: it did not start
  c  staged               {OLD} -> {NEW}
  x can't be read
"""
    )
    form = json_output.read(upgrade.render_campaign(records, ["x"], 1))
    assert form["counts"] == {"applied": 1, "rolled back": 1, "staged": 1}
    assert [one["step"] for one in form["upgrades"]] == ["applied", "rolled back", "staged"]


def test_what_the_guest_notices_is_answered() -> None:
    uid = Difference(area=Area.ACPI, subject="DSDT, _SB.PCI0", field="_UID", old="1", new="0")
    raising = replace(RAISING, noticed=notices((uid,), REHEARSED, REHEARSED))
    found = raised(Ending.PLANNED, raising=raising)
    console = Console(file=io.StringIO(), width=300)
    upgrade.print_plan(console, found, 300.0)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "notices  will Windows see a new network card or disk? yes: the PCI root bridge" in said
    assert "notices  will a licence see another machine? no" in said
    report = Report(raised=(found,), dry_run=True)
    (form,) = json_output.read(upgrade.render(report, 0))["domains"]
    assert [one["answer"] for one in form["notices"]] == ["yes", "no", "yes"]
