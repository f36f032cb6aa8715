"""A rehearsed domain: what its guest has, what it will have, and what differs. Pure."""

from dataclasses import dataclass, replace

from host_agent.difference import Area, Difference
from host_agent.evidence import rehearsal_diff
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.firmware.smbios_diff import differences
from host_agent.missing import Missing, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One domain, rehearsed."""

    name: str
    uuid: str
    now: Rehearsed | Missing
    """The machine that runs, as its own QEMU and firmware make it at a boot."""
    guest: Compared | Missing
    """The guest, held against that."""
    start: Rehearsed | Missing
    """The machine that its next start will make."""
    changes: tuple[Difference, ...] | Missing
    """What a guest will find otherwise there than now."""


def changes(
    before: Rehearsed | Missing, after: Rehearsed | Missing
) -> tuple[Difference, ...] | Missing:
    """Return what a guest will find otherwise in another machine."""
    if isinstance(before, Missing):
        return before
    if isinstance(after, Missing):
        return after
    try:
        return rehearsal_diff.between(before, after)
    except SmbiosError as error:
        return Missing(reason=Reason.FAILED, sentence=f"the tables can't be compared: {error}")


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
