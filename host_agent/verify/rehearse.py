"""The job ``rehearse``: a domain's whole machine, as its guest has it and as it will be."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from host_agent.case import rehearsing
from host_agent.case.case import Case
from host_agent.case.gather import Gatherer
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.evidence.hardware import NetworkInterface
from host_agent.evidence.measured import Measured
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Hypervisor, connected, is_local
from host_agent.hypervisor.connection import QEMU
from host_agent.hypervisor.selection import chosen
from host_agent.missing import NOT_RUNNING, Missing, Reason
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.domain_rehearsal import DomainRehearsal
from host_agent.qemu.domain_tpm import DomainTpm
from host_agent.verify.rehearsal import Rehearsal, changes, nics, noticed

_ELSEWHERE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="a QEMU can be rehearsed only on its own host",
    remedy="run samemachine there",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a domain is rehearsed."""

    seconds: float
    """What its guest may take to answer."""
    rehearsal_seconds: float
    """What one rehearsal may take."""
    qemu: str | None = None
    """Path of another binary that it will start with; None: the one of its definition."""
    root: Path | None = None
    """The root folder of the system that has it; None: this one's."""
    edit: Callable[[str], str] | None = None
    """A change of the definition before that start; None: it starts as it is defined."""
    baseline: bool = False
    """Whether that start is held against the machine of the baseline, and not of what runs."""
    read_esp: bool = False
    """Whether its loader is rehearsed for its TPM, from a copy of its EFI system partition."""


def rehearse(uri: str, name: str, options: Options) -> Rehearsal:
    """Rehearse one domain; what lacks is said where it lacks.

    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` where it has no such
    domain.
    """
    with connected(uri) as hypervisor:
        (domain,) = chosen(hypervisor.domains(), [name], uri)
        gatherer = Gatherer.on(
            hypervisor, uri, seconds=options.seconds, probe=False, opened=OpenedChannels()
        )
        case = gatherer.case(domain)
        definition = case.declared.definition
        none = _ELSEWHERE
        if gatherer.facts.driver != QEMU:
            driver = gatherer.facts.driver
            none = Missing(
                reason=Reason.UNSUPPORTED,
                sentence=f"libvirt's {driver} driver runs no QEMU: nothing can be rehearsed",
            )
        if none is not _ELSEWHERE or not is_local(uri):
            return Rehearsal(
                name=definition.name,
                uuid=str(definition.uuid),
                now=none,
                guest=none,
                start=none,
                changes=none,
            )
        rehearsal = DomainRehearsal(seconds=options.rehearsal_seconds)
        now, guest = _now(rehearsal, hypervisor, domain, case)
        start = _start(rehearsal, hypervisor, domain, case, options)
        before = now
        if isinstance(now, Missing) and now is NOT_RUNNING:
            # What does not run is held against how it would start unchanged.
            plain = replace(options, qemu=None, root=None, edit=None)
            before = _start(rehearsal, hypervisor, domain, case, plain)
        baseline = _of_baseline(rehearsal, hypervisor, domain, case) if options.baseline else None
        before = baseline or before
        different = changes(before, start)
        return Rehearsal(
            name=definition.name,
            uuid=str(definition.uuid),
            now=now,
            guest=guest,
            start=start,
            changes=different,
            baseline=baseline,
            nics=nics(before, start, _network(case)),
            notices=noticed(before, start, different),
            measured=_measured(hypervisor, domain, case, options),
        )


def _now(
    rehearsal: DomainRehearsal, hypervisor: Hypervisor, domain: Domain, case: Case
) -> tuple[Rehearsed | Missing, Compared | Missing]:
    """Return the machine that runs, and its guest held against it."""
    running, active = case.running, case.declared.active
    if active is None:
        return NOT_RUNNING, NOT_RUNNING
    if isinstance(running, Missing):
        return running, running
    return rehearsing.machine_and_guest(
        domain,
        case,
        rehearsal.now(running, active),
        lambda: rehearsal.plugged(hypervisor, running, active, domain.xml(inactive=False)),
    )


def _start(
    rehearsal: DomainRehearsal,
    hypervisor: Hypervisor,
    domain: Domain,
    case: Case,
    options: Options,
) -> Rehearsed | Missing:
    persistent = case.declared.persistent
    if persistent is None:
        return Missing(reason=Reason.ABSENT, sentence="the domain is transient")
    try:
        xml = domain.xml(inactive=True)
        binary = _binary(persistent, options)
    except EvidenceError as error:
        return error.missing
    return rehearsal.of_xml(hypervisor, persistent, (options.edit or str)(xml), binary)


def _of_baseline(
    rehearsal: DomainRehearsal, hypervisor: Hypervisor, domain: Domain, case: Case
) -> Rehearsed | Missing:
    persistent = case.declared.persistent
    if isinstance(case.baseline, Missing):
        return case.baseline
    definition = persistent or case.declared.definition
    try:
        xml = domain.xml(inactive=persistent is not None)
    except EvidenceError as error:
        return error.missing
    return rehearsal.of_baseline(hypervisor, definition, xml, case.baseline)


def _measured(
    hypervisor: Hypervisor, domain: Domain, case: Case, options: Options
) -> Measured | Missing | None:
    """Return what becomes of the TPM's registers; None: it has none, or does not run."""
    running, active, seen = case.running, case.declared.active, case.observation
    if active is None or active.tpm is None:
        return None
    guest = seen if isinstance(seen, Missing) else seen.hardware.tpm
    if isinstance(running, Missing):
        return running
    if isinstance(guest, Missing):
        return guest
    try:
        xml, persistent = domain.xml(inactive=False), None
        if case.declared.persistent is not None:
            persistent = (options.edit or str)(domain.xml(inactive=True))
        binary = _binary(active, options)
    except EvidenceError as error:
        return error.missing
    tpm = DomainTpm(
        domain, running, active, guest, options.rehearsal_seconds, read_esp=options.read_esp
    )
    return tpm.forecast(hypervisor, xml, persistent, binary)


def _binary(definition: Definition, options: Options) -> QemuBinary | None:
    """Return the QEMU of the next start; None: that of the definition."""
    if options.qemu is None and options.root is None:
        return None
    return qemu_binary.installed(options.qemu or definition.emulator or "", options.root)


def _network(case: Case) -> tuple[NetworkInterface, ...] | Missing:
    seen = case.observation
    return seen if isinstance(seen, Missing) else seen.hardware.network
