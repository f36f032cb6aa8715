"""Which forecast changes the shipped atlases predict. Pure."""

from collections.abc import Iterable, Iterator

from host_agent.case.case import Case
from host_agent.case.results import Audited, Failed
from host_agent.checks import next_boot, next_start
from host_agent.difference import Difference, Prediction, in_one, series
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.running import ProbedTables
from host_agent.finding import Finding


def of(
    case: Case, finding: Finding, predictions: Iterable[Prediction]
) -> tuple[Prediction | None, tuple[Difference, ...]]:
    """Return the prediction that fits a forecast best, and which differences it has.

    Under which QEMU the guest booted is written nowhere for sure (a baseline may be younger than
    the last move), so each QEMU before is tried; the one of the baseline is preferred.
    """
    new = _qemu_after(case, finding.check)
    if new is None or not finding.differences:
        return None, ()
    before = case.baseline.qemu if isinstance(case.baseline, Baseline) else None
    best: (
        tuple[tuple[int, bool, bool, tuple[int, ...]], Prediction, tuple[Difference, ...]] | None
    ) = None
    for prediction in predictions:
        if (
            prediction.architecture != case.declared.definition.architecture
            or prediction.machine != machine(case)
            or series(prediction.new) != series(new)
        ):
            continue
        predicted = set(map(in_one, prediction.differences))
        hits = tuple(one for one in finding.differences if in_one(one) in predicted)
        rank = (
            len(hits),
            before is not None and series(prediction.old) == series(before),
            prediction.new == new,
            series(prediction.old),
        )
        if hits and (best is None or rank > best[0]):
            best = rank, prediction, hits
    return (None, ()) if best is None else (best[1], best[2])


def machine(case: Case) -> str | None:
    """Return the machine type's own name that the domain runs as."""
    named = case.declared.definition.machine
    return case.aliases.get(named, named) if named else None


def wanted(results: Iterable[Audited | Failed]) -> Iterator[tuple[str, str, str]]:
    """Yield for which architecture, machine type and QEMU after a prediction is of use."""
    for result in results:
        if isinstance(result, Failed):
            continue
        for finding in result.verdict.findings:
            if not finding.differences:
                continue
            new, name = _qemu_after(result.case, finding.check), machine(result.case)
            if new is not None and name is not None:
                yield result.case.declared.definition.architecture, name, new


def _qemu_after(case: Case, check: str) -> str | None:
    if check == next_boot.ID:
        return case.qemu
    if check == next_start.ID and isinstance(case.next_start, ProbedTables):
        return case.next_start.qemu
    return None
