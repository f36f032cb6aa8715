"""Looks at a domain that is to be raised, and at every host that has a say in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from host_agent import untrusted_xml
from host_agent.case.gather import Gatherer
from host_agent.case.telling import Telling
from host_agent.difference import Difference, with_rehearsal
from host_agent.domain import definition_edit, owner, snapshots
from host_agent.domain.definition import Definition, DomainXmlError, parse
from host_agent.domain.definition_edit import EditError
from host_agent.errors import EvidenceError, LibvirtError, UpgradeJournalError, UsageError
from host_agent.hypervisor import Domain, Facts
from host_agent.hypervisor.connection import QEMU
from host_agent.machine_types import offers as offer_lists
from host_agent.machine_types import target as targets
from host_agent.machine_types.target import Target
from host_agent.missing import NOT_RUNNING, Missing, Reason
from host_agent.printable import argument
from host_agent.records.upgrade_journal import UpgradeJournal
from host_agent.records.upgrade_record import Record, Step
from host_agent.upgrade import steps
from host_agent.upgrade.facts import Raising
from host_agent.upgrade.steps import Beginning

if TYPE_CHECKING:
    from host_agent.evidence.measured import Outlook
    from host_agent.evidence.what_guests_notice import Notice
    from host_agent.machine_types.offers import Offer

_JOB_SECONDS = 5.0
_SNAPSHOT_SECONDS = 10.0
"""Of what a rehearsal says more than QEMU alone, which has no devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to become of the domains."""

    to: str | None = None
    """The machine type; None: the newest that every host offers."""
    back: bool = False
    """Whether it is the one that each had before."""
    stage: bool = False
    start: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Looks at domains of one host."""

    asked: Asked
    gatherer: Gatherer
    facts: Sequence[Facts]
    """Of every host that must offer the target; the first is the domains' own."""
    upgrades: UpgradeJournal

    def of(self, domain: Domain) -> Raising:
        """Look at one domain; raises ``LibvirtError``."""
        try:
            active = parse(domain.xml(inactive=False)) if domain.is_active() else None
            text = domain.xml(inactive=True) if domain.is_persistent() else None
            persistent = None if text is None else parse(text)
        except DomainXmlError as error:
            raise LibvirtError(f"{domain.name}: {error}") from error
        definition = persistent or active
        if definition is None:
            raise LibvirtError(f"{domain.name}: it stopped while it was looked at")
        current = self._own_name(definition, definition.machine or "")
        resumed = trouble = None
        try:
            resumed = self._resumed(definition, current)
        except (UpgradeJournalError, UsageError) as error:
            trouble = str(error)
        target = self._target(definition, current, resumed)
        old, new = self._xmls(text, target, resumed)
        try:
            denied, saved = None, domain.lifecycle().has_managed_save()
            remembered = _memory_snapshots(domain)
        except EvidenceError as error:
            denied, saved, remembered = str(error), False, ()
        return Raising(
            name=domain.name,
            uuid=domain.uuid,
            persistent=persistent,
            active=active,
            state=domain.state()[0],
            owner=owner.of(definition),
            current=current,
            target=target,
            hosts=tuple(facts.name for facts in self.facts),
            job=None if denied or active is None else domain.job(_JOB_SECONDS),
            saved=saved,
            snapshots=remembered,
            on_poweroff=_on_poweroff(text),
            changed=definition_edit.changed_lines(old, new) if old and new else (),
            forecast=self._forecast(definition, old, new),
            noticed=self._noticed(definition, old, new),
            rehearsed=self.gatherer.rehearsal is not None,
            sealed=self._sealed(domain, active, old, new),
            denied=denied,
            stage=self.asked.stage,
            start=self.asked.start,
            back=self.asked.back,
            resumed=resumed,
            trouble=trouble,
        )

    def _own_name(self, definition: Definition, machine: str) -> str:
        names = self.gatherer.aliases.get((definition.architecture, definition.emulator or ""), {})
        return names.get(machine, machine)

    def _resumed(self, definition: Definition, current: str) -> Record | None:
        """Return the record that is gone on from; None: it begins anew."""
        name, asked = definition.name, self.asked
        record = self.upgrades.read(definition.uuid)
        if asked.back:
            if record is None:
                raise UsageError(
                    f"{name}: no upgrade was begun from this machine; there is nothing to roll back"
                )
            return record
        if steps.beginning(record, current) is Beginning.ANEW or record is None:
            return None
        if asked.to is not None and self._own_name(definition, asked.to) != record.new:
            called = argument(name, definition.uuid)
            raise UsageError(
                f"{name}: its upgrade to {record.new} is {_how_far(record)}; first finish it "
                f"(samemachine upgrade {called}) or samemachine rollback {called}"
            )
        return record

    def _target(self, definition: Definition, current: str, resumed: Record | None) -> Target:
        if self.facts[0].driver != QEMU:
            return Target(name=None, why=f"libvirt's {self.facts[0].driver} driver runs no QEMU")
        offers: list[Mapping[str, Offer]] = []
        for facts in self.facts:
            offered = offer_lists.offers(
                facts.capabilities, definition.architecture, definition.emulator or ""
            )
            if offered is None:
                return Target(
                    name=None,
                    why=f"{facts.name} does not have {definition.emulator} for "
                    f"{definition.architecture}: what it offers is not known",
                )
            offers.append(offered)
        if resumed is not None:
            goal = resumed.old if self.asked.back else resumed.goal
            if goal in offers[0]:
                return Target(
                    name=goal,
                    why="as it was begun" if not self.asked.back else "what it was before",
                )
            return Target(name=None, why=f"{self.facts[0].name} does not offer {goal} any more")
        bios = definition.firmware == "bios"
        if self.asked.to is not None:
            return targets.chosen(current, self.asked.to, offers, bios=bios)
        return targets.best(current, offers, bios=bios)

    def _xmls(
        self, text: str | None, target: Target, resumed: Record | None
    ) -> tuple[str | None, str | None]:
        """Return the definition before and after."""
        if text is None or target.name is None:
            return None, None
        try:
            old = text if resumed is None else definition_edit.with_machine(text, resumed.old)
            if resumed is not None and self.asked.back:
                old = definition_edit.with_machine(text, resumed.new)
            return old, definition_edit.with_machine(text, target.name)
        except EditError:
            return None, None

    def _forecast(
        self, definition: Definition, old: str | None, new: str | None
    ) -> tuple[Difference, ...] | Missing:
        if old is None or new is None or old == new:
            return ()
        if self.gatherer.processes is None:
            return Missing(
                reason=Reason.UNSUPPORTED,
                sentence="a QEMU can be asked only on its own host",
                remedy="run samemachine there",
            )
        if self.gatherer.probe is None:
            return Missing(reason=Reason.ABSENT, sentence="probes were switched off (--no-probe)")
        hypervisor, rehearsal = self.gatherer.hypervisor, self.gatherer.rehearsal
        served = self.gatherer.probe.differences(hypervisor, definition, old, new)
        if rehearsal is None or isinstance(served, Missing):
            return served
        if isinstance(rehearsal, Missing):
            return rehearsal
        made = rehearsal.differences(hypervisor, definition, old, new)
        return made if isinstance(made, Missing) else with_rehearsal(served, made)

    def _noticed(
        self, definition: Definition, old: str | None, new: str | None
    ) -> "tuple[Notice, ...]":
        gatherer = self.gatherer
        rehearsal = gatherer.rehearsal
        if old is None or new is None or old == new:
            return ()
        if rehearsal is None or isinstance(rehearsal, Missing):
            return ()
        return rehearsal.noticed(gatherer.hypervisor, definition, old, new)

    def _sealed(
        self, domain: Domain, active: Definition | None, old: str | None, new: str | None
    ) -> "Outlook | Missing | None":
        gatherer = self.gatherer
        if old is None or new is None or old == new or gatherer.rehearsal is None:
            return None
        definition = parse(new)
        if definition.tpm is None:
            return None
        if isinstance(gatherer.rehearsal, Missing):
            return gatherer.rehearsal
        if active is None or gatherer.processes is None:
            return NOT_RUNNING
        running = gatherer.processes.of(active.name, active.uuid, active.guest_uuid)
        if running is None:
            return NOT_RUNNING
        guest = Telling(uri=gatherer.dialler.uri, opened=gatherer.dialler.opened).tpm(
            domain, running
        )
        if isinstance(guest, Missing):
            return guest
        from host_agent.qemu.domain_tpm import DomainTpm  # noqa: PLC0415 - few have a TPM

        try:
            arguments = gatherer.hypervisor.native_arguments(new)
        except EvidenceError as error:
            return error.missing
        tpm = DomainTpm(domain, running, active, guest, read_esp=gatherer.read_esp)
        return tpm.start(arguments)


def _how_far(record: Record) -> str:
    return "staged" if record.step is Step.STAGED else f"half done ({record.step})"


def _memory_snapshots(domain: Domain) -> tuple[str, ...]:
    """Return the names of the snapshots that hold a running guest."""
    try:
        found = [snapshots.parse(text) for text in domain.snapshots_xml(_SNAPSHOT_SECONDS)]
    except EvidenceError as error:
        if error.missing.reason is Reason.HUNG:
            raise LibvirtError(f"{domain.name}: {error}") from error
        raise
    except DomainXmlError as error:
        raise LibvirtError(f"{domain.name}: {error}") from error
    return tuple(one.name for one in found if one.memory)


def _on_poweroff(text: str | None) -> str:
    if text is None:
        return "destroy"
    found = untrusted_xml.parse(text).findtext("on_poweroff")
    return (found or "destroy").strip()
