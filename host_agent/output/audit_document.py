"""Audits as JSON for programs: one document, or a line a domain."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.difference import Prediction
from host_agent.output.shared.counting import counts
from host_agent.output.shared.document import document, one_line
from host_agent.output.shared.forms import SCHEMA, domain_form


def render(audits: Sequence[HostAudit], unreachable: Sequence[str], exit_code: int) -> str:
    """Return the document, ending with a newline."""
    form = {
        "schema": SCHEMA,
        "exit_code": exit_code,
        "unreachable": list(unreachable),
        "hosts": [_host_with_domains(audit) for audit in audits],
    }
    return document("audit", form)


def render_line(
    uri: str, host: str, result: Audited | Failed, predictions: Sequence[Prediction]
) -> str:
    """Return the line of one domain in a stream."""
    form = {
        "schema": SCHEMA,
        "kind": "domain",
        "host": {"uri": uri, "name": host},
        "domain": domain_form(result, predictions),
    }
    return one_line("audit-line", form)


def render_end(audits: Sequence[HostAudit], unreachable: Sequence[str], exit_code: int) -> str:
    """Return the last line of a stream: of whoever gets it, nothing is missing before it."""
    form = {
        "schema": SCHEMA,
        "kind": "end",
        "exit_code": exit_code,
        "unreachable": list(unreachable),
        "hosts": [_host(audit) for audit in audits],
    }
    return one_line("audit-line", form)


def _host_with_domains(audit: HostAudit) -> dict[str, Any]:
    domains = [domain_form(result, audit.predictions) for result in audit.results]
    return {**_host(audit), "domains": domains}


def _host(audit: HostAudit) -> dict[str, Any]:
    host = audit.host
    return {
        "uri": host.uri,
        "name": host.name,
        "distribution": host.distribution,
        "driver": host.driver,
        "hypervisor": host.hypervisor,
        "package": host.package,
        "libvirt": host.libvirt,
        "started": datetime.fromtimestamp(audit.started, UTC).isoformat(timespec="seconds"),
        "seconds": round(audit.seconds, 3),
        "counts": dict(counts(audit.results)),
    }
