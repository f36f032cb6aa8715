"""The jobs ``upgrade``, ``rollback`` and ``campaign``: machine types of one host's domains."""

import io
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from host_agent.case.gather import Gatherer
from host_agent.case.results import Confirmed, Decision
from host_agent.domain import tags
from host_agent.domain.definition import parse
from host_agent.domain.owner import Owner, OwnerKind
from host_agent.errors import (
    UpgradeJournalError,
    UsageError,
)
from host_agent.finding import Finding, Outcome
from host_agent.guard import guarded, said
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Hypervisor, connected
from host_agent.hypervisor.selection import chosen
from host_agent.machine_types.target import Target
from host_agent.printable import argument
from host_agent.records.raised import raised_in
from host_agent.records.systemd_journal import Journal
from host_agent.records.upgrade_journal import DomainJournal, UpgradeJournal
from host_agent.records.upgrade_record import UNDER_WAY, Direction, Record, Step
from host_agent.upgrade import preflight
from host_agent.upgrade.facts import Ending, Raised, Raising, Report
from host_agent.upgrade.look import Asked, Look
from host_agent.upgrade.run import Patience, Told, UpgradeRun
from host_agent.upgrade.window import Window
from host_agent.verify.verifier import kept_in

if TYPE_CHECKING:
    from host_agent.records.ledger import Ledger

