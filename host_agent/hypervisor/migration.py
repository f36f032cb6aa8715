"""A live migration: started, watched, cancelled, and its end found out.

libvirt's managed migrations (docs/migration.rst): peer-to-peer, where the source's libvirtd leads
and the end of this program harms nothing; else led by this program over both its connections.
"""

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import libvirt

from host_agent import bounded
from host_agent.domain.event import DomainEvent, EventKind
from host_agent.domain.live_migration import (
    CopyStorage,
    MigrationEnd,
    MigrationOptions,
    MigrationProgress,
    MigrationResult,
)
from host_agent.errors import LibvirtError
from host_agent.hypervisor.calls import sentence
from host_agent.hypervisor.connection import Hypervisor

Told = Callable[[MigrationProgress], None]
"""Is told how far it has come, every half second."""

_GIVING_UP = 30.0
_TICK = 0.5
_STATISTICS_SECONDS = 5.0
_DAEMONS_OWN = {"tcp", "tls"}
"""Transports for which libvirtd has what it needs itself; ssh needs keys, which are people's."""
_COPY = {
    CopyStorage.ALL: libvirt.VIR_MIGRATE_NON_SHARED_DISK,
    CopyStorage.INC: libvirt.VIR_MIGRATE_NON_SHARED_INC,
}
_ABSENT, _UNKNOWN = "absent", "unknown"
_RUNNING = "running"
_RUNS = (_RUNNING, "paused", "blocked", "in shutdown", "pmsuspended")


def not_peer_to_peer(uri: str) -> str | None:
    """Say why the source's libvirtd can't be asked to reach a destination; None: it can."""
    parts = urlsplit(uri)
    _, _, transport = parts.scheme.partition("+")
    if not parts.hostname:
        return f"{uri} names no host"
    if (transport or "tls") not in _DAEMONS_OWN:
        return f"{transport} needs this user's own keys"
    if parts.query or parts.username:
        return "the destination's URI has options of this user's own"
    return None


def migrate(
    source: Hypervisor,
    uuid: UUID,
    destination: Hypervisor,
    options: MigrationOptions,
    progress: Told,
    cancel: threading.Event,
) -> MigrationResult:
    """Move a running domain live, and return when it is over, however it ends.

    ``cancel`` is looked at twice a second; the job is then aborted and its end waited for. Raises
    ``LibvirtError`` only where it could not be begun.
    """
    if source.read_only or destination.read_only:
        raise LibvirtError("a migration needs read-write connections to both hosts (root's rights)")
    domain = source.look_up(uuid)
    move = _Move(domain, options, progress, cancel)
    prepared = threading.Event()

    def hear(event: DomainEvent) -> None:
        if event.uuid == uuid and event.kind is EventKind.ARRIVING:
            prepared.set()

    why = not_peer_to_peer(destination.uri)
    error: libvirt.libvirtError | None = None
    listening = destination.subscribe(hear)
    try:
        if why is None:
            error = move.led_by_source(destination.uri)
            given_up = prepared.is_set() or cancel.is_set() or move.overdue
            if error is not None and not given_up:
                # The destination never heard of it: perhaps the source can't reach it.
                why = f"{source.host_name} could not lead it: {sentence(error)}"
        if why is not None:
            error = move.led_by_us(destination)
    finally:
        listening.close()
    way = "peer-to-peer" if why is None else f"led by this program, because {why}"
    return _result(move, way, error, _where(source, uuid), _where(destination, uuid))


