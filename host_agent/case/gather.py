"""All evidence of one domain → a ``Case``: libvirt, the QEMU process, memory, the guest, probes."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import UUID

from host_agent import asked
from host_agent.case import occasion
from host_agent.case.case import Case, SnapshotTaken
from host_agent.case.doubles import Sighting
from host_agent.case.expectation import Expectation, by_rule, with_probe
from host_agent.domain.definition import Declared, Definition, DomainXmlError
from host_agent.errors import EvidenceError
from host_agent.evidence.baseline import NAMESPACE, Baseline
from host_agent.evidence.baseline_choice import choose, newer
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware.smbios import Smbios
from host_agent.guest.dialler import Dialler, undialled
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Facts, Hypervisor, is_local
from host_agent.hypervisor.connection import QEMU
from host_agent.hypervisor.declared import declared_of
from host_agent.hypervisor.domain import Look
from host_agent.hypervisor.guest_uuids import Neighbours
from host_agent.machine_types import offers, packages, release_dates, releases
from host_agent.machine_types.surroundings import Release, Surroundings
from host_agent.missing import NOT_RUNNING, Missing, Reason
from host_agent.qemu import process as qemu_process
from host_agent.qemu.process import Processes

if TYPE_CHECKING:
    from host_agent.case.uefi_stores import UefiStores
    from host_agent.evidence.measured import Measured
    from host_agent.evidence.observation import Observation
    from host_agent.evidence.partitions import Partitions
    from host_agent.evidence.rehearsed import Rehearsed
    from host_agent.evidence.tpm_state import TpmState
    from host_agent.qemu.domain_probe import DomainProbe
    from host_agent.qemu.domain_rehearsal import DomainRehearsal
    from host_agent.qemu.tpm_states import TpmStates

_NOT_ASKED_FOR = Missing(reason=Reason.ABSENT, sentence="probes were switched off (--no-probe)")
_ELSEWHERE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="a QEMU can be asked only on its own host",
    remedy="run samemachine there",
)
_NVRAM_ELSEWHERE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="a firmware's variables can be read only on the domain's own host",
    remedy="run samemachine there",
)
_TPM_ELSEWHERE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="the state of a TPM can be seen only on the domain's own host",
    remedy="run samemachine there",
)
_RELEASE_ELSEWHERE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="a host's release can be seen only on that host",
    remedy="run samemachine there",
)
_NONE_THEN = Missing(
    reason=Reason.ABSENT,
    sentence="the snapshot to which it was reverted holds no baseline; the ledger's is of a later "
    "time",
    remedy="samemachine baseline DOMAIN",
)
_TRANSIENT = Missing(reason=Reason.ABSENT, sentence="the domain is transient")
_MONITOR_SECONDS = 3.0


Elsewhere = Mapping[tuple[UUID, str], tuple[Sighting, ...]]
"""The domains, by their guests' UUID and their name, that run twice, with where else."""

Kept = Callable[[UUID], str | None]
"""Returns a copy of a domain's baseline, an element, from where it is kept beside libvirt."""


Raised = Callable[[UUID], str | None]
"""Returns the machine type that an upgrade of a domain, staged or under way, is to give it."""


def nothing_raised(uuid: UUID) -> str | None:  # noqa: ARG001 - it is a Raised
    """Return None: nothing is upgraded."""
    return None


