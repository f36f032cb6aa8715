"""Upgrades that wait for a domain's next start, or are under way, as who verifies it needs them."""

from dataclasses import replace
from uuid import UUID

from host_agent.case.gather import Raised
from host_agent.case.results import Audited, Decision
from host_agent.errors import UpgradeJournalError
from host_agent.finding import Outcome
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import UNDER_WAY, Record, Step


def raised_in(upgrades: UpgradeJournal) -> Raised:
    """Return what says to which machine type a domain is on its way."""

    def raised(uuid: UUID) -> str | None:
        try:
            record = upgrades.read(uuid)
        except UpgradeJournalError:
            # Who upgrades is told of the damage; who verifies goes by the rest.
            return None
        return record.goal if record and record.step in UNDER_WAY | {Step.STAGED} else None

    return raised


def settle(upgrades: UpgradeJournal, audited: Audited, now: float) -> Record | None:
    """Write down that a staged upgrade has come true; returns its record, None: nothing to write.

    Without a verdict it stays staged: the next verification says it. Raises
    ``UpgradeJournalError``, and ``UsageError`` where another program works on the domain.
    """
    case, decision = audited.case, audited.verdict.decision
    active = case.declared.active
    if case.raised_to is None or active is None or decision in {None, Decision.UNVERIFIED}:
        return None
    if case.aliases.get(active.machine or "", active.machine) != case.raised_to:
        return None
    with upgrades.locked(active.uuid) as journal:
        record = journal.read()
        if record is None or record.step is not Step.STAGED:
            return None
        failed = [one for one in audited.verdict.findings if one.outcome is Outcome.FAIL]
        settled = replace(
            record,
            changed=now,
            step=Step.FAILED if failed else Step.APPLIED,
            reason=failed[0].sentence if failed else None,
        )
        journal.write(settled)
        return settled
