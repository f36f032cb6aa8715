"""How evidence of now is held against the baseline's: what lacks, and what a difference means.

Shared by all checks against the baseline. What differs is a ``Change``; whether it is a fail is a
matter of the occasion and of what kind of change it is, and stands in one table (DESIGN 7: "Each
occasion says which differences are allowed").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from host_agent.case.case import Case, Occasion
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing, Reason
from host_agent.printable import argument, shortened

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import Hardware

_T = TypeVar("_T")
_MOST = 6
_LONGEST = 300


class Kind(StrEnum):
    """What a change takes."""

    FIXED = "fixed"
    """Another boot or another QEMU; within one boot on one QEMU it is impossible."""
    PLUGGED = "plugged"
    """Something that libvirt may add, remove or resize while a domain runs."""
    GUESTS = "guest's"
    """The guest may have done it, with another kernel or by its administrator."""
    HOSTS = "host's"
    """Declared to be whatever host and QEMU have: a boot on another of either brings another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was."""

    sentence: str
    old: str
    new: str
    kind: Kind = Kind.PLUGGED


_FAIL, _WARN = Outcome.FAIL, Outcome.WARN
_OUTCOMES = {
    #                   FIXED  PLUGGED GUESTS HOSTS
    Occasion.AUDIT:    (_FAIL, _WARN, _WARN, _FAIL),
    Occasion.ARRIVAL:  (_FAIL, _FAIL, _WARN, _FAIL),
    Occasion.RESTART:  (_FAIL, _FAIL, _WARN, _WARN),
    Occasion.REVERTED: (_FAIL, _WARN, _WARN, _FAIL),
    Occasion.UPGRADE:  (_WARN, _WARN, _WARN, _WARN),
}  # fmt: skip


def rules(case: Case) -> Occasion:
    """Return the occasion by whose rules differences are judged.

    Where the boot ids are known they decide: a guest that booted anew was built anew, whatever else
    happened; one that did not, though its QEMU was started (a restored image), must find everything
    as it was.
    """
    booted = same_boot(case)
    if case.occasion is Occasion.UPGRADE or booted is None:
        return case.occasion
    if not booted:
        return Occasion.RESTART
    return Occasion.ARRIVAL if case.occasion is Occasion.RESTART else case.occasion


def same_boot(case: Case) -> bool | None:
    """Tell whether the guest runs since before the baseline; None: a boot id is missing."""
    if isinstance(case.baseline, Missing) or isinstance(case.observation, Missing):
        return None
    before, now = case.baseline.observation.boot_id, case.observation.boot_id
    return None if before is None or now is None else before == now


def same_kernel(case: Case) -> bool:
    """Tell whether one kernel reports both times; what it prints depends on it."""
    if isinstance(case.baseline, Missing) or isinstance(case.observation, Missing):
        return False
    then, now = case.baseline.observation, case.observation
    return (then.kernel, then.architecture) == (now.kernel, now.architecture)


def before(check: str, case: Case) -> Baseline | Finding:
    """Return the baseline, or the finding where there is nothing to hold against anything."""
    if case.declared.active is None:
        return not_running(check)
    baseline = case.baseline
    if isinstance(baseline, Missing):
        absent = baseline.reason is Reason.ABSENT
        return Finding(
            check=check,
            outcome=Outcome.SKIP if absent else Outcome.UNKNOWN,
            sentence=baseline.sentence,
            remedy=_accept(case) if absent else baseline.remedy or _accept(case),
        )
    return baseline


def sides(check: str, case: Case) -> tuple[Observation, Observation] | Finding:
    """Return what the guest agent said then and now, or the finding where one is missing."""
    baseline = before(check, case)
    if isinstance(baseline, Finding):
        return baseline
    then, now = baseline.observation, case.observation
    # Where no agent was asked, all groups have that reason.
    unasked = then.hardware.clock
    if isinstance(unasked, Missing) and unasked.reason is Reason.NOT_ENROLLED:
        return Finding(
            check=check,
            outcome=Outcome.SKIP,
            sentence="the baseline was taken without a guest agent",
            remedy=_accept(case) if isinstance(now, Observation) else None,
        )
    if isinstance(now, Missing):
        return unknown(check, now)
    return then, now


def groups(
    check: str, case: Case, what: str, of: "Callable[[Hardware], _T | Missing]"
) -> tuple[_T, _T] | Finding:
    """Return one group of hardware then and now, or the finding; ``what`` names it for people."""
    both = sides(check, case)
    if isinstance(both, Finding):
        return both
    then, now = (of(side.hardware) for side in both)
    if isinstance(then, Missing) or isinstance(now, Missing):
        return lacking(check, case, what, then, now)
    return then, now


def lacking(
    check: str, case: Case, what: str, then: object | Missing, now: object | Missing
) -> Finding:
    """Say which side lacks ``what``, and why; skipped where the guest has no such thing at all."""
    if isinstance(now, Missing):
        if isinstance(then, Missing) and then.reason is now.reason is Reason.ABSENT:
            return Finding(check=check, outcome=Outcome.SKIP, sentence=now.sentence)
        # Where nobody answered at all, it is the same sentence for all that it answers.
        whole = isinstance(case.observation, Missing)
        words = "" if whole else f"the guest does not give its {what}: "
        return Finding(
            check=check,
            outcome=Outcome.UNKNOWN,
            sentence=f"{words}{now.sentence}",
            remedy=now.remedy,
        )
    why = f": {then.sentence}" if isinstance(then, Missing) else ""
    return Finding(
        check=check,
        outcome=Outcome.UNKNOWN,
        sentence=f"the baseline does not hold the guest's {what}{why}",
        remedy=_accept(case),
    )


def judged(
    check: str, case: Case, changes: Sequence[Change], same: str, advice: str | None = None
) -> Finding:
    """Return the finding for what changed; ``same`` is the sentence where nothing did.

    ``advice`` is the remedy where what changed is allowed.
    """
    if not changes:
        return Finding(check=check, outcome=Outcome.PASS, sentence=same)
    occasion = rules(case)
    outcomes = dict(zip(Kind, _OUTCOMES[occasion], strict=True))
    # What weighs most is said first, and is not what "and 3 more" hides.
    ordered = sorted(changes, key=lambda change: outcomes[change.kind] is not Outcome.FAIL)
    outcome = outcomes[ordered[0].kind]
    sentence = said([change.sentence for change in ordered])
    if occasion is Occasion.AUDIT:
        how = " (hot-plug?)" if any(one.kind is Kind.PLUGGED for one in changes) else ""
        how = ", which can't be within one boot" if outcome is Outcome.FAIL else how
        sentence = f"since the baseline: {sentence}{how}"
    return Finding(
        check=check,
        outcome=outcome,
        sentence=sentence,
        expected=said([change.old for change in ordered]),
        observed=said([change.new for change in ordered]),
        remedy=advice if advice and outcome is Outcome.WARN else _remedy(case, outcome),
    )


def said(parts: Sequence[str]) -> str:
    """Return parts in words, not more than people read."""
    shown = "; ".join(shortened(part, _LONGEST) for part in parts[:_MOST])
    return shown + (f"; and {len(parts) - _MOST} more" if parts[_MOST:] else "")


def _remedy(case: Case, outcome: Outcome) -> str:
    definition = case.declared.definition
    name = argument(definition.name, definition.uuid)
    if outcome is Outcome.FAIL:
        return f"compare with virsh dumpxml {name}; where the change is wanted, {_accept(case)}"
    return f"{_accept(case)}, where the change is wanted"


def _accept(case: Case) -> str:
    definition = case.declared.definition
    return f"samemachine baseline {argument(definition.name, definition.uuid)}"
