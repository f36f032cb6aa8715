"""A guest held against a rehearsal of its machine: by its own report, else by its memory."""

from collections.abc import Callable
from dataclasses import replace

from host_agent.case.case import Case
from host_agent.difference import Area
from host_agent.evidence import rehearsal_diff
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.firmware.acpi import Table
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.firmware.smbios_diff import differences
from host_agent.guest import booted_acpi
from host_agent.hypervisor import Domain
from host_agent.missing import NOT_RUNNING, Missing

_MONITOR_SECONDS = 3.0
_OF_FIRMWARE = "type 0 "
"""How the structure is called that a firmware adds (DSP0134 7.1)."""


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


def guest(
    domain: Domain, case: Case, now: Rehearsed | Missing, *, anew: bool = False
) -> Compared | Missing:
    """Hold the guest against the rehearsal: by its own report, else by its memory.

    ``anew``: it is of a start, and not of a reboot of the process that runs.
    """
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
    found = with_smbios(found, now, case.booted_tables)
    return found if anew or not _came_with_its_firmware(case) else _without_firmware(found)


def _came_with_its_firmware(case: Case) -> bool:
    """Tell whether the process took a guest up that another one had started.

    The firmware's image came with the guest's memory, and a reset writes no ROM a second time
    (QEMU ``hw/core/loader.c: rom_reset``): a reboot runs the image that it was started with.
    """
    return not isinstance(case.running, Missing) and case.running.came


def _without_firmware(found: Compared) -> Compared:
    """Leave out what the firmware says of itself: the rehearsal ran the one that is installed."""
    kept = tuple(
        one
        for one in found.differences
        if one.area is not Area.SMBIOS or not one.subject.startswith(_OF_FIRMWARE)
    )
    if len(kept) == len(found.differences):
        return found
    why = f"{Area.SMBIOS} {_OF_FIRMWARE.strip()}: the guest came with its firmware, not rehearsed"
    return replace(found, differences=kept, not_compared=(*found.not_compared, why))


def forecast(
    domain: Domain, case: Case, machine: Rehearsed | Missing, *, anew: bool = False
) -> Compared | Missing:
    """Return what the guest will find that boots as another machine than it has.

    ACPI by device where the tables of its own boot are to be read in its memory. ``anew``: see
    ``guest``.
    """
    held = guest(domain, case, machine, anew=anew)
    active = case.declared.active
    if isinstance(machine, Missing) or isinstance(held, Missing) or active is None:
        return held
    left: tuple[Table, ...] = ()
    if any(one.area is Area.ACPI for one in held.differences):
        read = booted_acpi.read(domain, active, _MONITOR_SECONDS)
        left = () if isinstance(read, Missing) else read
    return rehearsal_diff.forecast(held, machine, _as_the_guest_has(left, case))


def _as_the_guest_has(left: tuple[Table, ...], case: Case) -> tuple[Table, ...]:
    """Return the tables, if they are those of which the guest tells; none where one is not."""
    seen = case.observation
    reported = seen if isinstance(seen, Missing) else seen.hardware.acpi
    if isinstance(reported, Missing):
        return left
    told = {one.signature: one.sha256 for one in reported}
    read = {one.signature: one.sha256 for one in rehearsal_diff.as_reported(left)}
    return left if all(told.get(name) == digest for name, digest in read.items()) else ()


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
