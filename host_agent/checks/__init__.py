"""One rule a file: a pure function from a case to findings. This is the list of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from host_agent.case import kept_evidence
from host_agent.case.case import Case
from host_agent.checks import (
    agent,
    alias,
    clock,
    deprecated,
    end_of_life,
    exact,
    identity,
    machine_type,
    machine_type_live,
    next_boot,
    next_start,
    pending_change,
    product,
    running_qemu,
    same_acpi,
    same_block,
    same_boot,
    same_cpu,
    same_memory,
    same_network,
    same_pci,
    same_smbios,
    same_virtio,
    stale_qemu,
    unavailable,
    upgrade,
    vendor_support,
)
from host_agent.checks.bounds import bounded
from host_agent.evidence.baseline import Baseline
from host_agent.finding import Finding, Outcome

Check = Callable[[Case], Finding]

ALL: tuple[Check, ...] = (
    agent.check,
    identity.check,
    machine_type.check,
    machine_type_live.check,
    product.check,
    exact.check,
    running_qemu.check,
    stale_qemu.check,
    next_boot.check,
    next_start.check,
    pending_change.check,
    upgrade.check,
    alias.check,
    unavailable.check,
    deprecated.check,
    vendor_support.check,
    end_of_life.check,
    same_boot.check,
    same_smbios.check,
    same_cpu.check,
    same_memory.check,
    same_pci.check,
    same_virtio.check,
    same_acpi.check,
    same_network.check,
    same_block.check,
    clock.check,
)
"""In the order in which their findings are shown."""


IDS = frozenset(
    module.ID
    for module in (
        agent,
        identity,
        machine_type,
        machine_type_live,
        product,
        exact,
        running_qemu,
        stale_qemu,
        next_boot,
        next_start,
        pending_change,
        upgrade,
        alias,
        unavailable,
        deprecated,
        vendor_support,
        end_of_life,
        same_boot,
        same_smbios,
        same_cpu,
        same_memory,
        same_pci,
        same_virtio,
        same_acpi,
        same_network,
        same_block,
        clock,
    )
)
"""The names of the checks."""


def run(case: Case) -> tuple[Finding, ...]:
    """Return the finding of every check.

    What the baseline has from an earlier one is judged by what was true at that time.
    """
    return tuple(bounded(_finding(check, case)) for check in ALL)


def _finding(check: Check, case: Case) -> Finding:
    found = check(case)
    then = kept_evidence.as_of(case, found.check)
    if then is case or not isinstance(then.baseline, Baseline):
        return found
    found = check(then)
    if found.outcome in {Outcome.SKIP, Outcome.UNKNOWN}:
        return found
    since = datetime.fromtimestamp(then.baseline.taken, UTC)
    return replace(found, sentence=f"{found.sentence} (against what was seen at {since:%FT%TZ})")
