"""One domain's way from one machine type to another, and back where that does not go well.

Looks, records the step, takes it, looks again (``upgrade_steps``). What goes wrong on the way
forward turns the domain back; what goes wrong on the way back is left as it is, and said.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.case.gather import Gatherer
from host_agent.case.results import Confirmed, Decision, Depth, Failed
from host_agent.domain import definition_edit
from host_agent.domain.definition import parse
from host_agent.domain.definition_edit import EditError
from host_agent.errors import LedgerError, LibvirtError, UpgradeJournalError
from host_agent.finding import Outcome
from host_agent.hypervisor import Domain
from host_agent.missing import Missing
from host_agent.records import hiding, upgrade_record
from host_agent.records.systemd_journal import Journal, Priority, verdict_fields
from host_agent.records.upgrade_journal import DomainJournal
from host_agent.records.upgrade_record import Direction, Record, Step
from host_agent.upgrade import steps
from host_agent.upgrade.steps import STEPS, Action, Seen
from host_agent.verify import policy
from host_agent.verify.verifier import Verifier

if TYPE_CHECKING:
    # SQLAlchemy takes as long to load as everything else together.
    from host_agent.records.ledger import Ledger

_PAUSE = 0.5
_ASK_AGAIN = 30.0
"""Seconds after which a guest that is still booting, and heard nothing, is asked again."""
_SILENT_SECONDS = 30.0
"""How long a guest that did not come up may take to heed a shutdown, before it is powered off."""
_FIRMWARE_SECONDS = 60.0
"""From a start until the firmware has left its tables in memory, on a busy host."""
_MOST_ACTIONS = 20
"""More than any way takes: somebody else is changing the domain, again and again."""
_DEPTHS = (None, Depth.HOST, Depth.MEMORY, Depth.GUEST)

Told = Callable[[Record], None]
"""Is told of each step before it is taken."""


class StepError(Exception):
    """A step could not be taken; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a guest may take, in seconds."""

    shutdown: float = 300.0
    wait: float = 300.0
    """From its start until its agent answers."""
    force_off: bool = False
    """Whether a guest that does not shut down in time is powered off."""


@dataclass(slots=True, kw_only=True)
class UpgradeRun:
    """Takes one domain's steps. Whoever makes it holds the domain's journal."""

    domain: Domain
    gatherer: Gatherer
    journal: DomainJournal
    ledger: "Ledger | None"
    patience: Patience
    interrupted: Callable[[], bool]
    """Whether the operator has asked to end it."""
    told: Told
    log: Journal
    clock: Callable[[], float] = time.time
    clear_identifiers: bool = False
    """Whether addresses and serial numbers are kept as they are, and not hashed."""

    after: Confirmed | Failed | None = field(default=None, init=False)
    """The newest verdict on what was done; None: there was nothing to judge."""
    notes: list[str] = field(default_factory=list, init=False)
    """What else has to be told."""
    _last: Record | None = field(default=None, init=False)
    _again: bool = field(default=False, init=False)

    def look(self) -> Seen:
        """Return what libvirt says now; raises ``LibvirtError``, ``DomainXmlError``."""
        domain = self.domain
        persistent = self._machine(inactive=True) if domain.is_persistent() else None
        active = self._machine(inactive=False) if domain.is_active() else None
        return Seen(
            active=active, persistent=persistent, saved=domain.lifecycle().has_managed_save()
        )

    def before(self) -> Confirmed | Failed:
        """Verify the domain as it is, and make that its baseline unless it is wrong already."""
        verifier = self._verifier()
        now = verifier.confirm(self.domain)
        if isinstance(now, Failed) or now.audited.verdict.decision is Decision.MISMATCH:
            return now
        accepted = verifier.accept(self.domain)
        # Where no baseline can be had, the verdict still says how deep it went.
        return accepted if isinstance(accepted, Confirmed) else now

    def carry_out(self, record: Record) -> Record:
        """Bring the domain to its goal, or back; returns the record of how it ended.

        Raises ``LibvirtError`` where libvirt is gone: the record then says how to go on.
        """
        for _ in range(_MOST_ACTIONS):
            seen = self.look()
            action = steps.next_action(record, seen)
            if action is Action.LEAVE:
                why = steps.hindrance(record, seen) or ""
                return self._ended(record, Step.FAILED, _both(record.reason, why))
            if action is Action.FINISH:
                return self._ended(record, steps.ended(record, action), record.reason)
            try:
                record = self._recorded(replace(record, step=STEPS[action]))
                if record.direction is Direction.FORWARD and self.interrupted():
                    raise StepError("interrupted")
                record, done = self._take(action, record)
            except (StepError, EditError) as error:
                record = self._last or record
                if record.direction is Direction.BACK:
                    return self._ended(record, Step.FAILED, _both(record.reason, str(error)))
                back = replace(record, direction=Direction.BACK, reason=str(error))
                record = self._recorded(back)
                continue
            if done:
                return self._ended(record, steps.ended(record, action), record.reason)
        why = "somebody else starts or stops it again and again"
        return self._ended(record, Step.FAILED, _both(record.reason, why))

    def _take(self, action: Action, record: Record) -> tuple[Record, bool]:
        """Take a step; returns the record, and whether nothing more is to be done."""
        if action is Action.STOP:
            record = self._recorded(replace(record, stopped=True))
            self._stop(record)
        elif action is Action.DEFINE:
            self._define(record)
        elif action is Action.START:
            record = self._recorded(replace(record, stopped=True))
            self._try(self.domain.lifecycle().start, "it does not start")
        else:
            return record, self._verify(record)
        return record, False

    def _stop(self, record: Record) -> None:
        """Ask the guest to shut down, and wait for it."""
        lifecycle = self.domain.lifecycle()
        back = record.direction is Direction.BACK
        given_up = back and record.silent
        limit = min(_SILENT_SECONDS, self.patience.shutdown) if given_up else self.patience.shutdown
        until, ask, asked = time.monotonic() + limit, 0.0, 0
        trouble = ""
        while self.domain.is_active():
            now = time.monotonic()
            if now >= until:
                break
            if not back and self.interrupted():
                raise StepError("interrupted while its guest was shutting down")
            if now >= ask:
                try:
                    # In turns: an agent may answer and do nothing, a button may be switched off.
                    lifecycle.ask_to_shut_down(by_acpi=asked % 2 == 1)
                    trouble = ""
                except LibvirtError as error:
                    # Its agent may be gone; it may be shutting down already.
                    trouble = f" ({error})"
                ask, asked = now + _ASK_AGAIN, asked + 1
            time.sleep(_PAUSE)
        if not self.domain.is_active():
            return
        if not (given_up or self.patience.force_off):
            raise StepError(f"its guest did not shut down within {limit:.0f} s{trouble}")
        if given_up:
            self.notes.append("its guest did not come up, and was powered off")
        self._try(lifecycle.power_off, "it can't be powered off")

    def _define(self, record: Record) -> None:
        lifecycle = self.domain.lifecycle()
        now = lifecycle.definition()
        wanted = definition_edit.with_machine(now, record.goal)
        if record.direction is Direction.BACK:
            original = self.journal.original(record)
            if not definition_edit.same_but_for_machine(now, original):
                # What somebody changed since is theirs: only the machine type goes back.
                self.notes.append(
                    "its definition was changed in other ways since; those stay. As it was: "
                    f"{self.journal.place / record.backup}"
                )
        self._try(lambda: lifecycle.define(wanted), "libvirt does not take the definition")
        defined = self._machine(inactive=True)
        if defined != record.goal:
            raise StepError(f"libvirt took the definition, but has {defined} in it")

    def _verify(self, record: Record) -> bool:
        """Wait for the guest, and judge; returns whether all is well."""
        back = record.direction is Direction.BACK
        until = time.monotonic() + self._wait(record)
        result = None
        while result is None:
            stop = not back and self.interrupted()
            final = stop or not time.monotonic() < until or not self.domain.is_active()
            result = self._verifier().attempt(
                self.domain, final=final, enough=lambda case: _deep_enough(case, record)
            )
            if result is None:
                time.sleep(_PAUSE)
        self.after = result
        why = trouble(record, result)
        if why is None:
            return True
        if back and not self._again and isinstance(result, Confirmed) and _is_off(result):
            # It heeded, late, that it had been asked to shut down.
            self._again = True
            return False
        if not back:
            if self.interrupted():
                why = f"interrupted, and by then {why}"
            # So that a rollback which is resumed knows it too.
            self._recorded(replace(record, silent=not _came_up(record, result)))
        raise StepError(why)

    def _wait(self, record: Record) -> float:
        if record.direction is Direction.BACK and not record.stopped:
            # One that was never stopped need not come up.
            return 0.0
        if record.depth in {Depth.MEMORY, Depth.HOST}:
            # Its guest did not answer before either.
            return min(self.patience.wait, _FIRMWARE_SECONDS)
        return self.patience.wait

    def _verifier(self) -> Verifier:
        return Verifier(
            gatherer=self.gatherer.refreshed(),
            ledger=self.ledger,
            clock=self.clock,
            clear_identifiers=self.clear_identifiers,
        )

    def _machine(self, *, inactive: bool) -> str | None:
        definition = parse(self.domain.xml(inactive=inactive))
        names = self.gatherer.aliases.get((definition.architecture, definition.emulator or ""), {})
        return names.get(definition.machine or "", definition.machine)

    def _try(self, function: Callable[[], None], what: str) -> None:
        try:
            function()
        except LibvirtError as error:
            raise StepError(f"{what}: {error}") from error

    def _recorded(self, record: Record) -> Record:
        """Write down what is about to be done; forward, nothing is done that was not."""
        written = replace(record, changed=self.clock())
        try:
            self.journal.write(written)
        except UpgradeJournalError as error:
            if record.direction is Direction.FORWARD:
                raise StepError(str(error)) from error
            # Whatever the disk says, the guest must be brought back.
            self.notes.append(str(error))
        self._last = written
        self.told(written)
        return written

    def _ended(self, record: Record, step: Step, reason: str | None) -> Record:
        ended = replace(record, step=step, reason=reason, changed=self.clock())
        try:
            self.journal.write(ended)
        except UpgradeJournalError as error:
            self.notes.append(str(error))
        self.told(ended)
        entry = upgrade_record.entry(ended)
        try:
            if self.ledger is not None:
                self.ledger.append(entry)
        except LedgerError as error:
            self.notes.append(f"no history: {error}")
        fields = verdict_fields(entry)
        if ended.change:
            fields["SAMEMACHINE_CHANGE"] = ended.change
        priority = Priority.ERR if step is Step.FAILED else Priority.NOTICE
        self.log.write(f"{ended.name}: {upgrade_record.sentence(ended)}", priority, fields)
        return ended


def trouble(record: Record, result: Confirmed | Failed) -> str | None:
    """Say why a domain is not as it should be on its machine type; None: it is.

    What could not be proved before need not be proved now: a domain without an agent is no failure.
    """
    if isinstance(result, Failed):
        return f"it could not be looked at: {result.error}"
    judged, case = result.audited.verdict, result.audited.case
    if judged.decision is None:
        return "it stopped by itself after its start"
    failed = [finding for finding in judged.findings if finding.outcome is Outcome.FAIL]
    if failed:
        # It is written down, in journal and ledger.
        (kept,) = hiding.hidden(failed[:1], case, result.salt)
        return f"{kept.check}: {kept.sentence}"
    if not _deep_enough(case, record):
        seen = case.observation
        why = f": {seen.sentence}" if isinstance(seen, Missing) else ""
        return f"its guest did not come up as it did before{why}"
    return None


def _deep_enough(case: Case, record: Record) -> bool:
    return _DEPTHS.index(policy.depth_of(case)) >= _DEPTHS.index(record.depth)


def _came_up(record: Record, result: Confirmed | Failed) -> bool:
    """Tell whether the guest is there; where nothing can be said, it may be."""
    return isinstance(result, Failed) or _deep_enough(result.audited.case, record)


def _is_off(result: Confirmed) -> bool:
    return result.audited.verdict.decision is None


def _both(reason: str | None, trouble: str) -> str:
    return f"{reason}; and on the way back {trouble}" if reason else trouble
