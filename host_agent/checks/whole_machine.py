"""``whole-machine``: has the guest all that its QEMU and its firmware make at a boot?"""

from dataclasses import replace
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.noticed import of_changes
from host_agent.checks.shared.tables import said
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few audits rehearse.
    from host_agent.evidence.rehearsal_diff import Compared

ID = "whole-machine"


def check(case: Case) -> Finding:
    """Hold all that a guest has against a rehearsal: the firmware run on the domain's own devices.

    SMBIOS and ACPI by their bytes, PCI by function, virtio by what drivers took of what is offered,
    the CPU by what CPUID answers.

    QEMU makes the ACPI tables of what the firmware set up (``hw/i386/acpi-build.c:
    acpi_build_update``), and the firmware adds structures of its own. They stay as they were made
    at the boot: a device that was plugged in since, or another QEMU after a live migration, is a
    difference that a boot takes away, and no error.
    """
    if case.declared.active is None:
        return not_running(ID)
    found = case.rehearsal
    if found is None:
        return Finding(
            check=ID, outcome=Outcome.SKIP, sentence="it was not rehearsed (audit --rehearse)"
        )
    if isinstance(found, Missing):
        return unknown(ID, found)
    left = f"; not compared: {'; '.join(found.not_compared)}" if found.not_compared else ""
    if found.differences:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence="the guest has otherwise than its QEMU and firmware make at a boot: "
            f"{said(found.differences)}{_noticed(found)}{left}",
            expected="; ".join(f"{one.field} {one.old}" for one in found.differences),
            observed="; ".join(f"{one.field} {one.new}" for one in found.differences),
            remedy="samemachine rehearse tells what the next boot and the next start change",
            differences=found.differences,
        )
    same = found.same
    if not same:
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=f"nothing of the guest could be held against a rehearsal{left}",
        )
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"the guest has, to the byte, what its QEMU and firmware make: {same}{left}",
    )


def _noticed(found: "Compared") -> str:
    """Say what a boot, which makes the machine anew, means to whom."""
    back = [replace(one, old=one.new, new=one.old) for one in found.differences]
    answers = of_changes(back)
    return f". After the next boot: {'; '.join(map(str, answers))}" if answers else ""
