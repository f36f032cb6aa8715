"""A domain as a plan needs it, asked of its libvirt."""

from host_agent import domain_devices, snapshots
from host_agent.domain_xml import DomainXmlError, parse
from host_agent.errors import EvidenceError
from host_agent.hypervisor import Domain
from host_agent.missing import Missing, Reason
from host_agent.model import Definition
from host_agent.plan_facts import Subject
from host_agent.shared_storage import shared
from host_agent.snapshots import Snapshot

_SECONDS = 10.0


def collect(domain: Domain, *, local: bool) -> Subject:
    """Return what decides whether a domain can go elsewhere.

    ``local``: its host is this one, so that file systems can be looked at. Raises ``LibvirtError``,
    ``DomainXmlError``.
    """
    active = domain.xml(inactive=False) if domain.is_active() else None
    persistent = domain.xml(inactive=True) if domain.is_persistent() else None
    now, then = active or persistent, persistent or active
    if now is None or then is None:
        raise DomainXmlError("it is gone: it stopped while it was looked at")
    devices = domain_devices.parse(now)
    return Subject(
        active=None if active is None else parse(active),
        persistent=None if persistent is None else parse(persistent),
        state=domain.state()[0],
        devices=devices,
        start=domain_devices.parse(then),
        shared=shared(devices) if local else {},
        saved=_saved(domain) if active is None else None,
        snapshots=_snapshots(domain),
    )


def _saved(domain: Domain) -> Definition | Missing | None:
    try:
        xml = domain.saved_xml(_SECONDS)
        if xml == "":
            return Missing(
                reason=Reason.UNSUPPORTED, sentence="libvirt does not show what was saved"
            )
        return None if xml is None else parse(xml)
    except EvidenceError as error:
        return error.missing
    except DomainXmlError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))


def _snapshots(domain: Domain) -> tuple[Snapshot, ...] | Missing:
    try:
        return tuple(map(snapshots.parse, domain.snapshots_xml(_SECONDS)))
    except EvidenceError as error:
        return error.missing
    except DomainXmlError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))
