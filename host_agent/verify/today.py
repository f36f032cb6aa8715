"""A domain today against its baseline: what is lacking, what differs, by whom."""

from collections.abc import Mapping

from host_agent.case import kept_evidence
from host_agent.case.case import Case, Occasion
from host_agent.domain import architectures
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence.baseline import Baseline, Older
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running
from host_agent.firmware.smbios import Smbios
from host_agent.missing import NOT_RUNNING, Missing, Reason


def process_of(case: Case) -> str | None:
    """Tell one run of a domain's QEMU from another; None: it is not to be seen."""
    return case.running.process if isinstance(case.running, Running) else None


def evidence_lacks(case: Case) -> Missing | None:
    """Say why no baseline can be taken of a domain; None: one can.

    Where the domain has our channel, tables that the host read alone would be a weaker baseline
    than the one that its agent can give.
    """
    if case.declared.active is None:
        return NOT_RUNNING
    if isinstance(case.observation, Observation):
        return None
    if case.observation.reason is Reason.NOT_ENROLLED:
        return case.memory if isinstance(case.memory, Missing) else None
    return case.observation


def baseline_of(case: Case, now: float, stays: frozenset[str] = frozenset()) -> Baseline | None:
    """Return today's state as a baseline, without a trail; None: there is no evidence of it.

    What today lacks, and the groups that ``stays`` names, it has from the baseline before.
    """
    seen = case.observation
    if isinstance(seen, Missing):
        if not isinstance(case.memory, Smbios):
            return None
        seen = baselines.observation_of_memory(case.memory, now)
    seen = baselines.with_store(seen, case.nvram)
    booted, before = case.booted, case.baseline
    older: Mapping[str, Older] = {}
    if isinstance(before, Baseline):
        seen, older = kept_evidence.merged(seen, before, stays)
    options, devices = _started_with(case, older)
    return Baseline(
        uuid=case.declared.definition.uuid,
        taken=now,
        host=case.host,
        qemu=case.qemu,
        booted_qemu=_booted_qemu(case),
        machine=case.declared.definition.machine,
        product=None if isinstance(booted, Missing) else booted.product,
        observation=seen,
        options=options,
        devices=devices,
        salt=before.salt if older and isinstance(before, Baseline) else None,
        process=process_of(case),
        older=older,
    )


def _started_with(case: Case, older: Mapping[str, Older]) -> tuple[str | None, str | None]:
    """What the domain was, as QEMU's options and devices; it is that from its start to its end.

    So what another host saw of it holds where they can't be seen, as over a remote connection. They
    belong to the booted tables: with older ones stay those that these were built with.
    """
    if "smbios_booted" in older and isinstance(case.baseline, Baseline):
        return case.baseline.options, case.baseline.devices
    if isinstance(case.now, Missing):
        before = _of_this_boot(case)
        return (None, None) if before is None else (before.options, before.devices)
    return case.now.options, _devices(case)


def _devices(case: Case) -> str | None:
    """Return the devices in the form of a baseline; None: they can't be rehearsed."""
    if isinstance(case.running, Missing):
        return None
    # Few audits write a baseline.
    from host_agent.qemu import kept_rehearsal  # noqa: PLC0415

    architecture = architectures.qemus(case.declared.definition.architecture)
    return kept_rehearsal.of_command_line(case.running.arguments, architecture)


def _of_this_boot(case: Case) -> Baseline | None:
    """Return the baseline where it is of the boot that the guest is in."""
    before, seen = case.baseline, case.observation
    if (
        isinstance(before, Baseline)
        and isinstance(seen, Observation)
        and seen.boot_id is not None
        and seen.boot_id == before.observation.boot_id
    ):
        return before
    return None


def _booted_qemu(case: Case) -> str | None:
    """The QEMU that built what the guest booted with: its ACPI tables move along with it."""
    before = _of_this_boot(case)
    if before is not None:
        return before.booted_qemu
    came = isinstance(case.running, Missing) or "-incoming" in case.running.arguments
    if not came or case.occasion is Occasion.RESTART:
        return case.qemu
    return None


def differs(case: Case, stays: frozenset[str] = frozenset()) -> bool:
    """Tell whether today's state is another one than the baseline's.

    What can't be seen today is no difference: where it was looked at from elsewhere, or its agent
    was not asked, a baseline that holds more would be lost. A move or a start always is one: the
    next verification is of what happens after it.
    """
    today, before = baseline_of(case, 0.0, stays), case.baseline
    if today is None or isinstance(before, Missing):
        return False
    if isinstance(case.observation, Missing) and not by_host_alone(before.observation):
        return False
    return (
        case.occasion is not Occasion.AUDIT
        or before.instead_of is not None
        or before.host != today.host
        or today.qemu not in {None, before.qemu}
        or before.machine != today.machine
        or today.options not in {None, before.options}
        or today.devices not in {None, before.devices}
        or today.process not in {None, before.process}
        or baselines.lasting(before.observation.raw) != baselines.lasting(today.observation.raw)
    )


def by_host_alone(observation: Observation) -> bool:
    """Tell whether the host took an observation, without the guest."""
    unasked = observation.hardware.clock
    return isinstance(unasked, Missing) and unasked.reason is Reason.NOT_ENROLLED