_ENDINGS = {
    Step.APPLIED: Ending.APPLIED, Step.STAGED: Ending.STAGED,
    Step.ROLLED_BACK: Ending.ROLLED_BACK, Step.FAILED: Ending.FAILED,
}  # fmt: skip
_BAD = {Ending.ROLLED_BACK, Ending.FAILED, Ending.WRONG_BEFORE, Ending.LEFT, Ending.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is raised, to what, and how."""

    uri: str
    names: Sequence[str] = ()
    tags: Sequence[str] = ()
    """``KEY`` or ``KEY=VALUE``: every domain that has one of them."""
    others: Sequence[str] = ()
    """URIs of hosts that must offer the target too."""
    asked: Asked = field(default_factory=Asked)
    dry_run: bool = False
    patience: Patience = field(default_factory=Patience)
    seconds: float = 10.0
    probe: bool = True
    rehearse: bool = False
    """Whether the firmware is run on each domain's devices, with the old type and the new."""
    read_esp: bool = False
    """Whether for a TPM the loader is rehearsed, from a copy of its EFI system partition."""
    clear_identifiers: bool = False
    """Whether addresses and serial numbers are kept as they are, and not hashed."""
    change: str | None = None
    canary: int = 0
    """So many must be applied and verified before the rest is begun."""
    stop_after: int = 0
    """So many failures end it; 0: none do."""
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Whoever gave the command."""

    agree: Callable[[Sequence[Raised]], bool]
    """Is shown what would be done, and says whether to do it."""
    told: Told
    interrupted: Callable[[], bool]


def upgrade(
    options: Options,
    ledger: "Ledger | None",
    operator: Operator,
    upgrades: UpgradeJournal | None = None,
    log: Journal | None = None,
) -> Report:
    """Raise domains, one after the other, or roll them back.

    Raises ``LibvirtError`` where a host can't be reached, ``UsageError`` where there is no such
    domain, ``UpgradeJournalError`` where nothing can be written down.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        hypervisors = [
            stack.enter_context(connected(uri)) for uri in (options.uri, *options.others)
        ]
        job = _Job(hypervisors, options, ledger, operator, upgrades, log)
        raised, stopped = job.run(_selected(hypervisors[0], options))
    return Report(
        raised=tuple(raised),
        dry_run=options.dry_run,
        back=options.asked.back,
        change=options.change,
        seconds=time.monotonic() - began,
        stopped=stopped,
    )


def forget(uri: str, names: Sequence[str], upgrades: UpgradeJournal | None = None) -> list[str]:
    """Remove the journals of domains, and with them the way back; returns the domains' names."""
    journals = upgrades or UpgradeJournal()
    with connected(uri) as hypervisor:
        domains = chosen(hypervisor.domains(), names, uri)
    for domain in domains:
        with journals.locked(domain.uuid) as journal:
            # One that can't be read may be forgotten all the same.
            with suppress(UpgradeJournalError):
                record = journal.read()
                called = argument(domain.name, domain.uuid)
                if record is not None and record.step in UNDER_WAY:
                    raise UsageError(
                        f"{domain.name}: its upgrade is half done; finish it first: samemachine "
                        f"upgrade {called}, or samemachine rollback {called}"
                    )
            journal.forget()
    return [domain.name for domain in domains]


def _selected(hypervisor: Hypervisor, options: Options) -> list[Domain]:
    domains = hypervisor.domains()
    found = chosen(domains, options.names, options.uri) if options.names else []
    wanted = [tags.parse(tag) for tag in options.tags]

    def is_wanted(domain: Domain) -> bool:
        metadata = parse(domain.xml(inactive=domain.is_persistent())).metadata
        return any(tags.fits(metadata, *tag) for tag in wanted)

    for domain in domains if wanted else ():
        # One that is gone or broken has no tags.
        if guarded(partial(is_wanted, domain), lambda _: False) and all(
            domain.uuid != one.uuid for one in found
        ):
            found.append(domain)
    if not found:
        raise UsageError(f"{options.uri} has no domain with the tag {' or '.join(options.tags)}")
    return found


class _Job:
    def __init__(
        self,
        hypervisors: Sequence[Hypervisor],
        options: Options,
        ledger: "Ledger | None",
        operator: Operator,
        upgrades: UpgradeJournal | None,
        log: Journal | None,
    ) -> None:
        self._options = options
        self._ledger = ledger
        self._operator = operator
        self._upgrades = upgrades or UpgradeJournal()
        # Where there is no journal, what is printed says it all.
        self._log = log or Journal(fallback=io.StringIO())
        self._gatherer = Gatherer.on(
            hypervisors[0],
            options.uri,
            seconds=options.seconds,
            probe=options.probe,
            opened=OpenedChannels(),
            kept=kept_in(ledger),
            raised=raised_in(self._upgrades.folder),
            rehearse=options.rehearse,
            read_esp=options.read_esp,
        )
        facts = [self._gatherer.facts, *(one.facts() for one in hypervisors[1:])]
        self._view = Look(
            asked=options.asked, gatherer=self._gatherer, facts=facts, upgrades=self._upgrades
        )

    def run(self, domains: Sequence[Domain]) -> tuple[list[Raised], str | None]:
        """Look at all, ask, then raise one after the other; returns why the rest was not begun."""
        looked = [self._looked_at(domain) for domain in domains]
        todo = [one for one in looked if one.ending is Ending.PLANNED]
        if self._options.dry_run or not todo or not self._operator.agree(looked):
            return looked, None
        results: list[Raised] = []
        begun: list[Raised] = []
        stopped = None
        for domain, one in zip(domains, looked, strict=True):
            if one.ending is not Ending.PLANNED:
                results.append(one)
                continue
            stopped = stopped or self._stop_here(begun)
            if stopped is not None:
                results.append(replace(one, ending=Ending.SKIPPED, why=stopped))
                continue
            begun.append(self._raise(domain, one))
            results.append(begun[-1])
            if begun[-1].ending is Ending.LEFT:
                stopped = begun[-1].why
        return results, stopped

    def _stop_here(self, begun: Sequence[Raised]) -> str | None:
        """Say why no other domain is to be begun after these; None: go on."""
        options = self._options
        if self._operator.interrupted():
            return "interrupted"
        if options.window is not None and not options.window.holds(datetime.now().astimezone()):
            return f"outside of the window {options.window}"
        lame = [one for one in begun[: options.canary] if not _went_well(one)]
        if lame and len(begun) >= options.canary:
            return f"{lame[0].raising.name}, one of the first {options.canary}, did not go well"
        failures = [one for one in begun if one.ending in _BAD]
        if 0 < options.stop_after <= len(failures):
            return f"{len(failures)} did not go well"
        return None

    def _looked_at(self, domain: Domain) -> Raised:
        return guarded(lambda: self._look(domain), lambda why: self._unseen(domain, why))

    def _unseen(self, domain: Domain, why: str) -> Raised:
        """Return that nothing is done with a domain that can't be looked at."""
        raising = Raising(
            name=domain.name,
            uuid=domain.uuid,
            persistent=None,
            active=None,
            state="unknown",
            owner=Owner(kind=OwnerKind.LIBVIRT),
            current="",
            target=Target(name=None, why="the domain can't be looked at"),
            hosts=(),
            forecast=(),
        )
        seen = Finding(check="domain", outcome=Outcome.FAIL, sentence=why)
        return Raised(raising=raising, findings=(seen,), ending=Ending.REFUSED, record=None)

    def _look(self, domain: Domain) -> Raised:
        raising = self._view.of(domain)
        findings = preflight.run(raising)
        ending = Ending.PLANNED
        if preflight.is_there(raising):
            ending = Ending.NOTHING
        if ending is Ending.PLANNED and preflight.refused(findings):
            ending = Ending.REFUSED
        return Raised(raising=raising, findings=findings, ending=ending, record=None)

    def _raise(self, domain: Domain, looked: Raised) -> Raised:
        """Raise one domain, or finish what was begun; whatever happens is its own result."""
        try:
            with self._upgrades.locked(domain.uuid) as journal:
                # Time has passed since it was looked at, and another command may have been there.
                looked = self._looked_at(domain)
                if looked.ending is not Ending.PLANNED:
                    return looked
                return self._on_its_way(domain, journal, looked)
        except KeyboardInterrupt:
            why = "interrupted"
        except Exception as error:  # noqa: BLE001 - it costs no other domain its upgrade
            why = said(error)
        return self._left(looked, why)

    def _left(self, looked: Raised, why: str) -> Raised:
        record = None
        with suppress(UpgradeJournalError):
            record = self._upgrades.read(looked.raising.uuid)
        half = record is not None and record.step in UNDER_WAY
        return replace(
            looked, ending=Ending.LEFT if half else Ending.REFUSED, why=why, record=record
        )

    def _on_its_way(self, domain: Domain, journal: DomainJournal, looked: Raised) -> Raised:
        run = UpgradeRun(
            domain=domain,
            gatherer=self._gatherer,
            journal=journal,
            ledger=self._ledger,
            patience=self._options.patience,
            interrupted=self._operator.interrupted,
            told=self._operator.told,
            log=self._log,
            clear_identifiers=self._options.clear_identifiers,
        )
        raising = looked.raising
        record = raising.resumed
        if record is None:
            record = journal.begin(self._first(raising), domain.lifecycle().definition())
        elif self._options.asked.back:
            record = self._turned(record, raising)
        elif record.step is Step.STAGED and not self._options.asked.stage:
            # It is not waited for any longer.
            running = raising.running
            record = replace(
                record, stage=False, start=self._options.asked.start, was_running=running
            )
        before = None
        fresh = record.step in {Step.PLANNED, Step.STAGED} and raising.running
        if fresh and not record.stage and record.direction is Direction.FORWARD:
            before = run.before()
            if isinstance(before, Confirmed):
                verdict = before.audited.verdict
                if verdict.decision is Decision.MISMATCH:
                    # What is wrong already would be wrong there too, and look like our fault.
                    if record.step is Step.PLANNED:
                        journal.write(replace(record, step=Step.ROLLED_BACK, reason="wrong before"))
                    return replace(looked, ending=Ending.WRONG_BEFORE, before=before)
                record = replace(record, depth=verdict.depth)
        ended = run.carry_out(record)
        surprise = preflight.against_forecast(raising, run.after)
        if surprise is not None:
            run.notes.append(surprise)
        return replace(
            looked,
            ending=_ENDINGS[ended.step],
            why=ended.reason,
            record=ended,
            before=before,
            after=run.after,
            notes=tuple(run.notes),
        )

    def _first(self, raising: Raising) -> Record:
        now = time.time()
        assert raising.persistent is not None
        return Record(
            uuid=raising.uuid,
            name=raising.name,
            host=self._gatherer.facts.name,
            uri=self._options.uri,
            old=raising.current,
            new=raising.target.name or "",
            written=raising.persistent.machine or "",
            backup="-",
            sha256="-",
            started=now,
            changed=now,
            was_running=raising.running,
            stage=self._options.asked.stage,
            start=self._options.asked.start,
            change=self._options.change,
        )

    def _turned(self, record: Record, raising: Raising) -> Record:
        if record.direction is Direction.BACK and record.step in UNDER_WAY:
            return record
        # What was half done was to run at the end, if it ran at first.
        running = record.was_running if record.step in UNDER_WAY else raising.running
        return replace(
            record,
            direction=Direction.BACK,
            was_running=running,
            stage=False,
            reason=None,
            stopped=record.stopped and record.step in UNDER_WAY,
        )


def _went_well(raised: Raised) -> bool:
    if raised.ending in {Ending.STAGED, Ending.NOTHING}:
        return True
    after = raised.after
    return (
        raised.ending not in _BAD
        and isinstance(after, Confirmed)
        and after.audited.verdict.decision is Decision.VERIFIED
    )