class _Move:
    """One migration under way."""

    def __init__(
        self,
        domain: libvirt.virDomain,
        options: MigrationOptions,
        progress: Told,
        cancel: threading.Event,
    ) -> None:
        self._domain = domain
        self._options = options
        self._progress = progress
        self.cancel = cancel
        self.started = time.monotonic()
        self.final: MigrationProgress | None = None
        self.overdue = False

    def led_by_source(self, uri: str) -> libvirt.libvirtError | None:
        """Let the source's libvirtd lead; returns why it ended before its time."""
        flags = self._flags() | libvirt.VIR_MIGRATE_PEER2PEER
        return self._watch(lambda: self._domain.migrateToURI3(uri, self._parameters(), flags))

    def led_by_us(self, destination: Hypervisor) -> libvirt.libvirtError | None:
        """Lead it from here, over both connections."""
        connection = destination.raw
        return self._watch(
            lambda: self._domain.migrate3(connection, self._parameters(), self._flags())
        )

    def _flags(self) -> int:
        options = self._options
        flags = libvirt.VIR_MIGRATE_LIVE | libvirt.VIR_MIGRATE_ABORT_ON_ERROR
        flags |= libvirt.VIR_MIGRATE_PERSIST_DEST if options.persistent else 0
        flags |= libvirt.VIR_MIGRATE_UNSAFE if options.unsafe else 0
        flags |= _COPY[options.copy_storage] if options.copy_storage else 0
        return int(flags)

    def _parameters(self) -> dict[str, Any]:
        wanted = {
            libvirt.VIR_MIGRATE_PARAM_BANDWIDTH: self._options.bandwidth,
            libvirt.VIR_MIGRATE_PARAM_DEST_XML: self._options.xml,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def _watch(self, function: Callable[[], object]) -> libvirt.libvirtError | None:
        errors: list[libvirt.libvirtError] = []
        done = threading.Event()

        def run() -> None:
            try:
                function()
            except libvirt.libvirtError as error:
                errors.append(error)
            finally:
                done.set()

        # A daemon thread: a libvirtd that never answers must not keep the program from ending.
        threading.Thread(target=run, name="migration", daemon=True).start()
        try:
            while not done.wait(_TICK):
                self._turn()
        except BaseException:
            # Whatever ends us, and be it what tells of the progress, the move ends first, unless
            # libvirt hangs.
            until = time.monotonic() + _GIVING_UP
            while not done.wait(_TICK) and time.monotonic() < until:
                self._quietly(self._domain.abortJob)
            raise
        completed = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED
        self.final = self._statistics(completed | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED)
        return errors[0] if errors else None

    def _turn(self) -> None:
        if self._options.seconds is not None and not self.cancel.is_set():
            self.overdue = time.monotonic() - self.started > self._options.seconds
        if self.cancel.is_set() or self.overdue:
            # Again and again: in some phases libvirt refuses to abort.
            self._quietly(self._domain.abortJob)
        told = self._statistics(0)
        if told is not None:
            self._progress(told)

    def _statistics(self, flags: int) -> MigrationProgress | None:
        told = self._quietly(lambda: self._domain.jobStats(flags))
        return _progress(told) if told else None

    def _quietly(self, function: Callable[[], Any]) -> Any:
        try:
            return bounded.call(function, _STATISTICS_SECONDS)
        except (libvirt.libvirtError, bounded.CallTimeoutError):
            return None


def _progress(told: dict[str, Any]) -> MigrationProgress | None:
    """Turn libvirt's job statistics (virDomainGetJobStats) into ours; None: of no migration."""
    if "memory_total" not in told:
        return None

    def of(name: str) -> int:
        return int(told.get(name, 0))

    return MigrationProgress(
        seconds=of(libvirt.VIR_DOMAIN_JOB_TIME_ELAPSED) / 1000,
        memory_total=of(libvirt.VIR_DOMAIN_JOB_MEMORY_TOTAL),
        memory_remaining=of(libvirt.VIR_DOMAIN_JOB_MEMORY_REMAINING),
        memory_rate=of(libvirt.VIR_DOMAIN_JOB_MEMORY_BPS),
        # In pages a second.
        dirty_rate=of(libvirt.VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE)
        * (of(libvirt.VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE) or 4096),
        disk_total=of(libvirt.VIR_DOMAIN_JOB_DISK_TOTAL),
        disk_remaining=of(libvirt.VIR_DOMAIN_JOB_DISK_REMAINING),
        iteration=of(libvirt.VIR_DOMAIN_JOB_MEMORY_ITERATION),
        downtime=of(libvirt.VIR_DOMAIN_JOB_DOWNTIME),
    )


def _where(hypervisor: Hypervisor, uuid: UUID) -> str:
    """Return the domain's state on a host; over a new connection where the old one died."""
    for again in (False, True):
        try:
            asked = type(hypervisor).open(hypervisor.uri) if again else hypervisor
            domain = asked.domain(uuid)
            state = domain.state()[0] if domain is not None else _ABSENT
            if again:
                asked.close()
        except LibvirtError:
            continue
        return state
    return _UNKNOWN


def end_of(source: str, destination: str, *, failed: bool, cancelled: bool) -> MigrationEnd:
    """Tell how a migration ended from the domain's states on both hosts afterwards.

    libvirt's error alone does not say it: a move that is over can fail at what is left to do.
    """
    if not failed or (destination == _RUNNING and source != _RUNNING):
        return MigrationEnd.MOVED
    if source in _RUNS:
        return MigrationEnd.CANCELLED if cancelled else MigrationEnd.FAILED
    return MigrationEnd.LOST


def _result(
    move: _Move, way: str, error: libvirt.libvirtError | None, source: str, destination: str
) -> MigrationResult:
    end = end_of(source, destination, failed=error is not None, cancelled=move.cancel.is_set())
    reason = None if error is None else sentence(error)
    if move.overdue and end is MigrationEnd.FAILED:
        reason = f"it was not done in time, and cancelled ({reason})"
    return MigrationResult(
        end=end,
        way=way,
        seconds=time.monotonic() - move.started,
        source=source,
        destination=destination,
        reason=reason,
        final=move.final if end is MigrationEnd.MOVED else None,
    )
