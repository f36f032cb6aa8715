"""The job ``forget``: what is kept of domains is removed, wherever it is kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from host_agent.domain.definition import parse
from host_agent.errors import (
    EvidenceError,
    LedgerMissingError,
    NoDomainError,
    UpgradeJournalError,
)
from host_agent.evidence.baseline import NAMESPACE
from host_agent.guard import guarded, said
from host_agent.hypervisor import Domain, Hypervisor, connected
from host_agent.hypervisor.selection import present
from host_agent.printable import argument
from host_agent.records.remembered import Forgetting, Forgotten, Remembered
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import UNDER_WAY, Step

if TYPE_CHECKING:
    # SQLAlchemy takes as long to load as everything else together.
    from host_agent.records.ledger import Ledger

_PENDING = UNDER_WAY | {Step.PLANNED, Step.STAGED}

Agree = Callable[[Sequence[Remembered], str], bool]
"""Shows somebody what is kept, and in which ledger, and tells whether to remove it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which domains, and where to look."""

    uri: str
    names: Sequence[str]
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    domain: Domain | None
    remembered: Remembered


def forget(
    options: Options, ledger: "Ledger", upgrades: UpgradeJournal, agree: Agree
) -> Forgetting:
    """Look for what is kept, ask, and remove it.

    Raises ``LibvirtError`` where the host can't be reached, ``UsageError`` for a name of none, and
    ``LedgerError`` where the ledger can't be read: what it holds would stay.
    """
    with connected(options.uri) as hypervisor:
        there = present(hypervisor.domains(), options.names, options.uri)
        found: dict[str, _Found] = {}
        for name in options.names:
            one = _look(name, there.get(name), hypervisor, ledger, upgrades)
            found[one.remembered.uuid] = one
        kept = [one.remembered for one in found.values()]
        wanted = not options.dry_run and any(one.anything and not one.refused for one in kept)
        agreed = not wanted or agree(kept, ledger.place)
        results: list[Forgotten] = []
        interrupted = False
        try:
            for one in found.values():
                do = wanted and agreed and not one.remembered.refused
                gone = _removed(one, ledger, upgrades) if do else None
                results.append(gone or Forgotten(remembered=one.remembered))
        except KeyboardInterrupt:
            interrupted = True
        return Forgetting(
            agreed=agreed,
            dry_run=options.dry_run,
            ledger=ledger.place,
            results=tuple(results),
            interrupted=interrupted,
        )


def _look(
    name: str,
    domain: Domain | None,
    hypervisor: Hypervisor,
    ledger: "Ledger",
    upgrades: UpgradeJournal,
) -> _Found:
    if domain is None:
        remembered = _from_history(name, hypervisor, ledger)
    else:
        remembered = _of_domain(domain, hypervisor)
    uuid = UUID(remembered.uuid)
    try:
        entries, copies = ledger.count(remembered.uuid)
    except LedgerMissingError:
        entries = copies = 0
    remembered = replace(remembered, entries=entries, copies=copies)
    try:
        record = upgrades.read(uuid)
    except UpgradeJournalError as error:
        return _Found(domain=domain, remembered=replace(remembered, refused=str(error)))
    if record is not None:
        remembered = replace(remembered, upgrades=True)
    if record is not None and record.step in _PENDING:
        remembered = replace(
            remembered,
            refused=f"a machine-type upgrade of it is {record.step}",
            remedy=f"finish it: samemachine upgrade {argument(name, uuid)}; or "
            f"samemachine rollback {argument(name, uuid)}",
        )
    return _Found(domain=domain, remembered=remembered)


def _of_domain(domain: Domain, hypervisor: Hypervisor) -> Remembered:
    def carries(*, inactive: bool) -> bool:
        return NAMESPACE in parse(domain.xml(inactive=inactive)).metadata

    found = Remembered(name=domain.name, uuid=str(domain.uuid))
    try:
        found = replace(
            found,
            live=domain.is_active() and carries(inactive=False),
            persistent=domain.is_persistent() and carries(inactive=True),
        )
        if found.live or found.persistent:
            hypervisor.need_writing("the baseline can't be removed")
    except EvidenceError as error:
        return replace(found, refused=str(error), remedy=error.missing.remedy)
    except Exception as error:  # noqa: BLE001 - one domain must not keep the others
        return replace(found, refused=said(error))
    return found


def _from_history(name: str, hypervisor: Hypervisor, ledger: "Ledger") -> Remembered:
    """A domain that the host has no more; its baseline went along with it."""
    try:
        entry = ledger.newest(name, hypervisor.host_name)
    except LedgerMissingError:
        entry = None
    if entry is None:
        raise NoDomainError(
            f"neither {hypervisor.uri} nor the ledger {ledger.place} knows a domain {name!r}", name
        )
    return Remembered(name=entry.name, uuid=entry.uuid, here=False)


def _removed(found: _Found, ledger: "Ledger", upgrades: UpgradeJournal) -> Forgotten:
    """Remove each part; what can't be removed costs no other part."""
    remembered = found.remembered
    words = remembered.parts(ledger.place)
    removed: list[str] = []
    errors: list[str] = []

    def remove(do: Callable[[], None]) -> None:
        sentence = next(words)
        trouble = guarded(do, str)
        if trouble is None:
            removed.append(sentence)
        else:
            errors.append(f"{sentence}: {trouble}")

    def remove_journal() -> None:
        with upgrades.locked(UUID(remembered.uuid)) as journal:
            journal.forget()

    domain = found.domain
    if domain is not None and (remembered.live or remembered.persistent):
        remove(
            lambda: domain.remove_metadata(
                NAMESPACE, live=remembered.live, persistent=remembered.persistent
            )
        )
    if remembered.entries or remembered.copies:
        remove(lambda: ledger.forget(remembered.uuid))
    if remembered.upgrades:
        remove(remove_journal)
    return Forgotten(remembered=remembered, removed=tuple(removed), errors=tuple(errors))
