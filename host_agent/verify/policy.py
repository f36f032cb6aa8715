"""Findings → verdict: the policy. Pure."""

from collections.abc import Iterable

from host_agent import checks
from host_agent.case.case import Case
from host_agent.case.expectation import Expectation
from host_agent.case.results import Decision, Depth, Verdict
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing, Reason

# Which checks must not be unknown, by what the policy asks of the domain.
_OF_TABLES = frozenset({"identity", "machine-type", "product"})
# Of these, what a machine without SMBIOS says of itself in its device tree or in /proc/sysinfo.
_OF_PLATFORM = frozenset({"identity", "product"})
_DECIDED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.WARN})
# Checks that judge the guest by what it booted with, and all that judge it by what it says.
_OF_BOOTED = _OF_TABLES | {"exact", "same-smbios", "whole-machine"}
_OF_GUEST = _OF_BOOTED | {
    "machine-type-live",
    "same-boot",
    "same-cpu",
    "same-memory",
    "same-pci",
    "same-virtio",
    "same-acpi",
    "same-network",
    "same-block",
    "clock",
}
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
    reached = depth_of(case)
    if any(finding.outcome is Outcome.FAIL for finding in findings):
        decision = Decision.MISMATCH
    elif _lacking(case, reached, findings) or (
        against_baseline and not isinstance(case.baseline, Baseline)
    ):
        decision = Decision.UNVERIFIED
    else:
        decision = Decision.VERIFIED
    return Verdict(decision=decision, depth=decided_by(case, findings), findings=findings)


def depth_of(case: Case) -> Depth | None:
    """Return how deep the evidence goes; None: not even the QEMU process could be seen."""
    if isinstance(case.observation, Observation):
        return Depth.GUEST
    if isinstance(case.memory, Smbios):
        return Depth.MEMORY
    return Depth.HOST if isinstance(case.running, Running) else None


def decided_by(case: Case, findings: Iterable[Finding]) -> Depth | None:
    """Return the depth of the deepest evidence that a check decided by.

    That a guest answered, or that its tables could be read, is none: where QEMU gives a guest no
    SMBIOS (isapc, microvm), nothing in them may have been judged.
    """
    decided = {one.check for one in findings if one.outcome in _DECIDED}
    if isinstance(case.observation, Observation):
        tables = _OF_BOOTED if isinstance(_own_booted(case), Missing) else frozenset()
        if decided & (_OF_GUEST - tables):
            return Depth.GUEST
    if isinstance(case.memory, Smbios) and decided & _OF_BOOTED:
        return Depth.MEMORY
    return Depth.HOST if isinstance(case.running, Running) else None


def _own_booted(case: Case) -> object:
    """Return what the guest itself said that it booted with."""
    said = case.observation
    if isinstance(said, Missing):
        return said
    if isinstance(case.expected, Expectation) and case.expected.family is not None:
        return said.hardware.platform
    return said.dmi if isinstance(said.booted, Missing) else said.booted


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
        seen = _OF_PLATFORM if case.expected.family and wanted is Depth.GUEST else frozenset()
        return (_REQUIRED[wanted] - _OF_TABLES) | seen | {"running-qemu"}
    served_only = isinstance(case.expected, Expectation) and not case.expected.booted_visible
    if served_only and wanted is Depth.GUEST:
        # No firmware leaves it other tables than those that it is served.
        return (_REQUIRED[wanted] - {"machine-type"}) | {"machine-type-live"}
    return _REQUIRED[wanted]
