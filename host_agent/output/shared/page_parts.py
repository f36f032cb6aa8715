"""What the pages of an audit and of a report have in common, as their templates take it. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from host_agent.finding import Finding, Outcome
from host_agent.firmware import effects
from host_agent.output.shared import views
from host_agent.output.shared.names import owners_words
from host_agent.records.audited import AuditedDomain, AuditedHost
from host_agent.verify import folding

WORDS = ("mismatch", "failed", folding.NO_ANSWER, "unverified", "verified", "not running")
"""Worst first."""
WRONG = frozenset(WORDS[:4])
_UNKNOWN_TYPE = "not known"

Part = dict[str, Any]


def glance(hosts: Sequence[AuditedHost]) -> Part:
    """Return verdicts of all, by host and by machine type, and each domain that is not well."""
    everything = [domain for host in hosts for domain in host.domains]
    types: dict[str, list[AuditedDomain]] = {}
    for one in everything:
        types.setdefault(one.machine or _UNKNOWN_TYPE, []).append(one)
    return {
        "words": [word for word in WORDS if any(one.word == word for one in everything)],
        "whole": counted(everything),
        "by_host": [
            {"id": host_id(number), "name": host.name, **counted(host.domains)}
            for number, host in enumerate(hosts)
        ],
        "by_type": [
            {"id": "", "name": name, **counted(same)} for name, same in sorted(types.items())
        ],
        "wrong": [
            {
                "id": domain_id(number, at),
                "host": host.name,
                "name": one.name,
                "word": one.word,
                "css": css(one.word),
                "why": _why(one),
            }
            for number, host in enumerate(hosts)
            for at, one in enumerate(ordered(host.domains))
            if one.word in WRONG
        ],
    }


def _why(domain: AuditedDomain) -> str:
    """Return the first sentence of what failed, else of what is missing."""
    if domain.error:
        return domain.error
    for outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        for finding in domain.findings:
            if finding.outcome is outcome:
                return finding.sentence
    return ""


def counted(domains: Sequence[AuditedDomain]) -> Part:
    """Return how many there are of each word, and what part of all each is, in hundredths."""
    counts = Counter(one.word for one in domains)
    return {
        "counts": dict(counts),
        "number": len(domains),
        "bar": [
            {"word": word, "css": css(word), "part": round(100 * counts[word] / len(domains), 2)}
            for word in WORDS
            if counts[word]
        ],
        "told": ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
        or "no domains",
    }


def css(word: str) -> str:
    """Return the name of a word's class."""
    return word.replace(" ", "-")


def host_id(number: int) -> str:
    """Return what a link to a host leads to."""
    return f"host{number}"


def domain_id(number: int, at: int) -> str:
    """Return what a link to a host's domain leads to, by its place in order."""
    return f"{host_id(number)}-{at}"


def ordered(domains: Iterable[AuditedDomain]) -> list[AuditedDomain]:
    """Return domains with the worst first."""
    return sorted(domains, key=lambda one: WORDS.index(one.word))


def host(one: AuditedHost, number: int, timelines: Mapping[str, Sequence[Part]]) -> Part:
    """Return a host with its domains, worst first; timelines: of a UUID, see ``event``."""
    hypervisor = f"{one.driver} {one.hypervisor}" + (f" ({one.package})" if one.package else "")
    parts = (one.distribution, hypervisor, f"libvirt {one.libvirt}", f"{one.seconds:.1f} s")
    return {
        "id": host_id(number),
        "name": one.name,
        "facts": " · ".join(filter(None, parts)),
        "when": f"{moment(one.started)} UTC",
        **counted(one.domains),
        "domains": [
            _domain(domain, domain_id(number, at), timelines.get(domain.uuid, ()))
            for at, domain in enumerate(ordered(one.domains))
        ],
    }


def moment(time: datetime | float) -> str:
    """Return day and time in UTC: a page is read in any time zone."""
    if not isinstance(time, datetime):
        time = datetime.fromtimestamp(time, UTC)
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def event(
    time: float, where: str, qemu: str | None, what: str, verdict: str, why: str = ""
) -> Part:
    """Return one row of a timeline; time: in seconds since 1970-01-01 UTC."""
    return {
        "when": moment(time),
        "host": where,
        "qemu": qemu or "-",
        "what": what,
        "verdict": verdict,
        "css": css(verdict) if verdict in WORDS else "quiet",
        "why": why,
    }


def _domain(domain: AuditedDomain, id_: str, timeline: Sequence[Part]) -> Part:
    return {
        "id": id_,
        "name": domain.name,
        "word": domain.word,
        "css": css(domain.word),
        "open": domain.word in WRONG,
        "uuid": domain.uuid,
        "owner": owners_words(domain.owner) if domain.owner else "",
        "state": domain.state,
        "machine": "" if domain.error else domain.machine or "no machine type",
        "depth": domain.depth,
        "error": domain.error,
        "views": [_row(row) for row in views.rows(domain.views)] if domain.views else None,
        "findings": [*_findings(domain, Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)],
        "passed": [*_findings(domain, Outcome.PASS)],
        "skipped": [one.check for one in domain.findings if one.outcome is Outcome.SKIP],
        "forecast": [*_forecast(domain)],
        "timeline": list(timeline),
    }


def _findings(domain: AuditedDomain, *outcomes: Outcome) -> Iterator[Part]:
    for outcome in outcomes:
        yield from (_finding(one) for one in domain.findings if one.outcome is outcome)


def _finding(one: Finding) -> Part:
    remedy = one.remedy if one.outcome is not Outcome.PASS else None
    if one.waived is not None:
        remedy = f"accepted until {one.waived.until}: {one.waived.reason}"
    return {
        "check": one.check,
        "outcome": "waived" if one.waived else one.outcome,
        "sentence": one.sentence,
        "remedy": remedy or "",
    }


def _row(row: views.Row) -> Part:
    told = row.running, row.booted, row.serving, row.next_start
    return {
        "name": row.name,
        "declared": row.declared,
        "cells": [
            {"text": text, "differs": differs}
            for text, differs in zip(told, row.differs, strict=True)
        ],
    }


def _forecast(domain: AuditedDomain) -> Iterator[Part]:
    for finding in domain.findings:
        if finding.check in folding.FORECASTS:
            for one in finding.differences:
                yield {
                    "when": f"next {folding.FORECASTS[finding.check]}",
                    "change": str(one),
                    "effect": effects.of(one).effect,
                    "known": "known" if one in domain.known else "",
                }