def nothing_kept(uuid: UUID) -> str | None:  # noqa: ARG001 - it is a Kept
    """Return None: no copy is kept anywhere."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherer:
    """What the domains of one host share while their evidence is gathered."""

    hypervisor: Hypervisor
    facts: Facts
    dialler: Dialler
    probe: "DomainProbe | None"
    """None: it was not asked for."""
    processes: Processes | None
    """None: the host's processes can't be seen from here."""
    aliases: offers.Aliases
    lists: offers.Lists
    twins: offers.Twins
    here: Release | Missing
    """The host's release."""
    seconds: float
    """What one domain may take until its guest agent has answered."""
    kept: Kept
    elsewhere: Elsewhere
    neighbours: Neighbours
    raised: Raised = nothing_raised
    rehearsal: "DomainRehearsal | Missing | None" = None
    """None: it was not asked for."""
    stores: "UefiStores | None" = None
    """None: the host's files can't be seen from here."""
    tpms: "TpmStates | None" = None
    """As ``stores``."""
    read_esp: bool = False
    """Whether disks may be read for the partitions that boot entries name."""

    @classmethod
    def on(
        cls,
        hypervisor: Hypervisor,
        uri: str,
        *,
        seconds: float,
        probe: bool,
        opened: OpenedChannels,
        kept: Kept = nothing_kept,
        raised: Raised = nothing_raised,
        elsewhere: Elsewhere = MappingProxyType({}),
        rehearse: bool = False,
        read_esp: bool = False,
        listed: Sequence[Domain] | None = None,
    ) -> "Gatherer":
        """Return one for a connection; raises ``LibvirtError``.

        ``listed``: all its domains, where they were asked for a moment ago.
        """
        facts = hypervisor.facts()
        local = is_local(uri)
        processes = qemu_process.running() if local else None
        return cls(
            hypervisor=hypervisor,
            facts=facts,
            dialler=Dialler(uri=uri, opened=opened),
            probe=_probes() if probe and facts.driver == QEMU else None,
            processes=processes,
            aliases=offers.aliases(facts.capabilities),
            lists=offers.lists(facts.capabilities),
            twins=offers.twins(facts.capabilities),
            here=_here() if local else _RELEASE_ELSEWHERE,
            seconds=seconds,
            kept=kept,
            elsewhere=elsewhere,
            neighbours=Neighbours(hypervisor.domains, facts.libvirt, listed),
            raised=raised,
            rehearsal=_rehearsals(local=local) if rehearse else None,
            stores=_stores() if local and facts.driver == QEMU else None,
            tpms=_tpms(processes) if processes and facts.driver == QEMU else None,
            read_esp=read_esp,
        )

    def refreshed(self, seconds: float | None = None) -> "Gatherer":
        """Return one that has seen the host's processes of now.

        ``seconds``: what one domain may take from now on; None: as before.
        """
        if self.probe is not None:
            self.probe.refreshed()
        processes = None if self.processes is None else qemu_process.running()
        return replace(
            self,
            processes=processes,
            tpms=None if self.tpms is None or processes is None else _tpms(processes),
            seconds=self.seconds if seconds is None else seconds,
        )

    def case(self, domain: Domain) -> Case:
        """Return all evidence of a domain; raises ``LibvirtError``, ``DomainXmlError``."""
        with asked.about(domain.name):
            return self._case(domain)

    def _case(self, domain: Domain) -> Case:
        looked = domain.look()
        declared = declared_of(looked)
        definition = declared.definition
        aliases = self.aliases.get((definition.architecture, definition.emulator or ""), {})
        expected = by_rule(definition, aliases)
        elsewhere = self._elsewhere(declared)
        if self.facts.driver != QEMU:
            nothing = Missing(
                reason=Reason.UNSUPPORTED,
                sentence=f"libvirt's {self.facts.driver} driver runs no QEMU: nothing can be asked",
            )
            return Case(
                declared=declared,
                expected=expected,
                running=nothing,
                memory=nothing,
                observation=undialled(declared, nothing) or nothing,
                now=nothing,
                next_start=nothing,
                baseline=choose(definition, self.kept),
                forecast=nothing,
                host=self.facts.name,
                aliases=aliases,
                elsewhere=elsewhere,
                raised_to=self.raised(definition.uuid),
                rehearsal=None if self.rehearsal is None else nothing,
            )
        running = self._running(declared)
        memory = self._memory(domain, declared, running)
        if definition.channel and isinstance(memory, Missing) and memory.reason is Reason.HUNG:
            observation: Observation | Missing = undialled(declared, running) or memory
        else:
            observation = self.dialler.observe(domain, declared, running, self.seconds)
        active = declared.active
        if active is not None and active.firmware == "efi" and _is_untold(memory, observation):
            from host_agent.guest import booted_tables  # noqa: PLC0415 - of QEMU's driver alone

            memory = booted_tables.search(domain, active, _MONITOR_SECONDS)
        # First, since what it asks a QEMU tells of the tables of now as well.
        next_start = self._next_start(declared, looked.persistent)
        now = self._now(declared, running)
        if isinstance(expected, Expectation) and isinstance(now, ProbedTables) and now.smbios:
            expected = with_probe(expected, now.smbios.named)

        def known() -> Collection[str]:
            # Of a domain without a baseline there is nothing to tell.
            from host_agent.evidence import recognition  # noqa: PLC0415

            return recognition.known(declared, observation, memory, now, next_start)

        before = choose(definition, self.kept, known)
        snapshot, newer_ = self._snapshot(domain, declared, running, before)
        if newer_ is not None and NAMESPACE not in definition.metadata:
            before, newer_ = _NONE_THEN, None
        case = Case(
            declared=declared,
            expected=expected,
            running=running,
            memory=memory,
            observation=observation,
            now=now,
            next_start=next_start,
            baseline=before,
            forecast=self._forecast(declared, running, before),
            host=self.facts.name,
            qemu=self._qemu(running, now),
            aliases=aliases,
            surroundings=self._surroundings(definition),
            elsewhere=elsewhere,
            raised_to=self.raised(definition.uuid),
            snapshot=snapshot,
            newer=newer_,
            nvram=self.stores.kept(declared, running) if self.stores else _NVRAM_ELSEWHERE,
            template=self.stores.template(definition) if self.stores else _NVRAM_ELSEWHERE,
            tpm=self._tpm(definition, running),
        )
        case = replace(case, occasion=occasion.of(case), partitions=self._partitions(case, looked))
        return self._rehearsed(domain, case, looked)

    def _rehearsed(self, domain: Domain, case: Case, looked: Look) -> Case:
        """Return the case with what rehearsals say, where they were asked for."""
        rehearsal, running, active = self.rehearsal, case.running, case.declared.active
        if rehearsal is None or active is None or looked.active is None:
            return case
        if isinstance(rehearsal, Missing) or isinstance(running, Missing):
            why = rehearsal if isinstance(rehearsal, Missing) else running
            why = why if isinstance(why, Missing) else NOT_RUNNING
            return replace(case, rehearsal=why, after_boot=why, after_start=why)
        from host_agent.case import rehearsing  # noqa: PLC0415 - few audits rehearse

        xml, persistent = looked.active, case.declared.persistent
        # A reboot makes the machine with what was plugged in since the start.
        plugged = rehearsal.plugged(self.hypervisor, running, active, xml)
        _, found = rehearsing.machine_and_guest(
            domain, case, rehearsal.now(running, active), lambda: plugged
        )
        start: Rehearsed | Missing = _TRANSIENT
        if persistent is not None and looked.persistent is not None:
            start = rehearsal.of_xml(self.hypervisor, persistent, looked.persistent)
        return replace(
            case,
            rehearsal=found,
            measured=self._measured(domain, case, running, active, looked),
            after_boot=rehearsing.forecast(domain, case, plugged),
            after_start=rehearsing.forecast(domain, case, start, anew=True),
        )

    def _measured(
        self, domain: Domain, case: Case, running: Running, active: Definition, looked: Look
    ) -> "Measured | Missing | None":
        if active.tpm is None or looked.active is None:
            return None
        seen = case.observation
        guest = seen if isinstance(seen, Missing) else seen.hardware.tpm
        if isinstance(guest, Missing):
            return guest
        from host_agent.qemu.domain_tpm import DomainTpm  # noqa: PLC0415 - few have a TPM

        return DomainTpm(domain, running, active, guest, read_esp=self.read_esp).forecast(
            self.hypervisor, looked.active, looked.persistent
        )

    def _partitions(self, case: Case, looked: Look) -> "Partitions | Missing | None":
        """Return what its disks have, where a boot entry names a partition alone."""
        if not self.read_esp or self.stores is None or isinstance(case.nvram, Missing):
            return None
        if not any(one.partition is not None and not one.pci for one in case.nvram.boot.values()):
            return None
        from host_agent.case import disk_partitions  # noqa: PLC0415 - few are asked to

        return disk_partitions.of(looked.active or looked.persistent or "")

    def _tpm(self, definition: Definition, running: Running | Missing) -> "TpmState | Missing":
        if definition.tpm is None or self.tpms is None:
            return _TPM_ELSEWHERE
        return self.tpms.of(definition.tpm, running)

    def _snapshot(
        self,
        domain: Domain,
        declared: Declared,
        running: Running | Missing,
        before: Baseline | Missing,
    ) -> tuple[SnapshotTaken | None, Baseline | None]:
        """Return the current snapshot, and a copy of the ledger's that is newer than the baseline.

        Asked only where the domain may have been reverted: libvirt says so, or it is another run.
        """
        if isinstance(before, Missing) or declared.active is None:
            return None, None
        another = isinstance(running, Running) and not occasion.is_of(running, before)
        said = declared.reason == occasion.FROM_SNAPSHOT
        definition = declared.definition
        if NAMESPACE not in definition.metadata:
            # The baseline is the ledger's copy, and of a time that the snapshot knows nothing of.
            return None, before if said and another else None
        if not (said or another):
            return None, None
        found = newer(before, definition, self.kept(definition.uuid))
        from host_agent.domain import snapshots  # noqa: PLC0415 - few were reverted

        try:
            xml = domain.current_snapshot_xml(_MONITOR_SECONDS)
            taken = None if xml is None else snapshots.parse(xml)
        except (EvidenceError, DomainXmlError):
            taken = None
        if taken is None:
            return None, found
        return SnapshotTaken(name=taken.name, created=taken.created), found

    def _surroundings(self, definition: Definition) -> Surroundings:
        key = definition.architecture, definition.emulator or ""
        return Surroundings(
            today=date.today(),
            offers=self.lists.get(key)
            or Missing(
                reason=Reason.ABSENT,
                sentence="libvirt lists no machine types for the domain's emulator "
                f"{definition.emulator or '(none)'}",
            ),
            here=self.here,
            releases=release_dates.known(),
            qemu=self.facts.hypervisor,
            twins=self.twins.get(key, {}),
        )

    def _memory(
        self, domain: Domain, declared: Declared, running: Running | Missing
    ) -> Smbios | Missing:
        if declared.active is None:
            return NOT_RUNNING
        if isinstance(running, Running) and running.stopped:
            return Missing(reason=Reason.HUNG, sentence="the QEMU process is stopped by a signal")
        # Before the channel is dialled: a QEMU that does not answer its monitor does not accept
        # connections either, and one opening more through libvirt could freeze libvirtd.
        from host_agent.guest import booted_tables  # noqa: PLC0415 - of QEMU's driver alone

        return booted_tables.read(domain, declared.active, min(_MONITOR_SECONDS, self.seconds / 2))

    def _now(self, declared: Declared, running: Running | Missing) -> ProbedTables | Missing:
        if isinstance(running, Missing) or declared.active is None:
            return running if isinstance(running, Missing) else NOT_RUNNING
        return self.probe.now(running, declared.active) if self.probe else _NOT_ASKED_FOR

    def _forecast(
        self, declared: Declared, running: Running | Missing, before: Baseline | Missing
    ) -> ProbedTables | Missing:
        if isinstance(before, Missing):
            return before
        if isinstance(running, Missing) or declared.active is None:
            return running if isinstance(running, Missing) else NOT_RUNNING
        if before.options is None:
            return Missing(
                reason=Reason.ABSENT,
                sentence="the baseline was taken where QEMU's options were not to be seen",
            )
        if self.probe is None:
            return _NOT_ASKED_FOR
        return self.probe.forecast(running, declared.active, before.options)

    def _next_start(self, declared: Declared, xml: str | None) -> ProbedTables | Missing:
        if declared.persistent is None or xml is None:
            return _TRANSIENT
        if self.processes is None:
            return _ELSEWHERE
        if self.probe is None:
            return _NOT_ASKED_FOR
        return self.probe.next_start(self.hypervisor, declared.persistent, xml)

    def _running(self, declared: Declared) -> Running | Missing:
        if declared.active is None:
            return NOT_RUNNING
        if self.processes is None:
            return Missing(
                reason=Reason.UNSUPPORTED,
                sentence="the QEMU process can be seen only on its own host",
                remedy="run samemachine there",
            )
        active = declared.active
        return self.processes.of(active.name, active.uuid, active.guest_uuid) or Missing(
            reason=Reason.ABSENT,
            sentence="this host shows no QEMU process with the domain's name and its guest's UUID",
        )

    def _elsewhere(self, declared: Declared) -> tuple[Sighting, ...]:
        """What runs with the guest's UUID as well, on this host or another."""
        active = declared.active
        if active is None:
            return ()
        known = self.elsewhere.get((active.guest_uuid, active.name), ())
        if self.processes is not None and self.processes.libvirts:
            here = self.processes.others(active.name, active.guest_uuid)
        else:
            here = self.neighbours.others(active.name, active.guest_uuid)
        return known + tuple(
            Sighting(
                place="",
                host=self.facts.name,
                name=name,
                uuid=active.guest_uuid,
                state="running",
                reason="unknown",
            )
            for name in here
            if not any((one.host, one.name) == (self.facts.name, name) for one in known)
        )

    def _qemu(self, running: Running | Missing, now: ProbedTables | Missing) -> str | None:
        if isinstance(now, ProbedTables):
            return now.qemu
        replaced = isinstance(running, Missing) or running.replaced is not False
        return None if replaced else self.facts.hypervisor


