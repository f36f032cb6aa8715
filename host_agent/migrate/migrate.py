"""The job ``migrate``: preflight, baseline, live migration, and verified on the destination."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from host_agent.atlas.atlas import Atlas
from host_agent.case import last_boot
from host_agent.case.results import Confirmed, Decision, Failed
from host_agent.case.telling import Telling
from host_agent.domain import devices as domain_devices
from host_agent.domain.definition import Definition, DomainXmlError, parse
from host_agent.domain.devices import Devices
from host_agent.domain.live_migration import CopyStorage, MigrationEnd, MigrationOptions
from host_agent.errors import EvidenceError, LibvirtError, UsageError
from host_agent.evidence import baseline_choice, recovery_keys
from host_agent.evidence.measured import Outlook
from host_agent.firmware import images
from host_agent.firmware.images import Image, Place
from host_agent.guard import said
from host_agent.hypervisor import Domain, Hypervisor, connected, is_local
from host_agent.hypervisor.migration import Told
from host_agent.hypervisor.migration import migrate as move_live
from host_agent.hypervisor.selection import chosen
from host_agent.machine_types import packages
from host_agent.migrate import preflight
from host_agent.migrate.destination import Destination, end_of
from host_agent.migrate.facts import End, MachineThere, Move, MoveReport, Under, numbers
from host_agent.migrate.forecast import Ask, forecast, once
from host_agent.migrate.rehearsal import Going, Rehearsals
from host_agent.migrate.shared_storage import shared
from host_agent.migrate.states import states
from host_agent.missing import Missing
from host_agent.printable import argument, quoted
from host_agent.qemu import process as qemu_process

_JOB_SECONDS = 5.0

Confirm = Callable[[str, UUID], Confirmed | Failed]
"""Takes a connection's URI and a domain; judges the domain there."""
Watch = Callable[[], AbstractContextManager[tuple[Told, threading.Event]]]
"""Is entered for the migration alone: who is told how far it is, and what cancels it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """How the guest is judged, and by whom: the job ``verify`` does it."""

    before: Confirm
    """Against the baseline that it has, on the source."""
    accept: Confirm
    """The same, and what it is now becomes the baseline."""
    after: Confirm
    """On the destination, with time for the guest to answer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a domain is moved."""

    name: str
    """libvirt's name, the owner's display name, or a UUID."""
    uri: str
    destination: str
    """The destination's URI."""
    dry_run: bool = False
    copy_storage: CopyStorage | None = None
    unsafe: bool = False
    bandwidth: int | None = None
    """MiB a second."""
    seconds: float | None = None
    xml: str | None = None
    """The XML that the destination is given."""
    atlas: Atlas | None = None
    """The destination's."""
    under: Under | None = None
    """The destination's QEMU, as it is rehearsed; None: it was not asked for."""
    probe: bool = True
    """Whether this host's QEMU is asked, where no atlas of the destination needs that already."""


def migrate(options: Options, judges: Judges, ask: Ask, watch: Watch) -> MoveReport:
    """Move one domain live; whatever the guest's verdict is, it is in the report.

    Raises ``LibvirtError`` where a host can't be reached, ``UsageError`` where there is nothing to
    move.
    """
    with connected(options.uri) as source, connected(options.destination) as destination:
        (domain,) = chosen(source.domains(), (options.name,), options.uri)
        move = _move(source, destination, domain, options, ask)
        return _carry_out(source, domain, destination, move, options, judges, watch)


def _carry_out(
    source: Hypervisor,
    domain: Domain,
    destination: Hypervisor,
    move: Move,
    options: Options,
    judges: Judges,
    watch: Watch,
) -> MoveReport:
    findings = preflight.run(move)
    now: Confirmed | Failed | None = None
    result = then = None
    go = not options.dry_run and not preflight.refused(findings)
    if go:
        now = judges.before(options.uri, domain.uuid)
        # What is wrong already would be wrong there too, and then look like the move's fault.
        go = not _is_wrong(now)
        if not isinstance(now, Failed) and go:
            now = judges.accept(options.uri, domain.uuid)
            go = not _is_wrong(now)
    if go:
        how = MigrationOptions(
            persistent=domain.is_persistent(),
            copy_storage=options.copy_storage,
            unsafe=options.unsafe,
            bandwidth=options.bandwidth,
            seconds=options.seconds,
            xml=options.xml,
        )
        with watch() as (told, cancel):
            result = move_live(source, domain.uuid, destination, how, told, cancel)
        if result.end is MigrationEnd.MOVED:
            then = _verified(domain, judges.after, options.destination)
    return MoveReport(
        name=domain.name,
        uuid=domain.uuid,
        source=move.source,
        destination=move.destination,
        findings=findings,
        dry_run=options.dry_run,
        recovery=None if options.under is None else recovery_keys.of([(move.active, move.sealed)]),
        before=now,
        result=result,
        after=then,
    )


