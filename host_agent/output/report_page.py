"""A report as one page that needs no other: a fleet at a glance, where it stands, and since when.

It loads nothing, runs nothing, and can be mailed. Made of what was told of hosts, not of evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from host_agent.finding import Finding, Outcome
from host_agent.machine_types.releases import Release
from host_agent.machine_types.vendors import Vendor
from host_agent.output import path as path_output
from host_agent.output.shared import page_parts, pages, two_hosts_picture
from host_agent.output.shared.names import MOST, some_of
from host_agent.printable import argument
from host_agent.records.audited import AuditedDomain, AuditedHost
from host_agent.records.entry import Entry
from host_agent.verify.fleet_support import FleetSupport, Standing
from host_agent.verify.two_hosts import HostsDiff

_TEMPLATE = "report.html.j2"
_MOST_EVENTS = 20
"""Entries of one domain's timeline; the newest are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of."""

    made: float
    """Seconds since 1970-01-01 UTC."""
    hosts: tuple[AuditedHost, ...]
    unreachable: tuple[str, ...]
    history: tuple[Entry, ...]
    """Oldest first, of any domain."""
    support: FleetSupport | None
    """None: the dates of releases are not known."""
    diff: HostsDiff | None
    """None: there are no two hosts."""
    notes: tuple[str, ...] = ()
    """What is missing, in sentences."""


def render(report: Report) -> str:
    """Return the page."""
    timelines = _timelines(report.history)
    number = len(report.hosts)
    named = report.hosts[0].name if number == 1 else f"{number} hosts"
    return pages.render(
        _TEMPLATE,
        title=f"Same Machine: {named}",
        made=page_parts.moment(report.made),
        unreachable=list(report.unreachable),
        notes=list(report.notes),
        glance=page_parts.glance(report.hosts),
        hosts=[
            page_parts.host(host, at, timelines) | _shared(host)
            for at, host in enumerate(report.hosts)
        ],
        support=None if report.support is None else _support(report.support),
        picture=None if report.diff is None else two_hosts_picture.of(report.diff),
    )


def _timelines(history: Sequence[Entry]) -> Mapping[str, list[page_parts.Part]]:
    found: dict[str, list[Entry]] = {}
    for entry in history:
        found.setdefault(entry.uuid, []).append(entry)
    return {uuid: [*map(_event, same[-_MOST_EVENTS:])] for uuid, same in found.items()}


def _event(entry: Entry) -> page_parts.Part:
    problem = entry.problem
    return page_parts.event(
        entry.time,
        entry.host,
        entry.qemu,
        entry.occasion,
        entry.verdict,
        f"{problem.check}: {problem.sentence}" if problem else "",
    )


def _shared(host: AuditedHost) -> dict[str, Any]:
    """Return each warning once, with the domains that have it: the most first."""
    warned: dict[tuple[str, str], list[tuple[AuditedDomain, Finding]]] = {}
    waived: dict[tuple[str, str, str], list[AuditedDomain]] = {}
    known: list[AuditedDomain] = []
    for domain in host.domains:
        for finding in domain.findings:
            if finding.outcome is not Outcome.WARN:
                continue
            if finding.waived is not None:
                key = finding.check, finding.waived.reason, str(finding.waived.until)
                waived.setdefault(key, []).append(domain)
            elif finding.differences and domain.known.issuperset(finding.differences):
                known.append(domain)
            else:
                warned.setdefault((finding.check, finding.sentence), []).append((domain, finding))
    return {
        "warnings": [
            {
                "number": len(same),
                "check": check,
                "sentence": sentence,
                "who": _names([domain for domain, _ in same]),
                "remedy": _remedy([finding for _, finding in same]),
            }
            for (check, sentence), same in sorted(warned.items(), key=lambda item: -len(item[1]))
        ],
        "waived": [
            {
                "number": len(same),
                "check": check,
                "sentence": reason,
                "who": _names(same),
                "remedy": f"accepted until {until}",
            }
            for (check, reason, until), same in waived.items()
        ],
        "known": [
            {
                "number": len({id(one) for one in known}),
                "told": "changes at the next boot or start, all of them as the atlases of two "
                "QEMU packages predict",
            }
        ]
        if known
        else [],
    }


def _names(domains: Sequence[AuditedDomain]) -> str:
    return some_of([argument(one.name, one.uuid) for one in domains[:MOST]], len(domains))


def _remedy(findings: Sequence[Finding]) -> str:
    told = {finding.remedy for finding in findings}
    return (findings[0].remedy or "") if len(told) == 1 else ""


def _support(support: FleetSupport) -> dict[str, Any]:
    return {
        "on": str(support.on),
        "elsewhere": list(support.elsewhere),
        "legend": [
            line for one in support.standings[:1] for line in path_output.legend(one.matrix)
        ],
        "matrices": [_matrix(one) for one in support.standings],
        "types": [
            {
                "name": one.name,
                "vendor": "-" if one.vendor is Vendor.OPAQUE else one.vendor,
                "base": one.base or "-",
                "removed": one.removed or "-",
                "ends": str(one.support_ends or "-"),
                "ended": one.support_ends is not None and one.support_ends < support.on,
                "domains": one.domains,
                "hosts": some_of(list(one.hosts[:MOST]), len(one.hosts)),
            }
            for one in support.types
        ],
    }


def _matrix(standing: Standing) -> dict[str, Any]:
    matrix = standing.matrix
    there = [bool(standing.hosts[one]) for one in matrix.releases]
    return {
        "title": path_output.title(matrix),
        "columns": [
            {"name": release.codename, "here": here}
            for release, here in zip(matrix.releases, there, strict=True)
        ],
        "rows": [
            {
                "name": str(release),
                "here": here,
                "fleet": _numbers(standing, release) if here else "",
                "cells": [cell._asdict() for cell in cells],
            }
            for release, here, cells in zip(
                matrix.releases, there, path_output.drawn(matrix), strict=True
            )
        ],
    }


def _numbers(standing: Standing, release: Release) -> str:
    hosts, domains = len(standing.hosts[release]), standing.domains[release]
    return f"{hosts} host{'' if hosts == 1 else 's'}, {domains} domain{'' if domains == 1 else 's'}"
