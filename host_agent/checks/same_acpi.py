"""``same-acpi``: does the guest have the ACPI tables of the baseline?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from host_agent.case.case import Case, Occasion
from host_agent.checks.shared.baseline import Change, Kind, groups, judged, rules
from host_agent.finding import Finding
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import AcpiTable

ID = "same-acpi"


def check(case: Case) -> Finding:
    """Compare the digests of the tables (ACPI 6.5, 5.2), without the bytes that say where they lie.

    They lie in the guest's memory, so only a boot can bring others (QEMU ``hw/i386/acpi-build.c``:
    ``acpi_build_update``). Another QEMU builds the DSDT of one machine type otherwise, so there a
    difference is told and no fail.
    """
    both = groups(ID, case, "ACPI tables", lambda hardware: hardware.acpi)
    if isinstance(both, Finding):
        return both
    then, now = both
    before = None if isinstance(case.baseline, Missing) else case.baseline.booted_qemu
    kind, why = Kind.FIXED, ""
    if rules(case) is Occasion.RESTART and (before is None or before != case.qemu):
        known = before is not None and case.qemu is not None
        versions = f"QEMU {before} -> {case.qemu}" if known else "QEMU may be another one"
        kind, why = Kind.GUESTS, f" ({versions})"
    found = list(_changes(then, now, kind, why))
    number = f"{len(now)} ACPI table" + ("" if len(now) == 1 else "s")
    return judged(ID, case, found, f"the guest has the same {number}")


def _changes(
    then: "tuple[AcpiTable, ...]", now: "tuple[AcpiTable, ...]", kind: Kind, why: str
) -> Iterator[Change]:
    before, after = ({one.signature: one for one in side} for side in (then, now))
    for signature in sorted(before.keys() | after.keys()):
        old, new = before.get(signature), after.get(signature)
        if old is None or new is None:
            word = "gone" if old else "new"
            yield Change(
                sentence=f"{signature} is {word}{why}",
                kind=kind,
                old=f"{signature} {'there' if old else 'absent'}",
                new=f"{signature} {'there' if new else 'absent'}",
            )
            continue
        digests = old.content_sha256, new.content_sha256
        if None in digests:
            # An older guest agent on one side.
            digests = old.sha256, new.sha256
        if (old.length, digests[0]) != (new.length, digests[1]):
            sizes = f" ({old.length} -> {new.length} bytes)" if old.length != new.length else ""
            yield Change(
                sentence=f"{signature} differs{sizes}{why}",
                kind=kind,
                old=f"{signature} {old.length} bytes, {(digests[0] or '')[:16]}",
                new=f"{signature} {new.length} bytes, {(digests[1] or '')[:16]}",
            )
