"""The job ``audit``: a whole host, or some of its domains: evidence, checks, verdicts."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from uuid import UUID

from host_agent import booted_memory, capabilities, packages, qemu_process, verdict
from host_agent.dialling import Dialler, undialled
from host_agent.domain_probe import DomainProbe
from host_agent.domain_xml import DomainXmlError, parse
from host_agent.errors import LibvirtError, UsageError
from host_agent.expectation import by_rule, with_probe
from host_agent.hypervisor import Domain, Facts, Hypervisor, is_local
from host_agent.model import (
    Audited,
    Case,
    Declared,
    Expectation,
    Failed,
    Host,
    HostAudit,
    Missing,
    Observation,
    ProbedTables,
    Reason,
    Running,
    Smbios,
)
from host_agent.opened_channels import OpenedChannels

_QEMU = "QEMU"
_NOT_RUNNING = Missing(reason=Reason.NOT_RUNNING, sentence="the domain is not running")
_NOT_ASKED_FOR = Missing(reason=Reason.ABSENT, sentence="probes were switched off (--no-probe)")
_MONITOR_SECONDS = 3.0
_BINARIES = "/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/bin/kvm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an audit is done."""

    names: Sequence[str] = ()
    """Names or UUIDs of the domains; none: all of them."""
    seconds: float = 10.0
    """What one domain may take until its guest agent has answered."""
    at_once: int = 8
    """How many domains are asked at the same time."""
    probe: bool = True
    """Whether QEMU itself is asked what it builds for each domain."""
    opened: OpenedChannels = field(default_factory=OpenedChannels)


Progress = Callable[[int, int], None]
"""Told how many domains of how many are done."""


def audit(uri: str, options: Options, progress: Progress = lambda *_: None) -> HostAudit:
    """Audit one host; whatever is wrong with one domain is that domain's own result.

    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` where it has no domain
    of a name that was asked for.
    """
    started, clock = time.time(), time.monotonic()
    hypervisor = Hypervisor.open(uri)
    try:
        hypervisor.keep_alive()
        facts = hypervisor.facts()
        domains = _chosen(hypervisor.domains(), options.names, uri)
        context = _Context(
            hypervisor=hypervisor,
            probe=DomainProbe(len(os.sched_getaffinity(0))) if options.probe else None,
            dialler=Dialler(uri=uri, local=is_local(uri), opened=options.opened),
            driver=facts.driver,
            processes=qemu_process.running() if is_local(uri) else None,
            aliases=capabilities.aliases(facts.capabilities),
            seconds=options.seconds,
        )
        results: dict[UUID, Audited | Failed] = {}
        with ThreadPoolExecutor(max_workers=max(1, options.at_once)) as pool:
            futures = {pool.submit(_audit_one, domain, context): domain for domain in domains}
            progress(0, len(futures))
            for future in as_completed(futures):
                results[futures[future].uuid] = future.result()
                progress(len(results), len(futures))
        return HostAudit(
            host=_host(uri, facts, results.values()),
            results=tuple(results[domain.uuid] for domain in domains),
            seconds=time.monotonic() - clock,
            started=started,
        )
    finally:
        hypervisor.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    hypervisor: Hypervisor
    probe: DomainProbe | None
    """None: it was not asked for."""
    dialler: Dialler
    driver: str
    processes: Mapping[UUID, Running] | None
    """None: the host's processes can't be seen from here."""
    aliases: capabilities.Aliases
    seconds: float


def _chosen(domains: list[Domain], names: Sequence[str], uri: str) -> list[Domain]:
    if not names:
        return domains
    chosen: list[Domain] = []
    for name in names:
        found = [domain for domain in domains if name in {domain.name, str(domain.uuid)}]
        if not found:
            there = ", ".join(domain.name for domain in domains[:10]) or "none"
            more = f" and {len(domains) - 10} more" if len(domains) > 10 else ""
            raise UsageError(f"{uri} has no domain {name!r}; there are: {there}{more}")
        chosen.extend(domain for domain in found if domain not in chosen)
    return chosen


def _audit_one(domain: Domain, context: _Context) -> Audited | Failed:
    try:
        declared = _declared(domain)
        case = _gather(domain, declared, context)
        return Audited(case=case, verdict=verdict.judge(case))
    except (LibvirtError, DomainXmlError) as error:
        return Failed(name=domain.name, uuid=str(domain.uuid), error=str(error))


