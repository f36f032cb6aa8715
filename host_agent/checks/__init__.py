"""One rule a file: a pure function from a case to findings. This is the list of them."""

from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Protocol, cast

from host_agent.case import kept_evidence
from host_agent.case.case import Case
from host_agent.checks.bounds import bounded
from host_agent.evidence.baseline import Baseline
from host_agent.finding import Finding, Outcome


class Check(Protocol):
    """What a check's file has."""

    ID: str
    """The check's name, for ever."""

    def check(self, case: Case) -> Finding:
        """Judge a case; what lacks is ``unknown``. No I/O, and no error."""


_FILES = (
    "agent",
    "identity",
    "machine_type",
    "machine_type_live",
    "product",
    "exact",
    "running_qemu",
    "stale_qemu",
    "next_boot",
    "next_start",
    "whole_machine",
    "secure_boot",
    "certificates",
    "template",
    "boot_entries",
    "tpm",
    "sealed",
    "pending_change",
    "upgrade",
    "alias",
    "unavailable",
    "deprecated",
    "vendor_support",
    "end_of_life",
    "same_boot",
    "same_smbios",
    "same_cpu",
    "same_memory",
    "same_pci",
    "same_virtio",
    "same_acpi",
    "same_network",
    "same_block",
    "same_uefi",
    "clock",
)
"""The checks' files, in the order in which their findings are shown."""

ALL = tuple(cast("Check", import_module(f"{__name__}.{name}")) for name in _FILES)

IDS = frozenset(one.ID for one in ALL)
"""The names of the checks."""


def run(case: Case) -> tuple[Finding, ...]:
    """Return the finding of every check.

    What the baseline has from an earlier one is judged by what was true at that time.
    """
    return tuple(bounded(_finding(one, case)) for one in ALL)


def _finding(one: Check, case: Case) -> Finding:
    found = one.check(case)
    then = kept_evidence.as_of(case, one.ID)
    if then is case or not isinstance(then.baseline, Baseline):
        return found
    found = one.check(then)
    if found.outcome in {Outcome.SKIP, Outcome.UNKNOWN}:
        return found
    since = datetime.fromtimestamp(then.baseline.taken, UTC)
    return replace(found, sentence=f"{found.sentence} (against what was seen at {since:%FT%TZ})")
