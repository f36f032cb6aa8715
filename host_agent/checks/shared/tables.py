"""What changes between two views of the SMBIOS tables, in one sentence.

Shared by ``exact``, ``next-boot`` and ``next-start``, which hold different views together.
"""

from collections.abc import Collection, Sequence

from host_agent.case.case import Case
from host_agent.difference import Difference
from host_agent.finding import Finding, Outcome, unknown
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.firmware.smbios_diff import are_same, differences
from host_agent.missing import Missing

_MOST = 6


def changes(
    old: Smbios, new: Smbios, mask: Collection[tuple[int, str]] = ()
) -> tuple[Difference, ...]:
    """Return the differences; none: a guest sees the same. Raises ``SmbiosError``."""
    if are_same(old.tables, new.tables):
        return ()
    return differences(old.tables, new.tables, mask)


def said(found: Sequence[Difference]) -> str:
    """Return the differences in words, not more than people read."""
    shown = "; ".join(map(str, found[:_MOST]))
    return shown + (f"; and {len(found) - _MOST} more" if len(found) > _MOST else "")


def masked(mask: Collection[tuple[int, str]]) -> str:
    """Say which fields were not compared."""
    if not mask:
        return ""
    names = ", ".join(f"type {kind} {field}" for kind, field in sorted(mask))
    return f" ({names} not compared: KVM can't be had for the probe)"


def none_there(check: str, case: Case) -> Finding | None:
    """Return the finding where a machine of this family has no SMBIOS, whatever its QEMU is."""
    expected = case.expected
    if isinstance(expected, Missing) or expected.family is None:
        return None
    return Finding(
        check=check, outcome=Outcome.SKIP, sentence=f"{expected.machine} has no SMBIOS tables"
    )


def forecast(
    check: str, case: Case, future: Smbios, mask: Collection[tuple[int, str]], when: str
) -> Finding:
    """Say what the guest's tables will be after ``when``, such as "a reboot"."""
    booted = case.own_tables
    if isinstance(booted, Missing):
        return unknown(check, booted)
    try:
        found = changes(booted, future, mask)
    except SmbiosError as error:
        return Finding(
            check=check, outcome=Outcome.UNKNOWN, sentence=f"the tables can't be compared: {error}"
        )
    if not found:
        return Finding(
            check=check,
            outcome=Outcome.PASS,
            sentence=f"{when} shows the guest the same tables{masked(mask)}",
        )
    return Finding(
        check=check,
        outcome=Outcome.WARN,
        sentence=f"the guest will see {said(found)}",
        expected="; ".join(f"{one.field} {one.old}" for one in found),
        observed="; ".join(f"{one.field} {one.new}" for one in found),
        differences=found,
    )
