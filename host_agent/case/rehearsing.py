"""A guest held against a rehearsal of its machine: by its own report, else by its memory."""

from dataclasses import replace

from host_agent.case.case import Case
from host_agent.difference import Area
from host_agent.evidence import rehearsal_diff
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.firmware.smbios_diff import differences
from host_agent.guest import booted_acpi
from host_agent.hypervisor import Domain
from host_agent.missing import NOT_RUNNING, Missing

_MONITOR_SECONDS = 3.0


def guest(domain: Domain, case: Case, now: Rehearsed | Missing) -> Compared | Missing:
    """Hold the guest against the rehearsal: by its own report, else by its memory."""
    active = case.declared.active
    if isinstance(now, Missing) or active is None:
        return now if isinstance(now, Missing) else NOT_RUNNING
    seen = case.observation
    acpi = seen if isinstance(seen, Missing) else seen.hardware.acpi
    pci = seen if isinstance(seen, Missing) else seen.hardware.pci
    if isinstance(acpi, Missing) and now.acpi:
        left = booted_acpi.read(domain, active, _MONITOR_SECONDS)
        acpi = left if isinstance(left, Missing) else rehearsal_diff.as_reported(left)
    found = rehearsal_diff.with_guest(now, acpi, pci)
    return with_smbios(found, now, case.booted_tables)


def with_smbios(found: Compared, now: Rehearsed, booted: Smbios | Missing) -> Compared:
    """Add the SMBIOS tables that a guest booted with, the firmware's own structure too."""
    if now.smbios is None or isinstance(booted, Missing):
        why = booted.sentence if isinstance(booted, Missing) else "the rehearsal has none"
        return replace(found, not_compared=(*found.not_compared, f"{Area.SMBIOS}: {why}"))
    try:
        more = differences(now.smbios.tables, booted.tables, now.masked)
    except SmbiosError as error:
        return replace(found, not_compared=(*found.not_compared, f"{Area.SMBIOS}: {error}"))
    return replace(found, differences=(*more, *found.differences), smbios=not more)
