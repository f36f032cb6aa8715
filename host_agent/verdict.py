"""Findings → verdict: the policy. Pure."""

from host_agent import checks
from host_agent.model import (
    Case,
    Decision,
    Depth,
    Expectation,
    Finding,
    Missing,
    Observation,
    Outcome,
    Reason,
    Running,
    Smbios,
    Verdict,
)

# Which checks must not be unknown, by what the policy asks of the domain.
_OF_TABLES = frozenset({"identity", "machine-type", "product"})
_REQUIRED = {
    Depth.GUEST: frozenset({"agent"}) | _OF_TABLES,
    Depth.MEMORY: _OF_TABLES,
    Depth.HOST: frozenset({"running-qemu"}),
}


def judge(case: Case) -> Verdict:
    """Run all checks and decide.

    A fail is a mismatch. Otherwise the domain is verified where no check that its depth requires is
    unknown: depth ``guest`` is required of a domain that has our channel; of any other, what the
    host can reach alone.
    """
    findings = checks.run(case)
    if case.declared.active is None:
        return Verdict(decision=None, depth=None, findings=findings)
    depth = _depth(case)
    if any(finding.outcome is Outcome.FAIL for finding in findings):
        decision = Decision.MISMATCH
    elif _lacking(case, depth, findings):
        decision = Decision.UNVERIFIED
    else:
        decision = Decision.VERIFIED
    return Verdict(decision=decision, depth=depth, findings=findings)


def _depth(case: Case) -> Depth | None:
    if isinstance(case.observation, Observation):
        return Depth.GUEST
    if isinstance(case.memory, Smbios):
        return Depth.MEMORY
    return Depth.HOST if isinstance(case.running, Running) else None


def _lacking(case: Case, depth: Depth | None, findings: tuple[Finding, ...]) -> bool:
    enrolled = not (
        isinstance(case.observation, Missing) and case.observation.reason is Reason.NOT_ENROLLED
    )
    wanted = Depth.GUEST if enrolled else depth
    if wanted is None:
        return True
    required = _REQUIRED[wanted]
    if isinstance(case.expected, Expectation) and not case.expected.visible:
        # What no guest of this kind can see is no missing evidence; the process carries it.
        required = (required - _OF_TABLES) | {"running-qemu"}
    return any(
        finding.outcome is Outcome.UNKNOWN and finding.check in required for finding in findings
    )
