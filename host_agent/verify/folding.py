"""Results of a host → what is said once for many domains, and what remains of each. Pure.

A difference that two shipped atlases predict is *known*: counted, never listed. A warning is said
once a host, with the domains behind it. Only a mismatch always has lines of its own.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from host_agent.case.case import Case
from host_agent.case.results import Audited, Decision, Failed, Verdict
from host_agent.checks import next_boot, next_start
from host_agent.checks.shared.tables import said
from host_agent.difference import Difference, Effect, Prediction, in_one
from host_agent.finding import Finding, Outcome, Waived
from host_agent.firmware import effects
from host_agent.missing import SILENT, Missing
from host_agent.verify import predicted
from host_agent.verify.policy import depth_of, required

NO_ANSWER = "no answer"
"""Unverified because a guest that has our channel did not answer."""
FORECASTS = {next_boot.ID: "boot", next_start.ID: "start"}
_MOST_WAYS = 3
"""In how many ways a check's warnings are told apart; where there are more, they are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A warning of one check, with the domains that have it."""

    check: str
    sentence: str
    remedy: str | None
    """None: there is none, or each domain has its own."""
    domains: tuple[Audited, ...]
    ways: int = 1
    """In how many ways it is said; more than one: the sentence is the first domain's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The changes that two atlases predict."""

    when: str
    """``boot`` or ``start``: the next one brings them."""
    old: str
    new: str
    differences: tuple[Difference, ...]
    effects: tuple[Effect, ...]
    domains: tuple[Audited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiving:
    """Warnings of one check that somebody accepts for now, with the domains that have them."""

    check: str
    waived: Waived
    domains: tuple[Audited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A domain that is not verified, or several of which the same is to be said."""

    word: str
    results: tuple[Audited | Failed, ...]
    findings: tuple[Finding, ...]
    """Fails, and what is missing where nothing failed. Each sentence once, see ``also``."""
    also: tuple[tuple[str, ...], ...]
    """For each finding the other checks that say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What is said of a host."""

    problems: tuple[Problem, ...]
    shared: tuple[Shared, ...]
    known: tuple[Known, ...]
    waived: tuple[Waiving, ...] = ()


def fold(results: Sequence[Audited | Failed], predictions: Sequence[Prediction]) -> Folded:
    """Fold what domains share; problems keep the order of the results within their word."""
    audited = [result for result in results if isinstance(result, Audited)]
    known: list[tuple[Audited, str, Prediction, tuple[Difference, ...]]] = []
    warnings: list[tuple[Audited, Finding]] = []
    waived: dict[tuple[str, Waived], list[Audited]] = {}
    for result in audited:
        for finding in _without_repeats(result.verdict.findings):
            if finding.outcome is not Outcome.WARN:
                continue
            if finding.waived is not None:
                waived.setdefault((finding.check, finding.waived), []).append(result)
                continue
            prediction, expected = predicted.of(result.case, finding, predictions)
            if prediction is not None:
                known.append((result, FORECASTS[finding.check], prediction, expected))
            rest = _without(finding, expected)
            if rest is not None:
                warnings.append((result, rest))
    return Folded(
        problems=tuple(_problems(results)),
        shared=tuple(_shared(warnings)),
        known=tuple(_known(known)),
        waived=tuple(
            Waiving(check=check, waived=why, domains=tuple(same))
            for (check, why), same in waived.items()
        ),
    )


def word(result: Audited | Failed) -> str:
    """Return the word for a result that people read: ``no answer`` is told from ``unverified``."""
    if isinstance(result, Failed):
        return "failed"
    decision = result.verdict.decision
    if decision is None:
        return "not running"
    observation = result.case.observation
    if (
        decision is Decision.UNVERIFIED
        and isinstance(observation, Missing)
        and observation.reason in SILENT
    ):
        return NO_ANSWER
    return decision


def _without_repeats(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Leave out what the next start changes where the next boot already does."""
    boot = next((one.differences for one in findings if one.check == next_boot.ID), ())
    for finding in findings:
        rest = _without(finding, boot) if finding.check == next_start.ID else finding
        if rest is not None:
            yield rest


def _without(finding: Finding, known: Collection[Difference]) -> Finding | None:
    """Return what remains of a warning when what is known or said elsewhere is left out."""
    if not set(known) & set(finding.differences):
        return finding
    rest = tuple(one for one in finding.differences if one not in known)
    if not rest:
        return None
    return replace(finding, differences=rest, sentence=f"the guest will see {said(rest)}")


def _shared(warnings: Iterable[tuple[Audited, Finding]]) -> Iterator[Shared]:
    """Yield one line for each sentence, most domains first."""
    checks: dict[str, dict[str, list[tuple[Audited, Finding]]]] = defaultdict(dict)
    for result, finding in warnings:
        checks[finding.check].setdefault(finding.sentence, []).append((result, finding))
    lines: list[Shared] = []
    for sentences in checks.values():
        if len(sentences) > _MOST_WAYS:
            lines.append(_line([one for same in sentences.values() for one in same]))
        else:
            lines.extend(_line(same) for same in sentences.values())
    yield from sorted(lines, key=lambda line: -len(line.domains))


def _line(same: Sequence[tuple[Audited, Finding]]) -> Shared:
    first = same[0][1]
    return Shared(
        check=first.check,
        sentence=first.sentence,
        remedy=first.remedy if len({finding.remedy for _, finding in same}) == 1 else None,
        domains=tuple(result for result, _ in same),
        ways=len({finding.sentence for _, finding in same}),
    )


def _known(
    found: Iterable[tuple[Audited, str, Prediction, tuple[Difference, ...]]],
) -> Iterator[Known]:
    lines: dict[tuple[str, str, str], dict[Difference, list[Audited]]] = defaultdict(dict)
    for result, when, prediction, differences in found:
        for difference in differences:
            lines[when, prediction.old, prediction.new].setdefault(in_one(difference), []).append(
                result
            )
    for (when, old, new), told in lines.items():
        touched = {effects.of(difference).effect for difference in told}
        yield Known(
            when=when,
            old=old,
            new=new,
            differences=tuple(told),
            effects=tuple(effect for effect in Effect if effect in touched),
            domains=tuple(
                {id(result): result for results in told.values() for result in results}.values()
            ),
        )


_ORDER = (Decision.MISMATCH, "failed", NO_ANSWER, Decision.UNVERIFIED)


def _problems(results: Sequence[Audited | Failed]) -> Iterator[Problem]:
    told: dict[object, list[Audited | Failed]] = {}
    for result in results:
        if word(result) in _ORDER:
            told.setdefault(_key(result), []).append(result)
    for same in sorted(told.values(), key=lambda same: _ORDER.index(word(same[0]))):
        findings, also = _findings(same[0])
        if len({_remedies(result) for result in same}) > 1:
            findings = tuple(replace(finding, remedy=None) for finding in findings)
        yield Problem(word=word(same[0]), results=tuple(same), findings=findings, also=also)


def _key(result: Audited | Failed) -> object:
    """Results with the same key are one problem; each mismatch is one of its own."""
    if isinstance(result, Failed):
        return "failed", result.error
    if result.verdict.decision is Decision.MISMATCH:
        return id(result)
    findings, also = _findings(result)
    return word(result), result.verdict.depth, tuple(one.sentence for one in findings), also


def _remedies(result: Audited | Failed) -> tuple[str | None, ...]:
    return tuple(finding.remedy for finding in _findings(result)[0])


def _findings(
    result: Audited | Failed,
) -> tuple[tuple[Finding, ...], tuple[tuple[str, ...], ...]]:
    """Return what failed, else what is missing and required, each sentence once."""
    if isinstance(result, Failed):
        return (), ()
    told: dict[str, list[Finding]] = {}
    for finding in reasons(result.case, result.verdict):
        told.setdefault(finding.sentence, []).append(finding)
    return (
        tuple(same[0] for same in told.values()),
        tuple(tuple(finding.check for finding in same[1:]) for same in told.values()),
    )


def reasons(case: Case, verdict: Verdict) -> list[Finding]:
    """Return what failed, else what is missing and required; where that is nothing, all that is."""
    if verdict.decision is Decision.MISMATCH:
        return [finding for finding in verdict.findings if finding.outcome is Outcome.FAIL]
    unknown = [finding for finding in verdict.findings if finding.outcome is Outcome.UNKNOWN]
    wanted = required(case, depth_of(case)) or frozenset()
    return [finding for finding in unknown if finding.check in wanted] or unknown
