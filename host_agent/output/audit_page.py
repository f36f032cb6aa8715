"""Audits as one page that needs no other: it loads nothing, runs nothing, and can be mailed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.difference import Prediction
from host_agent.evidence.baseline import Baseline
from host_agent.finding import Finding, Outcome
from host_agent.firmware import effects
from host_agent.output.shared import pages, views
from host_agent.output.shared.names import Names, libvirts, whose
from host_agent.times import day
from host_agent.verify import folding, predicted

_TEMPLATE = "audit.html.j2"
_WORDS = ("mismatch", "failed", folding.NO_ANSWER, "unverified", "verified", "not running")
"""Worst first."""
_WRONG = frozenset(_WORDS[:4])
_SHOWN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN, Outcome.PASS)


def render(audits: Sequence[HostAudit], unreachable: Sequence[str], code: int) -> str:
    """Return the page."""
    everything = [result for audit in audits for result in audit.results]
    return pages.render(
        _TEMPLATE,
        title="Same Machine: " + (", ".join(audit.host.name for audit in audits) or "no host"),
        code=code,
        unreachable=list(unreachable),
        words=[word for word in _WORDS if any(folding.word(one) == word for one in everything)],
        whole=_counted(everything),
        types=[
            {"name": name, **_counted(same)} for name, same in sorted(_by_type(everything).items())
        ],
        hosts=[_host(audit, number) for number, audit in enumerate(audits)],
    )


def _counted(results: Sequence[Audited | Failed]) -> dict[str, Any]:
    """Return how many there are of each word, and what part of all each is, in hundredths."""
    counts = Counter(map(folding.word, results))
    return {
        "counts": dict(counts),
        "number": len(results),
        "bar": [
            {"word": word, "css": _css(word), "part": round(100 * counts[word] / len(results), 2)}
            for word in _WORDS
            if counts[word]
        ],
        "told": ", ".join(f"{counts[word]} {word}" for word in _WORDS if counts[word])
        or "no domains",
    }


def _by_type(results: Iterable[Audited | Failed]) -> Mapping[str, list[Audited | Failed]]:
    found: dict[str, list[Audited | Failed]] = {}
    for one in results:
        named = None if isinstance(one, Failed) else one.case.declared.definition.machine
        found.setdefault(named or "not known", []).append(one)
    return found


def _css(word: str) -> str:
    return word.replace(" ", "-")


def _host(audit: HostAudit, number: int) -> dict[str, Any]:
    host, names = audit.host, Names(audit.results)
    folded = folding.fold(audit.results, audit.predictions)
    order = sorted(audit.results, key=lambda one: _WORDS.index(folding.word(one)))
    return {
        "id": f"host{number}",
        "name": host.name,
        "facts": " · ".join(
            part
            for part in (
                host.distribution,
                f"{host.driver} {host.hypervisor}" + (f" ({host.package})" if host.package else ""),
                f"libvirt {host.libvirt}",
                f"{audit.seconds:.1f} s",
            )
            if part
        ),
        "when": datetime.fromtimestamp(audit.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        **_counted(audit.results),
        "warnings": [
            {
                "number": len(one.domains),
                "check": one.check,
                "sentence": one.sentence,
                "who": names.some(one.domains),
                "remedy": one.remedy or "",
            }
            for one in folded.shared
        ],
        "known": [
            {
                "number": len(one.domains),
                "told": f"{len(one.differences)} changes at the next {one.when}, QEMU {one.old} to "
                f"{one.new}: {', '.join(one.effects)}",
            }
            for one in folded.known
        ],
        "domains": [
            _domain(one, f"host{number}-{at}", audit.predictions) for at, one in enumerate(order)
        ],
    }


def _domain(
    result: Audited | Failed, id_: str, predictions: Sequence[Prediction]
) -> dict[str, Any]:
    word = folding.word(result)
    shared = {"id": id_, "name": libvirts(result), "word": word, "css": _css(word)}
    if isinstance(result, Failed):
        lacking = dict.fromkeys(("owner", "state", "machine", "depth"), "")
        return {
            **shared,
            **lacking,
            "open": True,
            "uuid": result.uuid,
            "views": None,
            "error": result.error,
        }
    case, verdict = result.case, result.verdict
    definition = case.declared.definition
    return {
        **shared,
        "open": word in _WRONG,
        "uuid": str(definition.uuid),
        "owner": whose(definition),
        "state": case.declared.state,
        "machine": definition.machine or "no machine type",
        "depth": verdict.depth or "",
        "error": "",
        "views": [_row(row) for row in views.rows(case)],
        "findings": [
            {
                "check": one.check,
                "outcome": "waived" if one.waived else one.outcome,
                "sentence": one.sentence,
                "remedy": (one.remedy or "") if one.outcome is not Outcome.PASS else "",
            }
            for outcome in _SHOWN
            for one in verdict.findings
            if one.outcome is outcome
        ],
        "skipped": [one.check for one in verdict.findings if one.outcome is Outcome.SKIP],
        "forecast": [*_forecast(result, predictions)],
        "timeline": [*_timeline(result)],
    }


def _row(row: views.Row) -> dict[str, Any]:
    told = row.running, row.booted, row.serving, row.next_start
    return {
        "name": row.name,
        "declared": row.declared,
        "cells": [
            {
                "text": one,
                "differs": row.declared != views.NOTHING
                and one not in {views.SAME, views.NOTHING, views.UNSPECIFIED},
            }
            for one in told
        ],
    }


def _forecast(result: Audited, predictions: Sequence[Prediction]) -> Iterator[dict[str, str]]:
    for finding in result.verdict.findings:
        if finding.check in folding.FORECASTS:
            yield from _changes(result, finding, predictions)


def _changes(
    result: Audited, finding: Finding, predictions: Sequence[Prediction]
) -> Iterator[dict[str, str]]:
    _, known = predicted.of(result.case, finding, predictions)
    for one in finding.differences:
        yield {
            "when": f"next {folding.FORECASTS[finding.check]}",
            "change": str(one),
            "effect": effects.of(one).effect,
            "known": "known" if one in known else "",
        }


def _timeline(result: Audited) -> Iterator[dict[str, str]]:
    kept = result.case.baseline
    for event in kept.trail if isinstance(kept, Baseline) else ():
        yield {
            "when": day(event.time),
            "host": event.host,
            "qemu": event.qemu or "-",
            "what": event.occasion,
            "verdict": event.verdict,
        }
