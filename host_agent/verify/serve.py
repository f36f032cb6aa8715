"""The job ``serve``: verifies each arrival and each restart as soon as the guest answers.

libvirt's events say when; nothing is polled while nothing happens. Where libvirtd goes away it is
connected to again, and what was missed meanwhile is caught up with: a QEMU process that is younger
than the newest verdict of its domain has not been verified.
"""

import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from host_agent.case.gather import Gatherer
from host_agent.case.results import Confirmed, Failed
from host_agent.domain.definition import DomainXmlError, parse
from host_agent.domain.event import DomainEvent, EventKind
from host_agent.errors import LedgerError, LedgerMissingError, LibvirtError
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.baseline_choice import NO_BASELINE, choose
from host_agent.evidence.running import Running
from host_agent.guard import guarded
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Hypervisor, connected
from host_agent.qemu.process import NONE
from host_agent.records import entry as ledger_entry
from host_agent.records.entry import Entry
from host_agent.records.raised import raised_in
from host_agent.records.systemd_journal import Journal, Priority
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.verify import standing
from host_agent.verify.board import Board
from host_agent.verify.reactions import Patience, react
from host_agent.verify.schedule import Schedule, Task
from host_agent.verify.service_manager import ServiceManager
from host_agent.verify.verifier import Verifier, failed_entry, kept_in, write

if TYPE_CHECKING:
    from host_agent.fleet.teller import Teller
    from host_agent.records.patient_ledger import PatientLedger

_NICE = 10
_RETRY = 1.0
"""Seconds until a libvirtd that went away is asked again."""
_WRITE_AGAIN = 5.0
_WRITE_SECONDS = 300.0
"""How long a baseline that libvirt refuses, as it does while a job runs, is tried to be written."""
_RECONNECT = (1.0, 2.0, 5.0, 10.0, 30.0)
_TICK = 5.0
_LAST_SECONDS = 5.0
_COMMAND_SECONDS = 30.0
_DAY = 86400.0
_HISTORY_AGAIN = 10.0
"""Seconds between tries to write history that could not be written."""
_UPGRADE = 5.0
"""Seconds between looks at a domain that is being upgraded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the daemon works."""

    uri: str
    at_once: int = 2
    seconds: float = 10.0
    """What one answer may take."""
    patience: Patience = field(default_factory=Patience)
    command: Sequence[str] = ()
    """Run for each verdict; none: nothing is."""
    keep_days: float = 400.0
    probe: bool = True
    clear_identifiers: bool = False
    """Whether addresses and serial numbers are kept as they are, and not hashed."""


