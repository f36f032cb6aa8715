"""The 3 a.m. screen: of a domain that is there, that failed, that is gone."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from host_agent.case.case import Case
from host_agent.case.results import Audited, Failed, Host, HostAudit
from host_agent.errors import LedgerError
from host_agent.evidence.baseline import Event
from host_agent.output import why as output
from host_agent.records.entry import Entry
from host_agent.verify import why
from host_agent.verify.policy import judge
from host_agent.verify.story import Story
from tests import json_output
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.baseline_rows import ARRIVAL, NO_BASELINE, OFF
from tests.unit.host_agent.shared.cases import BASELINE, RUNNING, SILENT, case, since
from tests.unit.host_agent.verify.test_verifier import Trial

HOST = Host(
    uri="qemu:///system",
    name="node1",
    distribution="Debian 12",
    driver="QEMU",
    libvirt="9.0.0",
    hypervisor="7.2.22",
    package=None,
)
FAILED = Failed(name="vm1", uuid=str(UUID_1), error="its XML is \x07 broken")
WRONG = case(running=replace(RUNNING, machine="pc-q35-9.0"))


def entry(time: float, **fields: Any) -> Entry:
    given = {
        "host": "node1", "uuid": str(UUID_1), "name": "vm1", "occasion": "arrival",
        "verdict": "verified", **fields,
    }  # fmt: skip
    return Entry(time=time, **given)


class Past:
    """A ledger that can be asked."""

    def __init__(self, *entries: Entry, broken: bool = False) -> None:
        self.entries = entries
        self.broken = broken

    def history(self, domain: str, since: float | None, most: int) -> tuple[Entry, ...]:
        if self.broken:
            raise LedgerError("it is locked")
        return tuple(one for one in self.entries if domain in {one.uuid, one.name})[-most:]


def audit(one: Case | Failed) -> HostAudit:
    result = one if isinstance(one, Failed) else Audited(case=one, verdict=judge(one))
    return HostAudit(host=HOST, results=(result,), seconds=0.1, started=1.7e9)


def tell(
    one: Case | Failed | None, *entries: Entry, broken: bool = False, name: str = "vm1"
) -> Story | None:
    past: Any = Past(*entries, broken=broken)
    return why.tell(None if one is None else audit(one), name, past)


def known(one: Case | Failed | None, *entries: Entry, **how: Any) -> Story:
    story = tell(one, *entries, **how)
    assert story is not None
    return story


def printed(story: Story) -> str:
    out = io.StringIO()
    output.print_why(Console(file=out, width=100, highlight=False), story)
    document = json_output.read(output.render(story, output.exit_code(story)))
    assert (document["schema"], document["exit_code"]) == (1, output.exit_code(story))
    assert all(line.isprintable() for line in out.getvalue().splitlines())
    return out.getvalue()


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (case(), 0), (WRONG, 1), (case(observation=SILENT), 3), (FAILED, 3), (None, 3),
        (case(baseline=NO_BASELINE), 3), (case(baseline=NO_BASELINE, declared=OFF), 3),
    ],
)  # fmt: skip
def test_exit_code(one: Case | Failed | None, code: int) -> None:
    assert output.exit_code(known(one, entry(1.7e9))) == code


def test_without_a_baseline_it_agrees_with_verify() -> None:
    """The headline and the ticket are of one verdict, the one that ``verify`` gives."""
    one = case(baseline=NO_BASELINE)
    confirmed = Trial(one).attempt()
    shown = printed(known(one))
    assert confirmed.audited.verdict.decision == "unverified"
    assert shown.startswith("vm1 UNVERIFIED ")
    assert 'Ticket: "vm1: cannot tell whether the hardware changed: no baseline' in shown


def test_of_nothing_nothing_is_told() -> None:
    assert tell(None) is None
    assert tell(None, broken=True) is None
    assert why.tell(None, "vm1", None) is None


def test_one_that_is_right() -> None:
    shown = printed(known(since(**ARRIVAL)))
    assert shown.startswith("vm1 VERIFIED  arrived ")
    assert 'Ticket: "vm1: the hardware did not change in the move."' in shown
    assert "no history: nothing was verified or recorded before" in shown


def test_one_that_is_not() -> None:
    shown = printed(known(WRONG, entry(1.7e9)))
    assert "vm1 MISMATCH" in shown
    assert shown.count("Ticket: ") == 1
    assert "no history" not in shown


def test_one_that_could_not_be_looked_at_has_its_history() -> None:
    shown = printed(known(FAILED, entry(1.7e9, verdict="crashed", occasion="stop")))
    assert "FAILED  its XML is \\x07 broken" in shown
    assert "crashed" in shown


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (entry(1.7e9, occasion="departure", verdict="left"), "it left node1 by live migration at "),
        (entry(1.7e9, host="node2"), "it was on node2 at "),
    ],
)
def test_one_that_is_gone(last: Entry, words: str) -> None:
    story = known(None, entry(1.6e9), last)
    assert (story.audit, story.result) == (None, None)
    assert printed(story).startswith(f"vm1: {words}")
    assert [event.time for event in story.events] == [1.6e9, 1.7e9]


def test_a_ledger_that_can_not_be_read_costs_its_part_only() -> None:
    trail = (Event(time=1.7e9, host="node17", qemu=None, occasion="restart", verdict="verified"),)
    story = known(case(baseline=replace(BASELINE, trail=trail)), broken=True)
    assert (story.events, story.history) == (trail, ())
    assert "restart" in printed(story)


def test_one_timeline_of_trail_and_history() -> None:
    trail = tuple(
        Event(time=time, host=host, qemu=None, occasion="arrival", verdict="verified")
        for time, host in ((1.5e9, "node17"), (1.7e9 + 0.2, "node1"), (1.8e9, "node2"))
    )
    one = case(baseline=replace(BASELINE, trail=trail))
    story = known(one, entry(1.6e9), entry(1.7e9))
    # What was written to both is told once, also where its second ends between the two.
    assert [event.time for event in story.events] == [1.5e9, 1.6e9, 1.7e9, 1.8e9]
    story = known(one, entry(1.6e9), entry(1.7e9 + 0.6))
    assert [event.time for event in story.events] == [1.5e9, 1.6e9, 1.7e9 + 0.6, 1.8e9]


def test_history_is_found_by_the_uuid_after_a_rename() -> None:
    before = entry(1.6e9, name="old-name")
    assert known(case(), before).history == (before,)


def test_names_that_a_terminal_would_obey() -> None:
    hostile = "vm\x1b[2J[red]"
    story = known(None, entry(1.6e9, name=hostile, host=hostile), name=hostile)
    assert "vm\\x1b[2J[red]: it was on vm\\x1b[2J[red] at " in printed(story)
