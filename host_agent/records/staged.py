"""Upgrades that waited for a domain's next start: settled by the verification after it."""

from dataclasses import replace

from host_agent.case.results import Audited, Decision
from host_agent.finding import Outcome
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Record, Step


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