def _declared(domain: Domain) -> Declared:
    active = parse(domain.xml(inactive=False)) if domain.is_active() else None
    persistent = parse(domain.xml(inactive=True)) if domain.is_persistent() else None
    if active is None and persistent is None:
        raise LibvirtError("the domain stopped while it was looked at")
    return Declared(
        active=active, persistent=persistent, state=domain.state(), domain_id=domain.id()
    )


def _gather(domain: Domain, declared: Declared, context: _Context) -> Case:
    definition = declared.definition
    aliases = context.aliases.get((definition.architecture, definition.emulator or ""), {})
    expected = by_rule(definition, aliases)
    if context.driver != _QEMU:
        nothing = Missing(
            reason=Reason.UNSUPPORTED,
            sentence=f"libvirt's {context.driver} driver runs no QEMU: nothing can be asked",
        )
        return Case(
            declared=declared, expected=expected, running=nothing, memory=nothing,
            observation=undialled(declared, nothing) or nothing, now=nothing,
            next_start=nothing, aliases=aliases,
        )  # fmt: skip
    running = _running(declared, context)
    stopped = isinstance(running, Running) and running.stopped
    memory: Smbios | Missing
    if declared.active is None:
        memory = _NOT_RUNNING
    elif stopped:
        memory = Missing(reason=Reason.HUNG, sentence="the QEMU process is stopped by a signal")
    else:
        # Before the channel is dialled: a QEMU that does not answer its monitor does not accept
        # connections either, and one opening more through libvirt could freeze libvirtd.
        memory = booted_memory.read(
            domain, declared.active, min(_MONITOR_SECONDS, context.seconds / 2)
        )
    if definition.channel and isinstance(memory, Missing) and memory.reason is Reason.HUNG:
        observation: Observation | Missing = undialled(declared, running) or memory
    else:
        observation = context.dialler.observe(domain, declared, running, context.seconds)
    now = _now(declared, running, context)
    if isinstance(expected, Expectation) and isinstance(now, ProbedTables) and now.smbios:
        expected = with_probe(expected, now.smbios.named)
    return Case(
        declared=declared,
        expected=expected,
        running=running,
        memory=memory,
        observation=observation,
        now=now,
        next_start=_next_start(domain, declared, context),
        aliases=aliases,
    )


def _now(
    declared: Declared, running: Running | Missing, context: _Context
) -> ProbedTables | Missing:
    if isinstance(running, Missing) or declared.active is None:
        return running if isinstance(running, Missing) else _NOT_RUNNING
    return context.probe.now(running, declared.active) if context.probe else _NOT_ASKED_FOR


def _next_start(domain: Domain, declared: Declared, context: _Context) -> ProbedTables | Missing:
    if declared.active is None:
        return _NOT_RUNNING
    if declared.persistent is None:
        return Missing(reason=Reason.ABSENT, sentence="the domain is transient")
    if context.processes is None:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence="a QEMU can be asked only on its own host",
            remedy="run samemachine there",
        )
    if context.probe is None:
        return _NOT_ASKED_FOR
    return context.probe.next_start(
        context.hypervisor, declared.persistent, domain.xml(inactive=True)
    )


def _running(declared: Declared, context: _Context) -> Running | Missing:
    if declared.active is None:
        return _NOT_RUNNING
    if context.processes is None:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence="the QEMU process can be seen only on its own host",
            remedy="run samemachine there",
        )
    return context.processes.get(declared.active.uuid) or Missing(
        reason=Reason.ABSENT, sentence="this host shows no QEMU process with the domain's UUID"
    )


def _host(uri: str, facts: Facts, results: Iterable[Audited | Failed]) -> Host:
    emulators = [
        result.case.declared.definition.emulator
        for result in results
        if isinstance(result, Audited) and result.case.declared.definition.emulator
    ]
    # The binary that most of the domains use is the host's.
    common = max(set(emulators), key=emulators.count, default=None)
    local = is_local(uri)
    package = None
    if local and facts.driver == _QEMU:
        candidates = (common, *_BINARIES) if common else _BINARIES
        package = next(filter(None, map(packages.package_of, candidates)), None)
    return Host(
        uri=uri,
        name=facts.name,
        distribution=packages.distribution_name() if local else None,
        driver=facts.driver,
        libvirt=facts.libvirt,
        hypervisor=facts.hypervisor,
        package=package,
    )
