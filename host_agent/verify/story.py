"""What happened to a domain since its baseline, in words for people. Pure."""

from dataclasses import dataclass

from host_agent.case.case import Case, Occasion
from host_agent.case.results import Audited, Decision, Failed, HostAudit
from host_agent.evidence.baseline import Baseline, Event
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing
from host_agent.records.entry import Entry
from host_agent.times import clock, day, span

_BEFORE_AND_NOW = "same-"
_NOTES = {
    Outcome.FAIL: "CHANGED",
    Outcome.WARN: "changed, allowed",
    Outcome.PASS: "as expected",
}
_OWN_NOTES = {("same-boot", Outcome.FAIL): "REBOOTED in the move"}
_NO_HARDWARE = {"same-boot", "clock"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that is not as it was."""

    name: str
    before: str
    now: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is known of a domain, here and now."""

    name: str
    time: float
    audit: HostAudit | None
    """None: the domain is not on these hosts."""
    result: Audited | Failed | None
    events: tuple[Event, ...]
    """Its trail and this host's history in one, oldest first."""
    history: tuple[Entry, ...]
    sentence: str | None
    """Why there is no result."""


def headline(case: Case) -> str:
    """Return what happened, for example ``arrived from node17 (7.2.22) on node41 (10.0.13)``."""
    return _course(case, timed=True)


def course(case: Case) -> str:
    """Return what happened without when: it is one for all domains that came the same way."""
    return _course(case, timed=False)


def _course(case: Case, *, timed: bool) -> str:
    before = case.baseline
    here = f"{case.host} ({case.qemu})" if case.qemu else case.host
    if case.declared.active is None:
        return f"is {case.declared.state} on {case.host}"
    if isinstance(before, Missing):
        return f"on {here}; {before.sentence}"
    there = f"{before.host} ({before.qemu})" if before.qemu else before.host
    if case.occasion is Occasion.REVERTED:
        return f"{_reverted(case, timed=timed)} on {here}, {_boot(case, before)}"
    if case.occasion is Occasion.ARRIVAL:
        how = "came back" if before.host == case.host else "arrived"
        how = "restored" if case.declared.reason == "restored" else how
        origin = "" if there == here else f" from {there}"
        at = ""
        if timed and isinstance(case.running, Running):
            at = f" {clock(case.running.started)}"
        return f"{how}{at}{origin} on {here}, {_boot(case, before)}"
    if case.occasion in {Occasion.RESTART, Occasion.UPGRADE}:
        moved = f", was on {there}" if before.host != case.host else ""
        return f"started anew on {here}{moved}, {_boot(case, before)}"
    if case.declared.reason == "restored":
        return f"restored from a saved image on {here}, {_boot(case, before)}"
    since = f" of {day(before.taken)}" if timed else ""
    return f"runs on {here} as since its baseline{since}, {_boot(case, before)}"


def _reverted(case: Case, *, timed: bool) -> str:
    """Say to which snapshot, and how much of the guest's time that threw away."""
    snapshot = case.snapshot
    words = "reverted to a snapshot" if snapshot is None else f"reverted to '{snapshot.name}'"
    if not timed or snapshot is None or snapshot.created is None:
        return words
    words += f" of {day(snapshot.created)}"
    if isinstance(case.running, Running) and case.running.started > snapshot.created:
        words += f" ({span(case.running.started - snapshot.created)} thrown away)"
    return words


def _boot(case: Case, before: Baseline) -> str:
    seen = case.observation
    if not isinstance(seen, Observation) or seen.boot_id is None:
        return "boot not to be seen"
    if before.observation.boot_id is None:
        return "no boot id before"
    return "same boot" if seen.boot_id == before.observation.boot_id else "another boot"


def changed(audited: Audited) -> tuple[Row, ...]:
    """Return what the checks against the baseline found, before and now."""
    return tuple(
        Row(
            name=finding.check.removeprefix(_BEFORE_AND_NOW),
            before=finding.expected or "-",
            now=finding.observed or "-",
            note=_OWN_NOTES.get((finding.check, finding.outcome), _NOTES[finding.outcome]),
        )
        for finding in _since(audited)
        if finding.outcome in _NOTES and not _as_it_was(finding)
    )


def equal(audited: Audited) -> tuple[str, ...]:
    """Return the names of what is as it was."""
    return tuple(
        finding.check.removeprefix(_BEFORE_AND_NOW)
        for finding in _since(audited)
        if _as_it_was(finding)
    )


def uncompared(audited: Audited) -> dict[str, list[str]]:
    """Return what could not be compared with the baseline: the reason, and what has it."""
    found: dict[str, list[str]] = {}
    for finding in _since(audited):
        if finding.outcome is Outcome.UNKNOWN:
            name = finding.check.removeprefix(_BEFORE_AND_NOW)
            found.setdefault(finding.sentence, []).append(name)
    return found


def _as_it_was(finding: Finding) -> bool:
    """Tell whether it did not change: what changed as forecast passes too, and says from what."""
    return finding.outcome is Outcome.PASS and finding.expected == finding.observed


def _since(audited: Audited) -> list[Finding]:
    return [
        finding
        for finding in audited.verdict.findings
        if finding.check.startswith(_BEFORE_AND_NOW) or finding.check == "clock"
    ]


def ticket(audited: Audited) -> str:
    """Return one sentence for a ticket: changed, did not change, or can't be told because."""
    case, name = audited.case, audited.case.declared.definition.name
    what = {
        Occasion.ARRIVAL: "in the move",
        Occasion.RESTART: "at the restart",
        Occasion.UPGRADE: "in the upgrade",
        Occasion.REVERTED: "since the snapshot's baseline",
        Occasion.AUDIT: "since the baseline",
    }[case.occasion]
    fails = [f for f in audited.verdict.findings if f.outcome is Outcome.FAIL]
    hardware = [f for f in _since(audited) if f.check not in _NO_HARDWARE]
    since = [f for f in hardware if f.outcome is Outcome.FAIL]
    if since:
        return f"{name}: the hardware changed {what}: {since[0].sentence}."
    if fails:
        return f"{name}: {fails[0].sentence}."
    if isinstance(case.baseline, Missing):
        return f"{name}: cannot tell whether the hardware changed: {case.baseline.sentence}."
    lacking = [f for f in _since(audited) if f.outcome is Outcome.UNKNOWN]
    allowed = [f for f in hardware if f.outcome in _NOTES and not _as_it_was(f)]
    compared = {f.check for f in hardware if _as_it_was(f)}
    if audited.verdict.decision is Decision.VERIFIED and not lacking:
        if allowed:
            return f"{name}: the hardware changed {what} only as it may: {allowed[0].sentence}."
        if compared > {"same-smbios"}:
            return f"{name}: the hardware did not change {what}."
        if compared:
            # Without a guest agent, then or now, its devices are not known.
            return f"{name}: the SMBIOS tables did not change {what}; no more was compared."
    if lacking:
        return f"{name}: cannot tell all of whether the hardware changed: {lacking[0].sentence}."
    seen = case.observation
    why = seen.sentence if isinstance(seen, Missing) else "evidence is missing"
    return f"{name}: cannot tell whether the hardware changed: {why}."
