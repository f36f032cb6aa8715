"""Who may be enrolled, what changes, and what is said of it."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from host_agent.domain import owner, virtio_serial
from host_agent.domain.definition import parse
from host_agent.domain.owner import Owner, OwnerKind
from host_agent.domain.virtio_serial import CHANNEL, Controller, VirtioSerial
from host_agent.guest.enroll_plan import (
    Enrolled,
    Enrollee,
    Enrollment,
    Plan,
    Planned,
    Wish,
    changed,
    decide,
    element,
    foretold,
)
from host_agent.missing import Missing, Reason
from host_agent.output import enroll as output
from tests import json_output
from tests.unit.host_agent.shared.cases import DEFINITION

DOMAINS = Path(__file__).parents[3] / "data" / "domains"
BARE = VirtioSerial(controllers=(), channel=None)
ROOM = VirtioSerial(controllers=(Controller(index=0, free=3),), channel=None)
FULL = VirtioSerial(controllers=(Controller(index=0, free=0),), channel=None)
ENROLLED = replace(ROOM, channel="<channel/>")
BUSY = Missing(reason=Reason.BUSY, sentence="a job runs", remedy="wait")
DENIED = Missing(reason=Reason.DENIED, sentence="it needs rights", remedy="be root")
ADD, LIVE = Wish(), Wish(live=True)
REMOVE, REMOVE_LIVE = Wish(remove=True), Wish(remove=True, live=True)


def enrollee(
    persistent: VirtioSerial | None, active: VirtioSerial | None = None, **more: Any
) -> Enrollee:
    given: dict[str, Any] = {"owner": Owner(kind=OwnerKind.LIBVIRT), **more}
    return Enrollee(definition=DEFINITION, persistent=persistent, active=active, **given)


# who, wish, whether definition and running guest change, what is said or why not
ROWS = {
    "off": (enrollee(ROOM), ADD, (True, False), "at its next start"),
    "off, --live": (enrollee(ROOM), LIVE, (True, False), "at its next start"),
    "off, new controller": (enrollee(BARE), ADD, (True, False), "a new PCI device"),
    "runs": (enrollee(ROOM, ROOM), ADD, (True, False), "a reboot inside the guest is not enough"),
    "runs, guest": (enrollee(ROOM, ROOM), ADD, (True, False), "install samemachine-guest"),
    "runs, --live": (enrollee(ROOM, ROOM), LIVE, (True, True), "at once"),
    "no controller": (enrollee(BARE, BARE), LIVE, (False, False), "change the very machine"),
    "no port": (enrollee(ROOM, FULL), LIVE, (False, False), "no free port"),
    "full but not live": (enrollee(FULL, FULL), ADD, (True, False), "next full stop"),
    "twice": (enrollee(ENROLLED, ENROLLED), ADD, (False, False), "is enrolled already"),
    "twice, off": (enrollee(ENROLLED), LIVE, (False, False), "is enrolled already"),
    "waits": (enrollee(ENROLLED, ROOM), ADD, (False, False), "without the channel until"),
    "waits, --live": (enrollee(ENROLLED, ROOM), LIVE, (False, True), "at once"),
    "nobody there": (
        enrollee(ENROLLED, ENROLLED, guest_end_open=False), ADD, (False, False), "installed",
    ),
    "transient": (enrollee(None, ROOM), ADD, (False, False), "transient"),
    "transient, --live": (enrollee(None, ROOM), LIVE, (False, True), "at once"),
    "saved": (enrollee(ROOM, saved=True), ADD, (False, False), "managed-save"),
    "saved, twice": (enrollee(ENROLLED, saved=True), ADD, (False, False), "is enrolled already"),
    "saved, remove": (enrollee(ENROLLED, saved=True), REMOVE, (False, False), "managed-save"),
    "job": (enrollee(ROOM, ROOM, job=BUSY), ADD, (False, False), "a job runs"),
    "job, twice": (enrollee(ENROLLED, ENROLLED, job=BUSY), ADD, (False, False), "already"),
    "read-only": (enrollee(ROOM, denied=DENIED), ADD, (False, False), "it needs rights"),
    "remove": (enrollee(ENROLLED, ENROLLED), REMOVE, (True, False), "keeps its port until"),
    "remove, off": (enrollee(ENROLLED), REMOVE, (True, False), "controller stays"),
    "remove, --live": (enrollee(ENROLLED, ENROLLED), REMOVE_LIVE, (True, True), "stays the same"),
    "nothing to remove": (enrollee(ROOM, ROOM), REMOVE, (False, False), "is not enrolled"),
    "removed, runs": (enrollee(ROOM, ENROLLED), REMOVE, (False, False), "runs with the channel"),
    "removed, now live": (enrollee(ROOM, ENROLLED), REMOVE_LIVE, (False, True), "stays"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_what_is_done(row: str) -> None:
    who, wish, does, words = ROWS[row]
    plan = decide(who, wish)
    assert (plan.persistent, plan.live) == does
    assert words in "; ".join([plan.refused or "", *plan.said]), plan
    # What is refused comes with what to do about it, and is no change.
    assert (plan.refused is None) or (plan.remedy and not plan.changes and not plan.foreign)


@pytest.mark.parametrize("file", sorted(DOMAINS.glob("*.xml")), ids=lambda file: file.stem)
def test_whoever_writes_the_definition_anew_is_left_with_its_own_way(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    definition = parse(text)
    found = owner.of(definition)
    who = Enrollee(
        definition=definition, owner=found, persistent=virtio_serial.parse(text), active=None
    )
    plan = decide(who, ADD)
    assert plan.foreign is (found.kind in owner.WRITES_DEFINITION)
    if plan.foreign:
        assert plan.refused is not None
        assert plan.remedy is not None
        assert found.kind in plan.refused
        assert "{" not in plan.remedy
    else:
        assert plan.persistent


def test_lines() -> None:
    assert foretold(enrollee(ROOM), ADD)[0] == "+ <channel type='unix'>"
    assert foretold(enrollee(ENROLLED), REMOVE) == ("- <channel/>",)
    before = "<devices>\n  <a/>\n</devices>"
    after = "<devices>\n  <a/>\n  <channel/>\n</devices>"
    assert changed(before, after) == ("+   <channel/>",)
    assert changed(after, before) == ("-   <channel/>",)
    assert changed(before, before) == ()


def test_what_is_taken_out_is_what_is_there() -> None:
    who = enrollee(replace(ROOM, channel="<a/>"), replace(ROOM, channel="<b/>"))
    assert element(who, REMOVE, live=False) == "<a/>"
    assert element(who, REMOVE, live=True) == "<b/>"
    assert element(who, ADD, live=True) == CHANNEL


def planned(plan: Plan) -> Planned:
    return Planned(
        name="vm\x1b1", uuid="u", definition=DEFINITION, plan=plan, foretold=("+ <channel/>",)
    )


TO_DO = planned(Plan(persistent=True, said=("then: samemachine baseline vm1",)))
REFUSED = planned(Plan(refused="it is transient", remedy="--live"))
FOREIGN = planned(Plan(refused="Nova manages it", remedy="its own way", foreign=True))
ALREADY = planned(Plan(said=("is enrolled already",)))
# results, more of the report, exit codes for named domains and for all, what is printed
REPORTS: dict[str, tuple[tuple[Enrolled, ...], dict[str, Any], tuple[int, int], str]] = {
    "done": (
        (Enrolled(planned=TO_DO, done=True, changed=("+ <channel a='1'/>",)),), {}, (0, 0),
        "+ <channel a='1'/>",
    ),
    "already": ((Enrolled(planned=ALREADY),), {}, (0, 0), "is enrolled already"),
    "dry run": ((Enrolled(planned=TO_DO),), {"dry_run": True}, (0, 0), "1 would be"),
    "no": ((Enrolled(planned=TO_DO),), {"agreed": False}, (2, 2), "nothing was changed"),
    "refused": ((Enrolled(planned=REFUSED),), {}, (2, 2), "REFUSED"),
    "foreign": ((Enrolled(planned=FOREIGN),), {}, (2, 0), "its own way"),
    "failed": ((Enrolled(planned=TO_DO, error="libvirt refused it"),), {}, (4, 4), "FAILED"),
    "interrupted": (
        (Enrolled(planned=TO_DO, done=True),), {"interrupted": True}, (130, 130),
        "no other was touched",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", REPORTS)
def test_reports(row: str) -> None:
    results, more, codes, words = REPORTS[row]
    given: dict[str, Any] = {"dry_run": False, "agreed": True, **more}
    report = Enrollment(host="node17", wish=ADD, results=results, **given)
    named, everything = (output.exit_code([report], everything=one) for one in (False, True))
    assert (named, everything) == codes
    printed = io.StringIO()
    output.print_report(Console(file=printed, width=100), report)
    assert words in printed.getvalue()
    assert "\x1b" not in printed.getvalue()
    form = json_output.read(output.render([report], named))
    assert form["exit_code"] == named
    (domain,) = form["hosts"][0]["domains"]
    assert domain["done"] is results[0].done


def test_plans_are_shown_before_anybody_says_yes() -> None:
    printed = io.StringIO()
    output.print_plans(
        Console(file=printed, width=100), "node17", [TO_DO, FOREIGN, ALREADY], remove=False
    )
    said = printed.getvalue()
    assert "1 of 3 domains will get the channel" in said
    assert "LEFT" in said
    assert "+ <channel/>" in said
