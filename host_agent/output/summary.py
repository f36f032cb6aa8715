"""What all formats share: counting, and the exit code."""

from collections import Counter
from collections.abc import Sequence

from host_agent.case.results import Audited, Decision, Failed, HostAudit

VERIFIED, MISMATCH, USAGE, UNVERIFIED, UNREACHABLE = 0, 1, 2, 3, 4
"""Exit codes of the commands (the middle one is a usage or configuration error)."""


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
