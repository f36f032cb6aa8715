"""Audits as one page that needs no other: it loads nothing, runs nothing, and can be mailed."""

from collections.abc import Iterator, Sequence
from typing import Any

from host_agent.case.results import Audited, HostAudit
from host_agent.evidence.baseline import Baseline
from host_agent.output.shared import page_parts, pages, recorded
from host_agent.output.shared.names import Names
from host_agent.records.audited import told_apart
from host_agent.verify import folding

_TEMPLATE = "audit.html.j2"


def render(audits: Sequence[HostAudit], unreachable: Sequence[str], code: int) -> str:
    """Return the page."""
    hosts = told_apart([recorded.of(audit) for audit in audits])
    return pages.render(
        _TEMPLATE,
        title="Same Machine: " + (", ".join(host.name for host in hosts) or "no host"),
        code=code,
        unreachable=list(unreachable),
        glance=page_parts.glance(hosts),
        hosts=[
            page_parts.host(host, number, dict(_timelines(audit))) | _shared(audit)
            for number, (audit, host) in enumerate(zip(audits, hosts, strict=True))
        ],
    )


def _shared(audit: HostAudit) -> dict[str, Any]:
    """Return what is said once for several domains."""
    names = Names(audit.results)
    folded = folding.fold(audit.results, audit.predictions)
    return {
        "warnings": [
            {
                "number": len(one.domains),
                "check": one.check,
                "sentence": one.sentence
                if one.ways == 1
                else f"in {one.ways} ways; {names.of(one.domains[0])}: {one.sentence}",
                "who": names.some(one.domains),
                "remedy": one.remedy or f"samemachine show {names.of(one.domains[0])}",
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
        "waived": [
            {
                "number": len(one.domains),
                "check": one.check,
                "sentence": one.waived.reason,
                "who": names.some(one.domains),
                "remedy": f"accepted until {one.waived.until}",
            }
            for one in folded.waived
        ],
    }


def _timelines(audit: HostAudit) -> Iterator[tuple[str, list[page_parts.Part]]]:
    """Yield of each UUID what its baseline says of where it was."""
    for result in audit.results:
        if isinstance(result, Audited) and isinstance(result.case.baseline, Baseline):
            yield (
                str(result.case.declared.definition.uuid),
                [
                    page_parts.event(one.time, one.host, one.qemu, one.occasion, one.verdict)
                    for one in result.case.baseline.trail
                ],
            )
