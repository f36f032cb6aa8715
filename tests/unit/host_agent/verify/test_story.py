"""What happened, in words: headline, ticket, what changed and what did not."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent import checks, times
from host_agent.case.case import Case, Occasion
from host_agent.case.results import Audited, Decision, Depth, Verdict
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing, Reason
from host_agent.verify import story
from host_agent.verify.policy import judge
from tests.unit.host_agent.shared.baseline_rows import (
    ARRIVAL,
    HARDWARE,
    NO_BASELINE,
    RESTART,
    UNAGENTED,
    UPGRADE,
    memory,
)
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DAY,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    RUNNING,
    SILENT,
    case,
    declared,
    since,
)

PASS, FAIL, WARN = Outcome.PASS, Outcome.FAIL, Outcome.WARN
UNKNOWN, SKIP = Outcome.UNKNOWN, Outcome.SKIP
DAMAGED = Missing(reason=Reason.REFUSED, sentence="the baseline can't be used: it is no XML")
OFF = declared(active=None)
RESTORED = replace(declared(), reason="restored")
LATER: dict[str, Any] = {"running": replace(RUNNING, started=BASELINE.taken + 3600.0)}
OTHER_BOOT = {"boot_id": "c"}
NO_BOOT_ID = replace(OBSERVATION, boot_id=None)


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    """The zone of the host, which times are told by."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (case(), "runs on node17 (7.2.22) as since its baseline of 2023-11-15 22:13:20, same boot"),
        (case(qemu=None), "runs on node17 as since its baseline of 2023-11-15 22:13:20, same boot"),
        (case(declared=OFF), "is shut off on node17"),
        (case(baseline=NO_BASELINE), "on node17 (7.2.22); no baseline was taken"),
        (case(baseline=DAMAGED), "on node17 (7.2.22); the baseline can't be used: it is no XML"),
        (
            since(**ARRIVAL, **LATER, qemu="10.0.13"),
            "arrived 23:13:20 from node17 (7.2.22) on node41 (10.0.13), same boot",
        ),
        (
            since(**ARRIVAL, running=NOTHING, qemu=None),
            "arrived from node17 (7.2.22) on node41, same boot",
        ),
        (
            since(**ARRIVAL, running=NOTHING, baseline=replace(BASELINE, qemu=None)),
            "arrived from node17 on node41 (7.2.22), same boot",
        ),
        (
            since(**ARRIVAL, **LATER, said={"boot_id": "c"}),
            "arrived 23:13:20 from node17 (7.2.22) on node41 (7.2.22), another boot",
        ),
        (
            since(**ARRIVAL, **LATER, declared=RESTORED),
            "restored 23:13:20 from node17 (7.2.22) on node41 (7.2.22), same boot",
        ),
        (
            case(occasion=Occasion.ARRIVAL, declared=RESTORED, **LATER),
            "restored 23:13:20 on node17 (7.2.22), same boot",
        ),
        (
            case(occasion=Occasion.ARRIVAL, declared=RESTORED, qemu="10.0.13", **LATER),
            "restored 23:13:20 from node17 (7.2.22) on node17 (10.0.13), same boot",
        ),
        (
            case(occasion=Occasion.ARRIVAL, **LATER),
            "came back 23:13:20 on node17 (7.2.22), same boot",
        ),
        (since(**RESTART), "started anew on node17 (7.2.22), another boot"),
        (
            since(**RESTART, host="node41"),
            "started anew on node41 (7.2.22), was on node17 (7.2.22), another boot",
        ),
        (
            case(occasion=Occasion.RESTART, observation=SILENT),
            "started anew on node17 (7.2.22), boot not to be seen",
        ),
        (
            case(occasion=Occasion.RESTART, observation=NO_BOOT_ID),
            "started anew on node17 (7.2.22), boot not to be seen",
        ),
        (
            case(occasion=Occasion.RESTART, baseline=UNAGENTED),
            "started anew on node17 (7.2.22), no boot id before",
        ),
        (since(**UPGRADE), "started anew on node17 (7.2.22), another boot"),
    ],
)  # fmt: skip
def test_headline(one: Case, words: str) -> None:
    assert story.headline(one) == words


def audited(one: Case) -> Audited:
    return Audited(case=one, verdict=judge(one, against_baseline=True))


MORE = {"memory": memory(4096)["memory"]}
FEWER = {"pci": HARDWARE.pci[1:] if isinstance(HARDWARE.pci, tuple) else ()}
NO_GROUP = {"pci": Missing(reason=Reason.DENIED, sentence="/sys may not be read")}


