"""Every check, row by row."""

from dataclasses import replace
from uuid import UUID

import pytest

from host_agent import checks
from host_agent.checks import (
    agent,
    alias,
    identity,
    machine_type,
    machine_type_live,
    pending_change,
    product,
    running_qemu,
)
from host_agent.model import Case, Finding, Missing, Outcome, Reason
from tests.unit.host_agent.cases import (
    DEFINITION,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    RUNNING,
    SILENT,
    case,
    declared,
    seen,
    smbios,
)

OTHER = UUID(int=5)
SWAPPED = UUID("33221100-5544-7766-8899-aabbccddeeff")
OFF = declared(active=None)
POWER = declared(replace(DEFINITION, architecture="ppc64le", machine="pseries-7.2"))
OVERRIDDEN = declared(
    replace(DEFINITION, smbios_mode="sysinfo", sysinfo={"system": {"version": "14.0"}})
)
LYING = declared(
    replace(DEFINITION, smbios_mode="sysinfo", sysinfo={"system": {"version": "pc-q35-9.0"}})
)
UBUNTU = declared(replace(DEFINITION, machine="pc-i440fx-noble"))
CUSTOM = declared(replace(DEFINITION, machine="vendor_machine"))
PASS, FAIL, WARN = Outcome.PASS, Outcome.FAIL, Outcome.WARN
UNKNOWN, SKIP = Outcome.UNKNOWN, Outcome.SKIP