def _is_wrong(now: Confirmed | Failed) -> bool:
    return isinstance(now, Confirmed) and now.audited.verdict.decision is Decision.MISMATCH


def _verified(domain: Domain, after: Confirm, uri: str) -> Confirmed | Failed:
    try:
        return after(uri, domain.uuid)
    except Exception as error:  # noqa: BLE001 - the move is told, whatever this is
        trouble = said(error)
    except KeyboardInterrupt:
        trouble = "interrupted"
    # It has moved, and that must be said, whatever keeps it from being verified.
    return Failed(name=domain.name, uuid=str(domain.uuid), error=trouble)


def _move(
    source: Hypervisor,
    destination: Hypervisor,
    domain: Domain,
    options: Options,
    ask: Ask,
) -> Move:
    if not domain.is_active():
        raise UsageError(
            f"{domain.name} is {domain.state()[0]}: there is no guest to move; its definition: "
            f"virsh migrate --offline --persistent {argument(domain.name, domain.uuid)} "
            f"{quoted(options.destination)}"
        )
    xml = domain.xml(inactive=False)
    try:
        active, devices = parse(xml), domain_devices.parse(xml)
    except DomainXmlError as error:
        raise LibvirtError(f"{domain.name}: {error}") from error
    there, local = Destination.of(destination), is_local(options.uri)
    processes = qemu_process.running() if local else qemu_process.NONE
    process = processes.of(active.name, active.uuid, active.guest_uuid)
    facts = source.facts()
    here, offer = end_of(facts), there.offer(active)
    listed = (there.offered(active) or {}).get(active.machine or "")
    asked = once(ask) if local else None
    going = Going(definition=active, xml=xml, process=process, local=local, driver=facts.driver)
    rehearsed, sealed = _rehearsed(source, domain, there, options, going)
    return Move(
        active=active,
        state=domain.state()[0],
        job=domain.job(_JOB_SECONDS),
        devices=devices,
        source=here,
        destination=there.end,
        offer=offer,
        near=there.near(active),
        cpu=there.cpu(active, devices, offer),
        there=there.same(active),
        shared=shared(devices) if local else {},
        copy_storage=options.copy_storage,
        unsafe=options.unsafe,
        xml=None if options.xml is None else _given(options.xml),
        forecast=forecast(active, devices, options.atlas, asked),
        states=states(
            active,
            (here, there.end),
            options.atlas,
            asked if options.probe else None,
            lambda: _arguments(source, xml),
        ),
        rehearsed=rehearsed,
        sealed=sealed,
        boot=last_boot.of(
            domain.state()[1],
            process,
            baseline_choice.choose(active, lambda _: None),
            here.qemu,
        ),
        images=_images(here, there, active, devices, local=local),
        most_vcpus=None if listed is None else listed.most_vcpus,
    )


def _arguments(source: Hypervisor, xml: str) -> tuple[str, ...] | Missing:
    try:
        return source.native_arguments(xml)
    except EvidenceError as error:
        return error.missing


def _rehearsed(
    source: Hypervisor, domain: Domain, there: Destination, options: Options, going: Going
) -> tuple[MachineThere | Missing | None, Outlook | Missing | None]:
    """Return what its next boot there finds, and what that does to its TPM."""
    if options.under is None:
        return None, None
    rehearsals = Rehearsals(replace(options.under, local=is_local(options.destination)))
    given = going.xml if options.xml is None else options.xml
    made = rehearsals.there(
        going, partial(_arguments, source), lambda _: there.arguments(given), there.end
    )
    if going.definition.tpm is None:
        return made, None
    if isinstance(made, Missing):
        return made, made
    telling = Telling(uri=options.uri, seconds=options.under.seconds / 4)
    kept = domain.xml(inactive=True) if domain.is_persistent() else going.xml
    started = kept if options.xml is None else options.xml
    arguments = there.arguments(started)
    return made, rehearsals.sealed(going, domain, telling, arguments, there.end)


def _images(
    here: End, there: Destination, active: Definition, devices: Devices, *, local: bool
) -> tuple[Image, ...]:
    before, after = (
        Place(
            release=packages.release() if end is here and local else None,
            listed=listed,
            libvirt=None if end.libvirt is None else numbers(end.libvirt),
        )
        for end, listed in ((here, ()), (there.end, there.loaders(active)))
    )
    return tuple(images.look(path, before, after) for path in devices.images)


def _given(xml: str) -> Definition:
    try:
        return parse(xml)
    except DomainXmlError as error:
        raise UsageError(f"the XML for the destination can't be used: {error}") from error
