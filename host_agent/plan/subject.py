"""A domain as a plan needs it, asked of its libvirt."""

from collections.abc import Callable

from host_agent.case import last_boot
from host_agent.domain import devices as domain_devices
from host_agent.domain import snapshots
from host_agent.domain.definition import Definition, DomainXmlError, parse
from host_agent.domain.devices import Devices
from host_agent.domain.snapshots import Snapshot
from host_agent.errors import EvidenceError
from host_agent.evidence import baseline_choice
from host_agent.hypervisor import Domain
from host_agent.migrate.shared_storage import shared
from host_agent.missing import Missing, Reason
from host_agent.plan.facts import Subject
from host_agent.qemu.process import NONE, Processes

_SECONDS = 10.0


def collect(
    domain: Domain,
    *,
    local: bool,
    processes: Processes = NONE,
    installed: str | None = None,
    arguments: Callable[[str], tuple[str, ...] | Missing] | None = None,
) -> Subject:
    """Return what decides whether a domain can go elsewhere.

    ``local``: its host is this one, so that file systems can be looked at. ``processes``: its
    host's, where they can be seen; ``installed``: the version of its host's QEMU; ``arguments``:
    asks its libvirt with which command line it would start a domain of an XML. Raises
    ``LibvirtError``, ``DomainXmlError``.
    """
    active = domain.xml(inactive=False) if domain.is_active() else None
    persistent = domain.xml(inactive=True) if domain.is_persistent() else None
    now, then = active or persistent, persistent or active
    if now is None or then is None:
        raise DomainXmlError("it is gone: it stopped while it was looked at")
    devices, definition = domain_devices.parse(now), parse(now)
    state, reason = domain.state()
    saved, saved_devices = _saved(domain) if active is None else (None, None)
    kept = baseline_choice.choose(definition, lambda _: None)
    process = None
    if active is not None:
        process = processes.of(definition.name, definition.uuid, definition.guest_uuid)
        boot = last_boot.of(reason, process, kept, installed)
    else:
        # Its process is gone, and how that came to it is not known.
        boot = last_boot.of("", None, kept, installed)
    return Subject(
        active=None if active is None else definition,
        persistent=None if persistent is None else parse(persistent),
        state=state,
        devices=devices,
        start=domain_devices.parse(then),
        shared=shared(devices) if local else {},
        saved=saved,
        saved_devices=saved_devices,
        snapshots=_snapshots(domain),
        boot=boot,
        arguments=None if active is None or arguments is None else arguments(active),
        start_xml=persistent,
        xml=now,
        native=arguments,
        process=process,
    )


def _saved(domain: Domain) -> tuple[Definition | Missing | None, Devices | None]:
    try:
        xml = domain.saved_xml(_SECONDS)
        if xml is None:
            return None, None
        if xml == "":
            sentence = "libvirt does not show what was saved"
            return Missing(reason=Reason.UNSUPPORTED, sentence=sentence), None
        return parse(xml), domain_devices.parse(xml)
    except EvidenceError as error:
        return error.missing, None
    except DomainXmlError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error)), None


def _snapshots(domain: Domain) -> tuple[Snapshot, ...] | Missing:
    try:
        return tuple(map(snapshots.parse, domain.snapshots_xml(_SECONDS)))
    except EvidenceError as error:
        return error.missing
    except DomainXmlError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))
