"""A baseline never knows less than the one before it: what today lacks stays, with its time. Pure.

A group of evidence that was absent, refused or switched off today, or that could not be compared,
is taken over from the baseline before, and judged by what was true when it was taken: else one
report without it would let any change of it pass.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

from host_agent.case import occasion
from host_agent.case.case import Case
from host_agent.evidence.baseline import Baseline, Older
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing

GROUPS: Mapping[str, str] = MappingProxyType({
    "same-boot": "boot", "same-smbios": "smbios_booted", "same-cpu": "cpu", "same-memory": "memory",
    "same-pci": "pci", "same-virtio": "virtio", "same-acpi": "acpi", "same-network": "network",
    "same-block": "block", "same-uefi": "uefi", "clock": "clock",
})  # fmt: skip
"""Which group of a report (``guest.proto``) a check against the baseline compares."""
_ALL = (*GROUPS.values(), "dmi", "smbios_live", "platform", "tpm")


def uncompared(findings: Collection[Finding]) -> frozenset[str]:
    """Return the groups that could not be compared with the baseline."""
    return frozenset(
        GROUPS[finding.check]
        for finding in findings
        if finding.outcome is Outcome.UNKNOWN and finding.check in GROUPS
    )


def merged(
    today: Observation, before: Baseline, not_compared: Collection[str] = ()
) -> tuple[Observation, Mapping[str, Older]]:
    """Return today's observation with what only the baseline has, and when that was taken.

    ``not_compared``: groups that today has as well, but that nothing has held against the old ones.
    """
    # Reports are read where there is a baseline to be written.
    from host_agent.evidence import decode  # noqa: PLC0415
    from samemachine.v1 import guest_pb2  # noqa: PLC0415

    new = guest_pb2.Report.FromString(today.raw)
    old = guest_pb2.Report.FromString(before.observation.raw)
    older: dict[str, Older] = {}
    for name in _ALL:
        lacks = not _has(today, name) or name in not_compared
        if not lacks or not _has(before.observation, name) or not old.HasField(name):
            continue
        getattr(new, name).CopyFrom(getattr(old, name))
        older[name] = before.older.get(name) or _of(before)
    if "cpu" not in older and old.cpu.live_cpuid and not new.cpu.live_cpuid and new.HasField("cpu"):
        new.cpu.live_cpuid.extend(old.cpu.live_cpuid)
        new.cpu.ClearField("live_cpuid_absence")
        older["cpu"] = before.older.get("cpu") or _of(before)
    if not older:
        return today, {}
    there = {guest_pb2.EvidenceGroup.Value(f"EVIDENCE_GROUP_{name.upper()}") for name in older}
    absences = [absence for absence in new.absences if absence.group not in there]
    del new.absences[:]
    new.absences.extend(absences)
    new.agent_version = new.agent_version or old.agent_version
    # What was kept may have tokens for identifiers.
    return decode.decode(new, b"", today.seconds, today.received, hashed=True), older


def as_of(case: Case, check: str) -> Case:
    """Return the case with the baseline as it was when it got what a check compares."""
    before = case.baseline
    if not isinstance(before, Baseline):
        return case
    older = before.older.get(GROUPS.get(check, ""))
    if older is None:
        return case
    observation = replace(
        before.observation, boot_id=older.boot_id, kernel=older.kernel, received=older.taken
    )
    then = replace(
        before,
        taken=older.taken,
        host=older.host,
        qemu=older.qemu,
        booted_qemu=older.booted_qemu,
        process=older.process,
        observation=observation,
        older={},
    )
    seen = replace(case, baseline=then)
    return replace(seen, occasion=occasion.of(seen))


def _of(before: Baseline) -> Older:
    return Older(
        taken=before.taken,
        host=before.host,
        qemu=before.qemu,
        booted_qemu=before.booted_qemu,
        process=before.process,
        boot_id=before.observation.boot_id,
        kernel=before.observation.kernel,
    )


def _has(observation: Observation, name: str) -> bool:
    if name == "boot":
        return observation.boot_id is not None
    of = {
        "dmi": observation.dmi,
        "smbios_booted": observation.booted,
        "smbios_live": observation.live,
    }
    group = of[name] if name in of else getattr(observation.hardware, name)
    return not isinstance(group, Missing)