class Daemon:
    """Runs until ``stop``; everything that is slow runs in its pool."""

    def __init__(
        self,
        options: Options,
        ledger: "PatientLedger | None",
        *,
        journal: Journal | None = None,
        manager: ServiceManager | None = None,
        board: Board | None = None,
        fleet: "Teller | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._ledger = ledger
        self._journal = journal or Journal()
        self._manager = manager or ServiceManager()
        self._board = board or Board()
        self._fleet = fleet
        self._clock = clock
        self._schedule = Schedule()
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = False
        self._opened = OpenedChannels()
        self._upgrades = UpgradeJournal()
        self._said_of_ledger = ""
        self._next_care = 0.0
        self._next_writing = 0.0
        self._next_beat = 0.0

    def stop(self) -> None:
        """Ask it to end; from any thread, or from a signal handler."""
        self._inbox.put(self._stop)

    def _stop(self) -> None:
        self._stopping = True

    def run(self) -> None:
        """Serve until ``stop`` is called."""
        with suppress(OSError):
            os.nice(_NICE)
        tries = 0
        self._manager.ready(f"connecting to {self._options.uri}")
        pool = ThreadPoolExecutor(max_workers=self._options.at_once)
        try:
            while not self._stopping:
                tries = self._connected(pool, tries)
            self._manager.stopping("ending")
            self._let_end()
        finally:
            # One that hangs in libvirt must not keep us.
            pool.shutdown(wait=False, cancel_futures=True)

    def _connected(self, pool: ThreadPoolExecutor, tries: int) -> int:
        """Serve one connection, or wait for the next try; returns how many tries failed."""
        with ExitStack() as stack:
            try:
                hypervisor = stack.enter_context(connected(self._options.uri))
            except LibvirtError as error:
                self._board.answers(self._options.uri, there=False)
                wait = _RECONNECT[min(tries, len(_RECONNECT) - 1)]
                self._say(f"{error}; next try in {wait:.0f} s", Priority.WARNING)
                self._pass(wait)
                return tries + 1
            self._board.answers(self._options.uri, there=True)
            try:
                self._serve(hypervisor, pool)
            except LibvirtError as error:
                self._say(f"libvirt: {error}", Priority.WARNING)
            self._board.answers(self._options.uri, there=False)
            if self._fleet is not None:
                self._fleet.left()
        self._pass(_RECONNECT[0])
        return 0

    def _pass(self, seconds: float) -> None:
        """Let time pass, and do what comes in meanwhile."""
        until = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < until:
            self._wait(until)

    def _let_end(self) -> None:
        """Give what is under way a moment, so that no verdict is half told."""
        until = time.monotonic() + _LAST_SECONDS
        with suppress(queue.Empty):
            while self._schedule.under_way and time.monotonic() < until:
                self._inbox.get(timeout=max(0.01, until - time.monotonic()))()
        if self._fleet is not None:
            self._fleet.end()
        self._write_history()
        if self._ledger is not None and self._ledger.waiting:
            lost = self._ledger.waiting + self._ledger.lost
            self._say(f"history is lost: {lost} records were not written", Priority.WARNING)

    def _serve(self, hypervisor: Hypervisor, pool: ThreadPoolExecutor) -> None:
        """Serve one connection until it dies or we are stopped."""
        gone = threading.Event()
        hypervisor.on_close(lambda _: self._inbox.put(gone.set))
        hypervisor.subscribe(lambda event: self._inbox.put(lambda: self._hear(hypervisor, event)))
        gatherer = Gatherer.on(
            hypervisor,
            self._options.uri,
            seconds=self._options.seconds,
            probe=self._options.probe,
            opened=self._opened,
            kept=kept_in(self._ledger),
            raised=raised_in(self._upgrades.folder),
        )
        self._look_after_history(hypervisor)
        if self._fleet is not None:
            self._fleet.serving(
                gatherer.facts.name,
                libvirt=gatherer.facts.libvirt,
                qemu=gatherer.facts.hypervisor,
                uuids={str(domain.uuid) for domain in hypervisor.domains()},
                say=partial(self._say, priority=Priority.NOTICE),
            )
        # First the events, then what was missed: nothing falls between the two.
        self._catch_up(hypervisor, gatherer)
        self._say(f"watching {self._options.uri}", Priority.INFO)
        while not self._stopping and not gone.is_set():
            self._look_after_history(hypervisor)
            now = time.monotonic()
            for task in self._schedule.take(now, self._options.at_once):
                pool.submit(self._work, hypervisor, gatherer, task)
            due = [
                self._schedule.next_due(self._options.at_once),
                self._history_due(),
                self._fleet.beat() if self._fleet is not None else None,
            ]
            self._wait(min((at for at in due if at is not None), default=None))
        if gone.is_set():
            self._say("the connection to libvirt was lost", Priority.WARNING)

    def _wait(self, until: float | None) -> None:
        """Do what comes in, until a time or a tick at the most."""
        end = time.monotonic() + self._tick()
        if until is not None:
            end = min(end, until)
        while not self._stopping:
            left = end - time.monotonic()
            try:
                todo = (
                    self._inbox.get(timeout=max(0.0, left))
                    if left > 0
                    else self._inbox.get_nowait()
                )
            except queue.Empty:
                break
            guarded(todo, self._say_of_fault)
            if self._inbox.empty():
                break
        self._beat()

    def _beat(self) -> None:
        """Tell the service manager that we are alive, not more often than it needs to hear it."""
        now = time.monotonic()
        if self._manager.watchdog_seconds is not None and now >= self._next_beat:
            self._next_beat = now + self._tick() / 2
            self._manager.watchdog()

    def _say_of_fault(self, why: str) -> None:
        self._say(why, Priority.ERR)

    def _tick(self) -> float:
        """Seconds until we wake where nothing happens: where nobody watches us, once a day."""
        watched = self._manager.watchdog_seconds
        return _DAY if watched is None else min(_TICK, watched / 2)

    def _hear(self, hypervisor: Hypervisor, event: DomainEvent) -> None:
        react(self._schedule, event, time.monotonic(), self._options.patience)
        if event.kind in {EventKind.STOPPED, EventKind.CRASHED}:
            self._board.stopped(str(event.uuid))
            if self._fleet is not None:
                self._fleet.stopped(str(event.uuid))
        elif event.kind in {EventKind.DEPARTED, EventKind.UNDEFINED}:
            self._board.forget(str(event.uuid))
            if self._fleet is not None:
                self._fleet.gone(str(event.uuid))
        if event.kind in {EventKind.DEPARTED, EventKind.CRASHED}:
            departed = event.kind is EventKind.DEPARTED
            entry = ledger_entry.bounded(
                Entry(
                    time=event.time,
                    host=hypervisor.host_name,
                    uuid=str(event.uuid),
                    name=event.name,
                    occasion="departure" if departed else "stop",
                    verdict="left" if departed else "crashed",
                )
            )
            self._record(entry)
            self._journal.write_verdict(entry)

    def _catch_up(self, hypervisor: Hypervisor, gatherer: Gatherer) -> None:
        """Plan what happened while nobody listened."""
        domains = hypervisor.domains()
        self._board.keep({str(domain.uuid) for domain in domains})
        for domain in domains:
            guarded(
                partial(self._catch_up_with, domain, gatherer),
                partial(self._say_of_domain, domain.name),
            )

    def _say_of_domain(self, name: str, why: str) -> None:
        self._say(f"{name}: {why}", Priority.WARNING)

    def _catch_up_with(self, domain: Domain, gatherer: Gatherer) -> None:
        if not domain.is_active():
            if self._fleet is not None:
                self._fleet.stopped(str(domain.uuid))
            return
        now, patience = time.monotonic(), self._options.patience
        running = (gatherer.processes or NONE).of(domain.name, domain.uuid)
        told = self._newest(domain, gatherer.facts.name)
        # What another host tells of it, such as that it left there, is no verdict of ours.
        if told is None or (running is not None and not self._was_verified(domain, running, told)):
            self._schedule.add_unless_waiting(
                Task(uuid=domain.uuid, why="missed", due=now, until=now + patience.boot)
            )
        if told is not None and not self._board.knows(str(domain.uuid)):
            self._board.put(standing.of_entry(told))
            if self._fleet is not None:
                self._fleet.entry(told, remembered=True)

    def _was_verified(self, domain: Domain, running: Running, told: Entry) -> bool:
        """Tell whether the newest verdict is of the process that runs now.

        The domain's trail names the process of each; times alone would be wrong where the clock was
        set since.
        """
        try:
            kept = choose(parse(domain.xml(inactive=False)), kept_in(self._ledger))
        except (LibvirtError, DomainXmlError):
            kept = NO_BASELINE
        last = kept.trail[-1] if isinstance(kept, Baseline) and kept.trail else None
        if last is None or last.process is None or running.process is None:
            return told.time >= running.started
        return last.process == running.process

    def _newest(self, domain: Domain, host: str) -> Entry | None:
        """The newest entry of a domain, if this host made it."""
        try:
            found = self._ledger.newest(str(domain.uuid), host) if self._ledger else None
        except LedgerMissingError:
            return None
        except LedgerError as error:
            self._say_of_ledger(error)
            return None
        return found if found is not None and found.host == host else None

    def _work(self, hypervisor: Hypervisor, gatherer: Gatherer, task: Task) -> None:
        """Do one task, in a thread of the pool; its end goes back to the main thread."""
        began = time.monotonic()

        def do() -> tuple[Task, float] | None:
            try:
                return self._do(hypervisor, gatherer, task)
            except LibvirtError:
                if time.monotonic() < task.until:
                    # A libvirtd that went away in the middle costs no verdict.
                    return task, time.monotonic() + _RETRY
                raise

        def failed(why: str) -> None:
            guarded(lambda: self._fail(hypervisor, task.uuid, why), self._say_of_fault)

        again = guarded(do, failed)
        if again is None:
            self._inbox.put(lambda: self._schedule.done(task.uuid))
        else:
            now = time.monotonic()
            later = replace(
                again[0], spent=task.spent + now - began, tried=now, tries=task.tries + 1
            )
            self._inbox.put(lambda: self._schedule.again(later, again[1]))

    def _fail(self, hypervisor: Hypervisor, uuid: UUID, why: str) -> None:
        """Say and record that a domain could not be verified at all."""
        domain = guarded(lambda: hypervisor.domain(uuid), lambda _: None)
        name = str(uuid) if domain is None else domain.name
        failed = Failed(name=name, uuid=str(uuid), error=why)
        host = guarded(lambda: hypervisor.host_name, lambda _: self._options.uri)
        self._record(failed_entry(failed, time=self._clock(), host=host))
        self._tell(failed, host)

    def _do(
        self, hypervisor: Hypervisor, gatherer: Gatherer, task: Task
    ) -> tuple[Task, float] | None:
        """Verify, or write what could not be written; returns what is to be done later, and when.

        None: it is done.
        """
        domain = hypervisor.domain(task.uuid)
        if domain is None or not domain.is_active():
            return None
        now = time.monotonic()
        if task.unwritten is not None:
            refused = write(domain, task.unwritten, persistent=domain.is_persistent())
            return (task, now + _WRITE_AGAIN) if refused and now < task.until else None
        if self._upgrades.is_busy(task.uuid):
            # A command is raising its machine type, and verifies it itself.
            return replace(task, until=max(task.until, now + _UPGRADE)), now + _UPGRADE
        final = now >= task.until
        seconds = None if final else task.allowance(self._options.seconds)
        verifier = Verifier(
            gatherer=gatherer.refreshed(seconds),
            ledger=self._ledger,
            upgrades=self._upgrades,
            clock=self._clock,
            clear_identifiers=self._options.clear_identifiers,
        )
        result = verifier.attempt(
            domain,
            final=final,
            another_boot=task.another_boot,
            first=True,
            refresh=task.refresh,
        )
        if result is None:
            return task, now + task.pause
        self._tell(result, gatherer.facts.name)
        if isinstance(result, Confirmed) and result.unwritten is not None:
            writing = replace(task, unwritten=result.unwritten, until=now + _WRITE_SECONDS)
            return writing, now + _WRITE_AGAIN
        return None

    def _tell(self, result: Confirmed | Failed, host: str) -> None:
        shown = result if isinstance(result, Failed) else result.audited
        self._board.put(standing.of_result(shown, host=host, now=self._clock()))
        if isinstance(result, Failed):
            entry = failed_entry(result, time=self._clock(), host=host)
            self._journal.write_verdict(entry)
            if self._fleet is not None:
                self._fleet.entry(ledger_entry.bounded(entry))
            self._command(entry)
            return
        case = result.audited.case
        entry = ledger_entry.of(
            result.audited, time=self._clock(), host=case.host, qemu=case.qemu, salt=result.salt
        )
        self._journal.write_verdict(entry)
        if self._fleet is not None:
            self._fleet.verdict(result.audited, entry)
        for complaint in result.complaints:
            self._say(f"{entry.name}: {complaint}", Priority.WARNING)
        self._status(f"{entry.name}: {entry.verdict}")
        self._command(entry)

    def _command(self, entry: Entry) -> None:
        """Run the operator's command: arguments and environment, no shell."""
        if not self._options.command:
            return
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "SAMEMACHINE_VERDICT": entry.verdict,
            "SAMEMACHINE_OCCASION": entry.occasion,
            "SAMEMACHINE_DOMAIN": entry.name,
            "SAMEMACHINE_UUID": entry.uuid,
            "SAMEMACHINE_HOST": entry.host,
            "SAMEMACHINE_DEPTH": entry.depth or "",
            "SAMEMACHINE_PROBLEM": entry.problem.sentence if entry.problem else "",
        }
        command = [*self._options.command, entry.verdict, entry.name, entry.uuid]
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self._say(f"the command {command[0]}: {error}", Priority.WARNING)
            return
        if done.returncode:
            self._say(f"the command {command[0]} exited {done.returncode}", Priority.WARNING)

    def _record(self, entry: Entry) -> None:
        try:
            if self._ledger is not None:
                self._ledger.append(entry)
        except LedgerError as error:
            self._say_of_ledger(error)

    def _look_after_history(self, hypervisor: Hypervisor) -> None:
        """Write what waits; once a day make the ledger where it is not there, drop what is old."""
        now = time.monotonic()
        if self._ledger is None:
            return
        if now >= self._next_writing:
            self._next_writing = now + _HISTORY_AGAIN
            self._write_history()
        if now < self._next_care:
            return
        self._next_care = now + _HISTORY_AGAIN
        try:
            self._ledger.prepare()
            self._ledger.prune(
                self._clock() - self._options.keep_days * _DAY,
                host=hypervisor.host_name,
                domains=[str(domain.uuid) for domain in hypervisor.domains()],
            )
        except LedgerError as error:
            self._say_of_ledger(error)
        else:
            self._next_care = now + _DAY

    def _history_due(self) -> float | None:
        """Return when to try again what waits for the ledger; None: nothing does."""
        waits = self._ledger is not None and (self._ledger.waiting or self._said_of_ledger)
        return self._next_writing if waits else None

    def _write_history(self) -> None:
        """Try again what could not be written, and say when it could."""
        waited = 0 if self._ledger is None else self._ledger.waiting
        if self._ledger is None or not (waited or self._said_of_ledger):
            return
        try:
            if waited:
                self._ledger.write_waiting()
            else:
                self._ledger.prepare()
        except LedgerError as error:
            self._say_of_ledger(error)
            return
        self._said_of_ledger = ""
        lost = f", and {self._ledger.lost} before them are lost" if self._ledger.lost else ""
        self._ledger.lost = 0
        told = f"{waited} records that had waited are in it{lost}" if waited else "nothing waited"
        self._say(f"history is written again: {told}", Priority.NOTICE)

    def _say_of_ledger(self, error: LedgerError) -> None:
        # A disk stays full for longer than one domain's verdict.
        if str(error) != self._said_of_ledger:
            self._said_of_ledger = str(error)
            self._say(
                f"no history: {error}; verdicts are given all the same, and written down later",
                Priority.WARNING,
            )

    def _status(self, sentence: str) -> None:
        trouble = self._said_of_ledger or (self._ledger.trouble if self._ledger else None)
        self._manager.status(f"no history: {trouble}; {sentence}" if trouble else sentence)

    def _say(self, sentence: str, priority: Priority) -> None:
        self._journal.write(sentence, priority)