ROWS = [
    (agent.check, case(), PASS, "50 ms"),
    (agent.check, case(observation=SILENT), UNKNOWN, "nobody"),
    (agent.check, case(observation=NOT_ENROLLED), SKIP, "no channel"),
    (identity.check, case(), PASS, "has the domain's UUID"),
    (identity.check, seen(uuid=SWAPPED), PASS, "swapped"),
    (identity.check, seen(uuid=OTHER), FAIL, "libvirt says"),
    (identity.check, case(observation=SILENT, memory=smbios(uuid=OTHER)), FAIL, "booted with"),
    (identity.check, case(observation=replace(OBSERVATION, live=smbios(uuid=OTHER))), FAIL,
     "now served"),
    (identity.check, seen(uuid=None), UNKNOWN, "shows no UUID"),
    (identity.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (identity.check, case(declared=POWER), UNKNOWN, "ppc64le"),
    (identity.check, case(declared=OFF), SKIP, "not running"),
    (machine_type.check, case(), PASS, "booted as pc-i440fx-7.2"),
    (machine_type.check, seen(version="pc-i440fx-7.1"), FAIL, "booted as pc-i440fx-7.1"),
    (machine_type.check, seen(processor_version="pc-q35-7.2"), FAIL, "processor version"),
    (machine_type.check, case(observation=SILENT), PASS, "booted as"),
    (machine_type.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (machine_type.check, case(declared=POWER), UNKNOWN, "device tree"),
    (machine_type.check, case(declared=OFF), SKIP, "not running"),
    (machine_type.check, case(expected=NOTHING), UNKNOWN, "not to be had"),
    (machine_type.check, seen(version=None, chassis_version=None, processor_version=None),
     UNKNOWN, "nothing in the guest"),
    (machine_type.check, case(declared=OVERRIDDEN), PASS, "chassis version"),
    (machine_type.check, case(declared=LYING), FAIL, "is told pc-q35-9.0"),
    (machine_type.check, case(declared=CUSTOM), FAIL, "booted as pc-i440fx-7.2"),
    (machine_type_live.check, case(), PASS, "served by"),
    (machine_type_live.check, case(observation=replace(OBSERVATION, live=NOTHING)), UNKNOWN,
     "not to be had"),
    (machine_type_live.check, case(observation=replace(
        OBSERVATION, live=smbios(version="pc-i440fx-9.0"))), FAIL, "served by pc-i440fx-9.0"),
    (machine_type_live.check, case(observation=SILENT), SKIP, "only a guest agent"),
    (machine_type_live.check,
     case(declared=declared(replace(DEFINITION, machine="pc-i440fx-2.0"))), SKIP, "no tables"),
    (product.check, case(), PASS, "Standard PC"),
    (product.check, seen(product="Something else"), FAIL, "Something else"),
    (product.check, seen(manufacturer="Xen"), FAIL, "manufacturer"),
    (product.check, case(declared=OVERRIDDEN), FAIL, "version"),
    (product.check, case(declared=UBUNTU), PASS, "Standard PC"),
    (product.check, replace(seen(product="Ubuntu 24.04 PC (i440FX + PIIX, arch_caps fix, 1996)"),
                            expected=case(declared=UBUNTU).expected), PASS, "Ubuntu 24.04"),
    (product.check, replace(seen(product="Ubuntu 24.04 PC (Q35 + ICH9, 2009)"),
                            expected=case(declared=UBUNTU).expected), FAIL, "Q35"),
    (product.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (product.check, case(declared=CUSTOM), SKIP, "nothing is expected"),
    (running_qemu.check, case(), PASS, "process 42"),
    (running_qemu.check, case(running=replace(RUNNING, machine="pc-q35-7.2")), FAIL, "pc-q35-7.2"),
    (running_qemu.check, case(running=replace(RUNNING, uuid=OTHER)), FAIL, "UUID"),
    (running_qemu.check, case(running=replace(RUNNING, machine=None)), UNKNOWN, "not to be seen"),
    (running_qemu.check, case(running=NOTHING), UNKNOWN, "not to be had"),
    (running_qemu.check, case(declared=OFF), SKIP, "not running"),
    (pending_change.check, case(), PASS, "same machine"),
    (pending_change.check, case(declared=declared(machine="pc")), PASS, "same machine"),
    (pending_change.check, case(declared=declared(machine="pc-q35-7.2")), WARN,
     "machine type pc-i440fx-7.2 now, pc-q35-7.2"),
    (pending_change.check, case(declared=declared(sysinfo={"system": {"version": "1"}})), WARN,
     "sysinfo none now, system.version=1"),
    (pending_change.check, case(declared=declared(firmware="efi")), WARN, "firmware"),
    (pending_change.check, case(declared=OFF), SKIP, "not running"),
    (pending_change.check,
     case(declared=replace(declared(), persistent=None)), SKIP, "transient"),
    (alias.check, case(), PASS, "itself"),
    (alias.check, case(declared=declared(machine="pc")), WARN, "floats"),
    (alias.check, case(declared=declared(machine="ubuntu")), PASS, "itself"),
    (alias.check, case(declared=replace(declared(), persistent=None)), SKIP, "transient"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "judged", "outcome", "words"),
    ROWS,
    ids=[f"{row[0].__module__.rpartition('.')[2]}-{row[2]}-{row[3]}" for row in ROWS],
)
def test_finding(check: checks.Check, judged: Case, outcome: Outcome, words: str) -> None:
    finding = check(judged)
    assert (finding.outcome, words in finding.sentence) == (outcome, True), finding


def test_every_check_is_listed_once_and_has_rows() -> None:
    assert len(set(checks.ALL)) == len(checks.ALL)
    assert set(checks.ALL) == {row[0] for row in ROWS}


def test_a_fail_says_expected_and_observed() -> None:
    for check, judged, outcome, _ in ROWS:
        if outcome is Outcome.FAIL:
            finding: Finding = check(judged)
            assert finding.expected
            assert finding.observed is not None


def test_checks_never_pass_on_missing_evidence() -> None:
    gone = Missing(reason=Reason.FAILED, sentence="gone")
    nothing = case(observation=gone, memory=gone, running=gone, expected=gone)
    outcomes = {finding.check: finding.outcome for finding in checks.run(nothing)}
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.PASS} == {
        "pending-change",
        "alias",
    }
