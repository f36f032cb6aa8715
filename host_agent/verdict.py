"""Findings → verdict: the policy. Pure."""

from host_agent import checks
from host_agent.missing import Missing, Reason
from host_agent.model import (
    Baseline,
    Case,
    Decision,
    Depth,
    Expectation,
    Finding,
    Observation,
    Outcome,
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


def judge(case: Case, *, against_baseline: bool = False) -> Verdict:
    """Run all checks and decide; ``against_baseline``: without one nothing is verified.

    A fail is a mismatch. Otherwise the domain is verified where no check that its depth requires is
    unknown: depth ``guest`` is required of a domain that has our channel; of any other, what the
    host can reach alone.
    """
    findings = checks.run(case)
    if case.declared.active is None:
        return Verdict(decision=None, depth=None, findings=findings)
    depth = depth_of(case)
    if any(finding.outcome is Outcome.FAIL for finding in findings):
        decision = Decision.MISMATCH
    elif _lacking(case, depth, findings) or (
        against_baseline and not isinstance(case.baseline, Baseline)
    ):
        decision = Decision.UNVERIFIED
    else:
        decision = Decision.VERIFIED
    return Verdict(decision=decision, depth=depth, findings=findings)


def depth_of(case: Case) -> Depth | None:
    """Return how deep the evidence goes; None: not even the QEMU process could be seen."""
    if isinstance(case.observation, Observation):
        return Depth.GUEST
    if isinstance(case.memory, Smbios):
        return Depth.MEMORY
    return Depth.HOST if isinstance(case.running, Running) else None


def _lacking(case: Case, depth: Depth | None, findings: tuple[Finding, ...]) -> bool:
    wanted = required(case, depth)
    return wanted is None or any(
        finding.outcome is Outcome.UNKNOWN and finding.check in wanted for finding in findings
    )


def required(case: Case, depth: Depth | None) -> frozenset[str] | None:
    """Return the checks that must not be unknown; None: nothing was reached, so all of them."""
    enrolled = not (
        isinstance(case.observation, Missing) and case.observation.reason is Reason.NOT_ENROLLED
    )
    wanted = Depth.GUEST if enrolled else depth
    if wanted is None:
        return None
    if isinstance(case.expected, Expectation) and not case.expected.visible:
        # What no guest of this kind can see is no missing evidence; the process carries it.
        return (_REQUIRED[wanted] - _OF_TABLES) | {"running-qemu"}
    return _REQUIRED[wanted]
