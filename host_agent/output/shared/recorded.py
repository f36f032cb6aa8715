"""An audited host in memory → what is told of it, as a file would have it. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from host_agent.case import views
from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.difference import Difference, Prediction
from host_agent.domain import owner
from host_agent.records.audited import AuditedDomain, AuditedHost
from host_agent.verify import folding, predicted


def of(audit: HostAudit) -> AuditedHost:
    """Return the host with its domains, in their order."""
    host = audit.host
    return AuditedHost(
        uri=host.uri,
        name=host.name,
        distribution=host.distribution,
        driver=host.driver,
        hypervisor=host.hypervisor,
        package=host.package,
        libvirt=host.libvirt,
        started=datetime.fromtimestamp(audit.started, UTC),
        seconds=audit.seconds,
        domains=tuple(of_result(one, audit.predictions) for one in audit.results),
    )


def of_result(result: Audited | Failed, predictions: Sequence[Prediction] = ()) -> AuditedDomain:
    """Return one domain."""
    word = folding.word(result)
    if isinstance(result, Failed):
        return AuditedDomain(name=result.name, uuid=result.uuid, word=word, error=result.error)
    case, verdict = result.case, result.verdict
    definition = case.declared.definition
    known: set[Difference] = set()
    for finding in verdict.findings:
        known.update(predicted.of(case, finding, predictions)[1])
    return AuditedDomain(
        name=definition.name,
        uuid=str(definition.uuid),
        word=word,
        owner=owner.of(definition),
        state=case.declared.state,
        depth=verdict.depth or "",
        machine=definition.machine,
        architecture=definition.architecture,
        views=views.of(case),
        findings=verdict.findings,
        known=frozenset(known),
    )
