"""Judges a domain against its baseline, and keeps that current.

A baseline is replaced where a verification passed and what it holds has changed, and where an
operator accepts today's state; a mismatch never replaces it, it only adds to its trail.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from host_agent import times
from host_agent.case import kept_evidence
from host_agent.case.case import Case, Occasion
from host_agent.case.gather import Gatherer, Kept
from host_agent.case.results import Audited, Confirmed, Decision, Failed
from host_agent.domain.definition import DomainXmlError
from host_agent.errors import (
    EvidenceError,
    LedgerError,
    LibvirtError,
    UpgradeJournalError,
    UsageError,
)
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence.baseline import NAMESPACE, Baseline, Event
from host_agent.evidence.baseline_element import BaselineError
from host_agent.evidence.identifiers import SALT_BYTES
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome
from host_agent.guard import guarded, said
from host_agent.hypervisor import Domain
from host_agent.missing import Missing, Reason
from host_agent.records import entry as ledger_entry
from host_agent.records import hiding, staged, upgrade_record
from host_agent.records.entry import Entry
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.verify import policy
from host_agent.verify.today import baseline_of, by_host_alone, differs, evidence_lacks, process_of

if TYPE_CHECKING:
    # SQLAlchemy takes as long to load as everything else together.
    from host_agent.records.ledger import Ledger

_ACCEPTED = "baseline", "accepted"
"""What trail and history say of a baseline that an operator took: what, verdict."""
_PAUSE = 0.5
"""Seconds between looks at a domain whose guest does not answer yet."""
_NOT_YET = {
    Reason.NO_AGENT, Reason.SILENT, Reason.BUSY, Reason.PAUSED, Reason.HUNG, Reason.EARLY,
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Verifier:
    """Verifies domains of one host."""

    gatherer: Gatherer
    ledger: "Ledger | None"
    """None: no history is kept."""
    upgrades: UpgradeJournal | None = None
    """Where a staged upgrade is written down, that comes true at a start; None: there are none."""
    clock: Callable[[], float] = time.time
    clear_identifiers: bool = False
    """Whether addresses and serial numbers are kept as they are, and not hashed."""

    def confirm(self, domain: Domain, wait: float = 0.0) -> Confirmed | Failed:
        """Judge a domain against its baseline; ``wait`` seconds for its guest to answer."""
        until = time.monotonic() + wait
        while True:
            # Written so that no number, not even nan, waits for ever.
            final = not time.monotonic() < until
            result = self.attempt(domain, final=final)
            if result is not None:
                return result
            time.sleep(min(_PAUSE, max(0.0, until - time.monotonic())))
            self.gatherer = self.gatherer.refreshed()

    def attempt(
        self,
        domain: Domain,
        *,
        final: bool,
        another_boot: bool = False,
        first: bool = False,
        refresh: bool = False,
        enough: Callable[[Case], bool] = lambda _: True,
    ) -> Confirmed | Failed | None:
        """Judge a domain once; None: its guest does not answer yet, and this is not the last try.

        ``another_boot``: an answer of the boot that the baseline knows is none yet. ``first``: a
        domain without a baseline gets one where all else is right. ``refresh``: today's state
        becomes the baseline where nothing fails. ``enough``: what else is waited for.
        """
        try:
            case = self.gatherer.case(domain)
        except (LibvirtError, DomainXmlError) as error:
            return self._failed(domain, str(error)) if final else None
        except Exception as error:  # noqa: BLE001 - another look would not help
            return self._failed(domain, said(error))
        if not final and not (_answers(case, another_boot=another_boot) and enough(case)):
            return None
        return guarded(
            lambda: self._judged(domain, case, first=first, refresh=refresh),
            lambda why: self._failed(domain, why),
        )

    def _judged(self, domain: Domain, case: Case, *, first: bool, refresh: bool) -> Confirmed:
        # One that is there and can't be used is not replaced unasked: what it knew is unknown.
        none = isinstance(case.baseline, Missing) and case.baseline.reason is Reason.ABSENT
        fresh = first and none
        judged = policy.judge(case, against_baseline=not fresh)
        stays = kept_evidence.uncompared(judged.findings)
        keep = judged.decision is Decision.VERIFIED and (
            differs(case, stays) or fresh or refresh or self._otherwise_kept(case)
        )
        complaints = _of_baseline(case)
        told, salt = (case.occasion.value, judged.decision or "not running"), self._salt(case)
        kept, unwritten = self._keep(domain, case, told, complaints, salt, keep=keep, stays=stays)
        audited = Audited(case=case, verdict=judged)
        self._tell(audited, complaints, salt)
        self._settle(audited, complaints, salt)
        return Confirmed(
            audited=audited, kept=kept, unwritten=unwritten, complaints=tuple(complaints), salt=salt
        )

    def accept(self, domain: Domain) -> Confirmed | Failed:
        """Make today's state the baseline; a domain that can't give evidence is refused."""
        return guarded(lambda: self._accepted(domain), lambda why: self._failed(domain, why))

    def _accepted(self, domain: Domain) -> Confirmed | Failed:
        case = self.gatherer.case(domain)
        judged = policy.judge(replace(case, occasion=Occasion.AUDIT))
        lacking = evidence_lacks(case)
        if lacking is not None:
            return self._failed(domain, f"no baseline: {lacking.sentence}", tell=False)
        if case.elsewhere:
            where = " and ".join(one.host for one in case.elsewhere)
            return self._failed(
                domain,
                f"no baseline: it runs on {where} as well, and either may be the copy",
                tell=False,
            )
        complaints: list[str] = []
        salt = self._salt(case)
        kept, unwritten = self._keep(domain, case, _ACCEPTED, complaints, salt, keep=True)
        audited = Audited(case=case, verdict=judged)
        if kept:
            self._tell(audited, complaints, salt, as_=_ACCEPTED)
        return Confirmed(
            audited=audited, kept=kept, unwritten=unwritten, complaints=tuple(complaints), salt=salt
        )

    def _salt(self, case: Case) -> bytes | None:
        """The salt stays as long as the domain has a baseline: its history has the same tokens."""
        if self.clear_identifiers:
            return None
        before = case.baseline.salt if isinstance(case.baseline, Baseline) else None
        return before or secrets.token_bytes(SALT_BYTES)

    def _otherwise_kept(self, case: Case) -> bool:
        """Tell whether a baseline that today's state may replace has its identifiers otherwise."""
        before = case.baseline
        return (
            isinstance(before, Baseline)
            and (before.salt is None) is not self.clear_identifiers
            and (isinstance(case.observation, Observation) or by_host_alone(before.observation))
        )

    def _failed(self, domain: Domain, error: str, *, tell: bool = True) -> Failed:
        failed = Failed(name=domain.name, uuid=str(domain.uuid), error=error)
        if tell and self.ledger is not None:
            entry = failed_entry(failed, time=self.clock(), host=self.gatherer.facts.name)
            trouble = guarded(partial(self.ledger.append, entry), str)
            if trouble is not None:
                failed = replace(failed, error=f"{error}; and no history: {trouble}")
        return failed

    def _keep(
        self,
        domain: Domain,
        case: Case,
        told: tuple[str, str],
        complaints: list[str],
        salt: bytes | None,
        *,
        keep: bool,
        stays: frozenset[str] = frozenset(),
    ) -> tuple[bool, str | None]:
        """Write the baseline, or only its trail; ``told`` is what the trail says: what, verdict.

        ``stays``: groups of evidence that were not compared, of which the old one is kept.

        Returns whether today's state is the baseline, and the element where libvirt refused it.
        """
        before = case.baseline if isinstance(case.baseline, Baseline) else None
        wanted = baseline_of(case, self.clock(), stays) if keep else before
        if wanted is None or case.declared.active is None:
            return False, None
        if not keep and not _is_news(case, told, before):
            return False, None
        event = Event(
            time=self.clock(),
            host=case.host,
            qemu=case.qemu,
            occasion=told[0],
            verdict=told[1],
            process=process_of(case),
        )
        trail = (*_trail(case), event)[-baselines.MAX_EVENTS :]
        try:
            # What is kept of before may be hashed; it can't be told, and stays so.
            kept_with = salt or wanted.salt
            element = baselines.to_element(replace(wanted, trail=trail, salt=kept_with))
        except BaselineError as error:
            complaints.append(f"the baseline was not written: {error}")
            return False, None
        trouble = write(domain, element, persistent=case.declared.persistent is not None)
        if trouble is not None:
            complaints.append(f"the baseline was not written: {trouble}")
        # The copy serves where an owner's XML loses the element, so it is made all the same.
        self._copy(domain, element, complaints)
        return keep and trouble is None, None if trouble is None else element

    def _copy(self, domain: Domain, element: str, complaints: list[str]) -> None:
        if self.ledger is None:
            return
        try:
            self.ledger.keep_baseline(
                str(domain.uuid), element, time=self.clock(), host=self.gatherer.facts.name
            )
        except LedgerError as error:
            complaints.append(f"no copy of the baseline: {error}")

    def _settle(self, audited: Audited, complaints: list[str], salt: bytes | None) -> None:
        """Close a staged upgrade that this start has applied."""
        if self.upgrades is None:
            return
        try:
            record = staged.settle(self.upgrades, _as_kept(audited, salt), self.clock())
        except (UpgradeJournalError, UsageError) as error:
            complaints.append(f"the upgrade stays staged: {error}")
            return
        if record is None or self.ledger is None:
            return
        try:
            self.ledger.append(upgrade_record.entry(record, qemu=audited.case.qemu))
        except LedgerError as error:
            complaints.append(f"no history: {error}")

    def _tell(
        self,
        audited: Audited,
        complaints: list[str],
        salt: bytes | None,
        as_: tuple[str, str] | None = None,
    ) -> None:
        """Add to the history; ``as_``: another occasion and word than the verdict's."""
        case = audited.case
        if self.ledger is None:
            return
        entry = ledger_entry.of(
            audited, time=self.clock(), host=case.host, qemu=case.qemu, salt=salt
        )
        if as_ is not None:
            entry = replace(entry, occasion=as_[0], verdict=as_[1])
        try:
            self.ledger.append(entry)
        except LedgerError as error:
            complaints.append(f"no history: {error}")