def _is_untold(memory: Smbios | Missing, observation: "Observation | Missing") -> bool:
    """Tell whether nobody has said what a guest booted with, and memory can be searched for it."""
    if not isinstance(memory, Missing) or memory.reason is not Reason.UNSUPPORTED:
        return False
    return isinstance(observation, Missing) or isinstance(observation.booted, Missing)


def _probes() -> "DomainProbe":
    from host_agent.qemu.domain_probe import DomainProbe  # noqa: PLC0415 - of QEMU's driver alone

    return DomainProbe(len(os.sched_getaffinity(0)))


def _stores() -> "UefiStores":
    from host_agent.case.uefi_stores import UefiStores  # noqa: PLC0415 - of QEMU's driver alone

    return UefiStores()


def _tpms(processes: Processes) -> "TpmStates":
    from host_agent.qemu.tpm_states import TpmStates  # noqa: PLC0415 - of QEMU's driver alone

    return TpmStates(processes.found)


def _rehearsals(*, local: bool) -> "DomainRehearsal | Missing":
    if not local:
        return _ELSEWHERE
    from host_agent.qemu.domain_rehearsal import DomainRehearsal  # noqa: PLC0415 - few rehearse

    return DomainRehearsal()


def _here() -> Release | Missing:
    """This host's release, where the releases of its distribution are known."""
    known = release_dates.known()
    if isinstance(known, Missing):
        return known
    name = packages.distribution_name()
    found = releases.of_system(name, known) if name else None
    return found or Missing(
        reason=Reason.ABSENT,
        sentence=f"nothing is known of the support of this host's {name or 'distribution'}",
    )
