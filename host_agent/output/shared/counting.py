"""The word for a result, how many there are of each, and the exit code that they come to."""

from collections import Counter
from collections.abc import Sequence

from host_agent.case.results import Audited, Decision, Failed, HostAudit
from host_agent.output.shared.exit_codes import MISMATCH, UNREACHABLE, UNVERIFIED, VERIFIED


def decision(result: Audited | Failed) -> str:
    """Return the word for a result: a verdict's, ``not running``, or ``failed``."""
    if isinstance(result, Failed):
        return "failed"
    return result.verdict.decision or "not running"


def counts(results: Sequence[Audited | Failed]) -> Counter[str]:
    """Count the results by their word."""
    return Counter(decision(result) for result in results)


def exit_code(audits: Sequence[HostAudit], unreachable: int) -> int:
    """Return the exit code: a mismatch before an unreachable host before what is unverified."""
    total = sum((counts(audit.results) for audit in audits), Counter[str]())
    if total[Decision.MISMATCH]:
        return MISMATCH
    if unreachable:
        return UNREACHABLE
    return UNVERIFIED if total[Decision.UNVERIFIED] or total["failed"] else VERIFIED