@pytest.mark.parametrize(
    ("one", "decision", "words"),
    [
        (case(), "verified", "the hardware did not change since the baseline."),
        (since(**ARRIVAL), "verified", "the hardware did not change in the move."),
        (since(**RESTART), "verified", "the hardware did not change at the restart."),
        (since(**UPGRADE), "verified", "the hardware did not change in the upgrade."),
        (since(FEWER, **ARRIVAL), "mismatch", "the hardware changed in the move: "),
        (since(FEWER, **RESTART), "mismatch", "the hardware changed at the restart: "),
        # Hot-plug, and what an upgrade may change.
        (since(MORE), "verified", "the hardware changed since the baseline only as it may: "),
        (since(MORE, **UPGRADE), "verified", "the hardware changed in the upgrade only as it"),
        # A boot and a clock are no hardware.
        (since(**ARRIVAL, said=OTHER_BOOT), "mismatch", "the guest booted anew while it moved"),
        (since(FEWER, **ARRIVAL, said=OTHER_BOOT), "mismatch", "the hardware changed in the move"),
        (case(baseline=NO_BASELINE), "unverified",
         "cannot tell whether the hardware changed: no baseline was taken."),
        (case(baseline=DAMAGED), "unverified",
         "cannot tell whether the hardware changed: the baseline can't be used: it is no XML."),
        (case(observation=SILENT), "unverified",
         "cannot tell all of whether the hardware changed: nobody answered."),
        (since(NO_GROUP), "verified",
         "cannot tell all of whether the hardware changed: the guest does not give its "),
        (case(declared=OFF, observation=SILENT), None,
         "cannot tell whether the hardware changed: nobody answered."),
        # Without an agent the firmware's tables are all that there is.
        (case(observation=NOT_ENROLLED, baseline=UNAGENTED), "verified",
         "the SMBIOS tables did not change since the baseline; no more was compared."),
        (case(observation=NOT_ENROLLED), "verified",
         "cannot tell all of whether the hardware changed: no channel."),
    ],
)  # fmt: skip
def test_ticket(one: Case, decision: str | None, words: str) -> None:
    told = audited(one)
    sentence = story.ticket(told)
    assert told.verdict.decision == decision
    assert sentence.startswith(f"vm1: {words}")
    assert sentence.endswith(".")


def test_a_mismatch_that_is_no_change() -> None:
    wrong = replace(OBSERVATION, dmi=NOTHING)
    one = case(observation=wrong, running=replace(RUNNING, machine="pc-i440fx-10.0"))
    told = audited(one)
    (fail,) = [finding for finding in told.verdict.findings if finding.outcome is FAIL]
    assert story.ticket(told) == f"vm1: {fail.sentence}."
    assert not story.changed(told)


SINCE = [f.check for f in checks.run(case()) if f.check.startswith("same-")] + ["clock"]


def finding(check: str, outcome: Outcome, *, expected: bool = False) -> Finding:
    old, new = ("old", "new") if expected or outcome in {FAIL, WARN} else (None, None)
    return Finding(
        check=check, outcome=outcome, sentence=f"{check} {outcome}", expected=old, observed=new
    )


FINDINGS = st.tuples(
    *(
        st.builds(finding, st.just(check), st.sampled_from(Outcome), expected=st.booleans())
        for check in (*SINCE, "machine-type", "agent")
    )
)


@given(FINDINGS, st.sampled_from(Occasion), st.sampled_from([None, *Decision]), st.booleans())
def test_a_ticket_never_claims_more_than_the_checks(
    findings: tuple[Finding, ...], occasion: Occasion, decision: Decision | None, based: bool
) -> None:
    fields: dict[str, Any] = {} if based else {"baseline": NO_BASELINE}
    told = Audited(
        case=case(occasion=occasion, **fields),
        verdict=Verdict(decision=decision, depth=Depth.GUEST, findings=findings),
    )
    sentence = story.ticket(told)
    outcomes = {one.check: one.outcome for one in findings}
    against = {check: outcomes[check] for check in SINCE}
    if "did not change" in sentence:
        assert based
        assert decision is Decision.VERIFIED
        assert not {FAIL, UNKNOWN} & set(against.values())
        assert FAIL not in outcomes.values()
        assert WARN not in {
            o for check, o in against.items() if check not in {"same-boot", "clock"}
        }
    if "the hardware changed" in sentence and "whether" not in sentence:
        assert {FAIL, WARN, PASS} & set(against.values())
    rows, same = story.changed(told), story.equal(told)
    assert not {row.name for row in rows} & set(same)
    assert [row.note.isupper() or "REBOOTED" in row.note for row in rows].count(True) == list(
        against.values()
    ).count(FAIL)
    assert {f"same-{name}" if name != "clock" else name for name in same} <= {
        check for check, outcome in against.items() if outcome is PASS
    }


def test_what_changed_and_what_did_not() -> None:
    told = audited(since(MORE | FEWER, **ARRIVAL))
    rows = {row.name: row for row in story.changed(told)}
    assert set(rows) == {"memory", "pci"}
    assert rows["pci"].note == "CHANGED"
    assert all(row.before != "-" or row.now != "-" for row in rows.values())
    same = story.equal(told)
    assert {"boot", "smbios", "cpu", "network", "block", "clock"} <= set(same)


def test_another_boot_is_no_failure_and_not_the_same() -> None:
    told = audited(since(**RESTART))
    (row,) = story.changed(told)
    assert (row.name, row.before, row.now, row.note) == ("boot", "boot b", "boot c", "as expected")
    assert "boot" not in story.equal(told)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (41 * DAY, "41 d")],
)
def test_span(seconds: float, words: str) -> None:
    assert times.span(seconds) == words


def test_times_are_the_hosts() -> None:
    assert times.day(1.7e9) == "2023-11-14 22:13:20"
    assert times.clock(1.7e9) == "22:13:20"