def failed_entry(failed: Failed, *, time: float, host: str) -> Entry:
    """Return what history says of a domain that could not be looked at."""
    trouble = Finding(check="domain", outcome=Outcome.UNKNOWN, sentence=failed.error)
    entry = Entry(
        time=time,
        host=host,
        uuid=failed.uuid,
        name=failed.name,
        occasion=Occasion.AUDIT,
        verdict="failed",
        findings=(trouble,),
    )
    return ledger_entry.bounded(entry)


def _as_kept(audited: Audited, salt: bytes | None) -> Audited:
    """Return a verdict whose findings name no identifiers."""
    findings = hiding.hidden(audited.verdict.findings, audited.case, salt)
    return replace(audited, verdict=replace(audited.verdict, findings=findings))


def write(domain: Domain, element: str, *, persistent: bool) -> str | None:
    """Put a baseline into a domain's metadata; returns why that was refused, None: it was not."""
    try:
        domain.set_metadata(element, baselines.PREFIX, NAMESPACE, live=True, persistent=persistent)
    except (EvidenceError, LibvirtError) as error:
        return str(error)
    return None


def _of_baseline(case: Case) -> list[str]:
    """Say that the baseline is not the domain's own, whatever the verdict by it."""
    before = case.baseline
    if case.occasion is Occasion.REVERTED and case.newer is not None:
        return [
            "held against the snapshot's own baseline; the ledger keeps that of "
            f"{times.day(case.newer.taken)}, which is newer"
        ]
    if isinstance(before, Missing) or before.instead_of is None:
        return []
    return [f"held against the ledger's copy of the baseline: {before.instead_of}"]


