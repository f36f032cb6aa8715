"""How a domain stands, in the words that monitoring counts. Pure.

Nothing of it is a guest's to choose: names and machine types are libvirt's, the rest are our words.
"""

from dataclasses import dataclass

from host_agent.case.case import Case
from host_agent.case.results import Audited, Decision, Failed
from host_agent.difference import Prediction
from host_agent.evidence.baseline import Baseline
from host_agent.finding import Finding, Outcome
from host_agent.records.entry import Entry
from host_agent.verify import predicted

NOT_RUNNING, FAILED = "not running", "failed"
WORDS = (*Decision, FAILED, NOT_RUNNING)
"""What may be said of a domain."""
WAIVED, KNOWN = "waived", "known"
"""Outcomes beside those of checks: of a warning that is accepted, or that two packages predict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One domain of one host."""

    host: str
    name: str
    uuid: str
    machine: str = ""
    """The machine type that libvirt declares; empty: not known."""
    architecture: str = ""
    word: str
    """One of ``WORDS``."""
    outcomes: tuple[tuple[str, str], ...] = ()
    """The id of each check, with what came of it."""
    verified: float | None = None
    """When it was verified last, in seconds since 1970-01-01 UTC; None: not known."""


def of_result(
    result: Audited | Failed, *, host: str, now: float, predictions: tuple[Prediction, ...] = ()
) -> Standing:
    """Return how a domain stands after it was looked at."""
    if isinstance(result, Failed):
        return Standing(host=host, name=result.name, uuid=result.uuid, word=FAILED)
    case, verdict = result.case, result.verdict
    definition = case.declared.definition
    return Standing(
        host=host,
        name=definition.name,
        uuid=str(definition.uuid),
        machine=definition.machine or "",
        architecture=definition.architecture or "",
        word=verdict.decision or NOT_RUNNING,
        outcomes=tuple((one.check, _outcome(case, one, predictions)) for one in verdict.findings),
        verified=now if verdict.decision is Decision.VERIFIED else _before(case),
    )


def of_entry(entry: Entry) -> Standing:
    """Return how a domain stood when it was recorded: what passed is not in it."""
    word = entry.verdict if entry.verdict in WORDS else FAILED
    return Standing(
        host=entry.host,
        name=entry.name,
        uuid=entry.uuid,
        machine=entry.machine or "",
        word=word,
        outcomes=tuple((one.check, one.outcome) for one in entry.findings),
        verified=entry.time if word == Decision.VERIFIED else None,
    )


def _outcome(case: Case, finding: Finding, predictions: tuple[Prediction, ...]) -> str:
    if finding.outcome is Outcome.WARN:
        if finding.waived is not None:
            return WAIVED
        _, known = predicted.of(case, finding, predictions)
        if known and set(known) >= set(finding.differences):
            return KNOWN
    return finding.outcome


def _before(case: Case) -> float | None:
    """Return when it was verified last before now, as its baseline knows."""
    if not isinstance(case.baseline, Baseline):
        return None
    trail = [one.time for one in case.baseline.trail if one.verdict == Decision.VERIFIED]
    return max(trail, default=case.baseline.taken)
