"""A guest held against a rehearsal of its machine: by its own report, else by its memory."""

from collections.abc import Callable
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


def machine_and_guest(
    domain: Domain,
    case: Case,
    started: Rehearsed | Missing,
    plugged: Callable[[], Rehearsed | Missing],
) -> tuple[Rehearsed | Missing, Compared | Missing]:
    """Return the machine that the guest is held against, and what came of it.

    ``started``: as it was started; ``plugged`` rehearses it with what was plugged in since, which
    a guest has that booted after that: it is asked where the first is not what the guest has.
    """
    found = guest(domain, case, started)
    if isinstance(found, Missing) or not found.differences:
        return started, found
    other = plugged()
    again = guest(domain, case, other)
    if isinstance(again, Missing) or again.differences:
        return started, found
    return other, again


def guest(domain: Domain, case: Case, now: Rehearsed | Missing) -> Compared | Missing:
    """Hold the guest against the rehearsal: by its own report, else by its memory."""
    active = case.declared.active
    if isinstance(now, Missing) or active is None:
        return now if isinstance(now, Missing) else NOT_RUNNING
    seen = case.observation
    acpi, pci, virtio, cpu = (
        (seen,) * 4
        if isinstance(seen, Missing)
        else (seen.hardware.acpi, seen.hardware.pci, seen.hardware.virtio, seen.hardware.cpu)
    )
    if isinstance(acpi, Missing) and now.acpi:
        left = booted_acpi.read(domain, active, _MONITOR_SECONDS)
        acpi = left if isinstance(left, Missing) else rehearsal_diff.as_reported(left)
    found = rehearsal_diff.with_guest(now, acpi, pci)
    found = rehearsal_diff.with_offers(found, now, virtio, cpu)
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