def _answers(case: Case, *, another_boot: bool) -> bool:
    """Tell whether nothing more is to be waited for."""
    seen = case.observation
    if isinstance(seen, Missing):
        # Of a domain without the channel, its firmware's tables in memory are all that there is.
        last = case.memory if seen.reason is Reason.NOT_ENROLLED else seen
        return not (isinstance(last, Missing) and last.reason in _NOT_YET)
    same = isinstance(case.baseline, Baseline) and seen.boot_id == case.baseline.observation.boot_id
    return not (another_boot and same)


def _trail(case: Case) -> tuple[Event, ...]:
    """Return what happened so far, and what a snapshot knows nothing of where the ledger does."""
    before = case.baseline.trail if isinstance(case.baseline, Baseline) else ()
    if case.newer is None:
        return before
    both = dict.fromkeys((*before, *case.newer.trail))
    return tuple(sorted(both, key=lambda event: event.time))


def _is_news(case: Case, told: tuple[str, str], before: Baseline | None) -> bool:
    """Tell whether the trail should have it: something happened, and it was not told yet."""
    last = before.trail[-1] if before and before.trail else None
    if case.occasion is Occasion.AUDIT:
        return False
    return last is None or (last.host, last.occasion, last.verdict, last.process) != (
        case.host,
        *told,
        process_of(case),
    )


def arrived(running: Running | None, since: float) -> bool:
    """Tell whether a domain came to this host by live migration, or was restored, since a time.

    ``-incoming`` stays on the command line of such a process (QEMU qemu-options.hx), whatever
    libvirt's reason for the state is by then.
    """
    return running is not None and running.started >= since and "-incoming" in running.arguments


def kept_in(ledger: "Ledger | None") -> Kept:
    """Return what reads copies of baselines; where the ledger can't be read, none is kept."""

    def kept(uuid: UUID) -> str | None:
        try:
            return None if ledger is None else ledger.baseline(str(uuid))
        except LedgerError:
            return None

    return kept
