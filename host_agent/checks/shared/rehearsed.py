"""A forecast of what QEMU serves, with what a rehearsal says of the whole machine."""

from dataclasses import replace
from typing import TYPE_CHECKING

from host_agent.checks.shared.noticed import of_changes
from host_agent.checks.shared.tables import said
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few audits rehearse.
    from host_agent.evidence.rehearsal_diff import Compared


def with_rehearsal(finding: Finding, found: "Compared | Missing | None") -> Finding:
    """Return the finding with what else a rehearsal forecasts; None: it was not asked for.

    What is served is judged as it was: a rehearsal that can't be had takes nothing away from it.
    """
    if found is None:
        return finding
    if isinstance(found, Missing):
        return _with(finding, f"ACPI and PCI are not rehearsed, because {found.sentence}")
    left = f"not compared: {'; '.join(found.not_compared)}" if found.not_compared else ""
    differences = tuple(dict.fromkeys((*finding.differences, *found.differences)))
    if not differences:
        same = (
            f"rehearsed, the same: {found.same}"
            if found.same
            else "nothing of a rehearsal could be compared"
        )
        return _with(finding, same, left)
    served = (
        "" if finding.outcome is not Outcome.UNKNOWN else f"of what is served: {finding.sentence}"
    )
    answers = "; ".join(map(str, of_changes(differences)))
    told = replace(
        finding,
        outcome=Outcome.WARN,
        sentence=f"the guest will see {said(differences)}",
        expected="; ".join(f"{one.field} {one.old}" for one in differences),
        observed="; ".join(f"{one.field} {one.new}" for one in differences),
        differences=differences,
    )
    return _with(told, answers, served, left)


def _with(finding: Finding, *more: str) -> Finding:
    return replace(finding, sentence="; ".join((finding.sentence, *filter(None, more))))
