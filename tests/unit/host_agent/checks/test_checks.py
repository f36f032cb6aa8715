"""Every check, row by row."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import get_type_hints
from uuid import UUID

import pytest

from host_agent import checks
from host_agent.case.case import Case
from host_agent.case.expectation import Expectation, by_rule, with_probe
from host_agent.checks import (
    agent,
    alias,
    exact,
    identity,
    machine_type,
    machine_type_live,
    next_boot,
    next_start,
    pending_change,
    product,
    running_qemu,
    stale_qemu,
    upgrade,
    vendor_support,
    whole_machine,
)
from host_agent.difference import Area, Difference
from host_agent.domain.definition import Declared
from host_agent.evidence.observation import Observation
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.finding import Finding, Outcome
from host_agent.firmware.smbios import Smbios
from host_agent.firmware.smbios_fields import PROCESSOR_ID
from host_agent.machine_types.vendors import POLICIES
from host_agent.missing import Missing, Reason
from tests import smbios_builder
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared import (
    baseline_rows,
    platform_rows,
    tpm_rows,
    type_rows,
    uefi_rows,
)
from tests.unit.host_agent.shared.cases import (
    COPY,
    DEFINITION,
    MACHINE,
    NAMED,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    PROBED,
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
NEWER = "pc-i440fx-10.0"
POWER = declared(replace(DEFINITION, architecture="ppc64le", machine="pseries-7.2"))
OVERRIDDEN = declared(
    replace(DEFINITION, smbios_mode="sysinfo", sysinfo={"system": {"version": "14.0"}})
)
LYING = declared(
    replace(DEFINITION, smbios_mode="sysinfo", sysinfo={"system": {"version": "pc-q35-9.0"}})
)
UBUNTU = declared(replace(DEFINITION, machine="pc-i440fx-noble"))
CLONE = declared(replace(DEFINITION, hardware_uuid=OTHER), hardware_uuid=OTHER)
NOBLE_V2 = declared(replace(DEFINITION, machine="pc-i440fx-noble-v2"))
QUESTING_V2 = declared(replace(DEFINITION, machine="pc-q35-questing-v2"))


def sysinfo(product: str) -> Declared:
    return declared(
        replace(DEFINITION, smbios_mode="sysinfo", sysinfo={"system": {"product": product}})
    )


def printed(product: str | None) -> Observation:
    """What a guest answers whose tools print its product so."""
    return replace(OBSERVATION, booted=NOTHING, live=NOTHING, dmi=replace(NAMED, product=product))


def by_probe(declared: Declared, product: str) -> Expectation:
    """What is expected where the QEMU here builds this product."""
    rule = by_rule(declared.definition, {})
    assert isinstance(rule, Expectation)
    return with_probe(rule, replace(NAMED, product=product))


def shows(product: str, declared: Declared, machine: str) -> Case:
    """A guest whose tables, booted and live, have this product and no version."""
    return replace(
        seen(product=product, version=machine),
        declared=declared,
        expected=case(declared=declared).expected,
    )


CUSTOM = declared(replace(DEFINITION, machine="vendor_machine"))
PASS, FAIL, WARN = Outcome.PASS, Outcome.FAIL, Outcome.WARN
UNKNOWN, SKIP = Outcome.UNKNOWN, Outcome.SKIP
TRANSIENT = replace(declared(), persistent=None)
BIOS = smbios_builder.structure(0, 0, b"\1", "SeaBIOS")
OEM = smbios_builder.structure(11, 0xB00, b"\1", "one")
# What the firmware adds is in the booted tables only.
BOOTED = replace(OBSERVATION, booted=smbios(more=BIOS))
OTHER_TABLES = smbios(product="KVM")
MOVED = replace(BOOTED, live=OTHER_TABLES)
BROKEN = Smbios(entry_point=b"", tables=b"broken", named=smbios().named)
LEGACY = replace(PROBED, smbios=None)
EMULATED = replace(PROBED, masked=frozenset({(4, PROCESSOR_ID)}), accelerator="tcg")


def processor_id(digit: int) -> Smbios:
    """Tables with one more processor, of this ID."""
    fields = bytes(4) + bytes([digit] * 8)
    return smbios(more=smbios_builder.structure(4, 0x401, fields))


NO_START = Missing(
    reason=Reason.NO_START,
    sentence="QEMU refuses libvirt's options: -no-acpi: invalid option",
)
SAME = Compared(differences=(), tables=("DSDT",), functions=0, not_compared=(), smbios=True)
GONE = Difference(
    area=Area.PCI, subject="0000:00:03.0", field="function", old="there", new="absent"
)
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
    (identity.check, replace(seen(uuid=SWAPPED, product="Bochs", version=None), expected=case(
        declared=declared(replace(DEFINITION, machine="isapc"))).expected), PASS, "bytes swapped"),
    (identity.check, case(declared=OFF), SKIP, "not running"),
    (identity.check, case(declared=CLONE), FAIL,
     f"booted with UUID {UUID_1}, libvirt says {OTHER}"),
    (identity.check, replace(seen(uuid=OTHER), declared=CLONE), PASS, "has the domain's hwuuid"),
    (identity.check, replace(seen(uuid=OTHER), declared=CLONE, elsewhere=(
        replace(COPY, host="node17", name="old", uuid=OTHER),)), FAIL,
     f"on node17 as old (running) at once, with UUID {OTHER}"),
    (identity.check, case(elsewhere=(COPY,)), FAIL,
     f"runs on node17 (running) and on node41 (running) at once, with UUID {UUID_1}"),
    (identity.check, case(elsewhere=(replace(COPY, name="vm1b", state="paused"),),
                          observation=SILENT, memory=NOTHING), FAIL,
     "on node41 as vm1b (paused) at once"),
    (identity.check, replace(seen(uuid=OTHER), elsewhere=(COPY,)), FAIL,
     f"and the guest here booted with UUID {OTHER}"),
    (identity.check, case(declared=OFF, elsewhere=(COPY,)), SKIP, "not running"),
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
    *(
        (product.check, shows(text, NOBLE_V2, "pc-i440fx-noble-v2"), PASS, text)
        for text in (
            "Ubuntu 24.04 PC v2 (i440FX + PIIX, arch_caps fix, 1996)",
            "Ubuntu 24.04 PC v2 (i440FX + PIIX, arch-caps fix, 1996)",
            "Ubuntu 24.04 LTS PC v2 (i440FX + PIIX, arch-caps fix, 1996)",
        )
    ),
    (product.check, shows("Ubuntu 25.10 PC v2 (Q35 + ICH9, + 10.1 machine, 2009)", QUESTING_V2,
                          "pc-q35-questing-v2"), PASS, "+ 10.1 machine"),
    (product.check, shows("Ubuntu 25.10 LTS PC v2 (Q35 + ICH9, + 10.1 machine, 2009)", QUESTING_V2,
                          "pc-q35-questing-v2"), PASS, "LTS PC v2 (Q35"),
    (product.check, shows("Ubuntu 24.04 PC v2 (Q35 + ICH9, arch_caps fix, 2009)", NOBLE_V2,
                          "pc-i440fx-noble-v2"), FAIL, "Q35"),
    (product.check, shows("Ubuntu 24.04 PC v2 (i440FX + PIIXels, 1996)", NOBLE_V2,
                          "pc-i440fx-noble-v2"), FAIL, "PIIXels"),
    # Booted from a package with one spelling, served and probed by one with the other.
    (product.check, replace(
        shows("Ubuntu 24.04 PC v2 (i440FX + PIIX, arch_caps fix, 1996)", NOBLE_V2,
              "pc-i440fx-noble-v2"),
        expected=by_probe(NOBLE_V2, "Ubuntu 24.04 PC v2 (i440FX + PIIX, arch-caps fix, 1996)")),
     PASS, "arch_caps"),
    # <sysinfo> is kept by libvirt, QEMU and the tables as it stands; the guest's tools cut it.
    (product.check, shows(" P ", sysinfo(" P "), MACHINE), PASS, '" P "'),
    (product.check, shows("P", sysinfo(" P "), MACHINE), FAIL, 'give the product "P"'),
    (product.check, case(declared=sysinfo(" P "), observation=printed("P")), PASS, '"P"'),
    (product.check, case(declared=sysinfo(" P "), observation=printed("Q")), FAIL, "guest's DMI"),
    (product.check, case(declared=sysinfo("  "), observation=printed(None)), PASS, "(not spec"),
    (product.check, case(declared=sysinfo("M\u00fcller"), observation=printed("M..ller")), PASS,
     "M..ller"),
    (product.check, case(declared=sysinfo("a\tb"), observation=printed("a?b")), PASS, "a?b"),
    (product.check, case(declared=sysinfo("a\tb"), observation=printed("a.b")), PASS, "a.b"),
    (product.check, case(declared=sysinfo("p" * 600), observation=printed("p" * 512)), PASS, "ppp"),
    (product.check, case(declared=sysinfo("p" * 600), observation=printed("p" * 500)), FAIL, "ppp"),
    (product.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (product.check, case(declared=CUSTOM), SKIP, "nothing is expected"),
    (running_qemu.check, case(), PASS, "process 42"),
    (running_qemu.check, case(running=replace(RUNNING, machine="pc-q35-7.2")), FAIL, "pc-q35-7.2"),
    (running_qemu.check, case(running=replace(RUNNING, uuid=OTHER)), FAIL, "UUID"),
    (running_qemu.check, case(running=replace(RUNNING, uuid=OTHER), declared=CLONE), PASS,
     "process 42"),
    (running_qemu.check, case(declared=CLONE), FAIL, f"libvirt says {OTHER}"),
    (running_qemu.check, case(running=replace(RUNNING, machine=None)), UNKNOWN, "not to be seen"),
    (running_qemu.check, case(running=NOTHING), UNKNOWN, "not to be had"),
    (running_qemu.check, case(declared=OFF), SKIP, "not running"),
    (pending_change.check, case(), PASS, "same machine"),
    (pending_change.check, case(declared=declared(machine="pc")), PASS, "same machine"),
    (pending_change.check, case(declared=declared(machine="pc-q35-7.2")), WARN,
     "machine type pc-i440fx-7.2 now, pc-q35-7.2"),
    (pending_change.check, case(declared=declared(sysinfo={"system": {"version": "1"}})), WARN,
     "sysinfo system version none now, '1' at"),
    (pending_change.check, case(declared=declared(sysinfo={"system": {"version": " "}})), WARN,
     "none now, ' ' at"),
    (pending_change.check, case(declared=declared(
        replace(DEFINITION, sysinfo={"baseBoard": {"product": "A"}, "baseBoard 2": {"product": "B"},
                                     "oemStrings": {"1": "x", "2": "y"}}),
        sysinfo={"baseBoard": {"product": "C"}, "baseBoard 2": {"product": "B"},
                 "oemStrings": {"1": "z", "2": "y"}})), WARN,
     "baseBoard product 'A' now, 'C' at the next start; sysinfo oemStrings 1 'x' now, 'z'"),
    (pending_change.check, case(declared=declared(sysinfo={"oemStrings": {
        "1": "io.systemd.credential:login=secret"}})), WARN,
     "io.systemd.credential:login=(SHA-256 "),
    (pending_change.check, case(declared=declared(sysinfo={"fwcfg": {"opt/a": "secret"}})), WARN,
     "sysinfo fwcfg opt/a none now, SHA-256 "),
    (pending_change.check, case(declared=declared(sysinfo={"oemStrings": {
        str(number): "x" * 5000 for number in range(90)}})), WARN, "; and 84 more"),
    (pending_change.check, case(declared=declared(hardware_uuid=OTHER)), WARN,
     f"hwuuid none now, {OTHER} at the next start"),
    (pending_change.check, case(declared=declared(firmware="efi")), WARN, "firmware"),
    (pending_change.check, case(declared=OFF), SKIP, "not running"),
    (whole_machine.check, case(), SKIP, "was not rehearsed"),
    (whole_machine.check, case(declared=OFF, rehearsal=SAME), SKIP, "not running"),
    (whole_machine.check, case(rehearsal=NOTHING), UNKNOWN, "not to be had"),
    (whole_machine.check, case(rehearsal=SAME), PASS, "SMBIOS, 1 ACPI table (DSDT)"),
    (whole_machine.check, case(rehearsal=replace(SAME, not_compared=("BGRT: later",))), PASS,
     "not compared: BGRT: later"),
    (whole_machine.check, case(rehearsal=replace(SAME, tables=(), smbios=False)), UNKNOWN,
     "nothing of the guest"),
    (whole_machine.check, case(rehearsal=replace(SAME, differences=(GONE,))), WARN,
     "PCI 0000:00:03.0: function there -> absent. After the next boot: will Windows see a new "
     "network card or disk? yes: a device is where none was, or gone (PCI 0000:00:03.0: function "
     "absent -> there); will a hibernated guest find another machine? yes"),
    (exact.check, case(), PASS, "is served exactly"),
    (exact.check, case(observation=BOOTED), PASS, "is served exactly"),
    (exact.check, case(observation=MOVED, now=replace(PROBED, smbios=OTHER_TABLES)), PASS,
     "is served exactly"),
    (exact.check, case(observation=MOVED), FAIL,
     "SMBIOS type 1 System: Product Name 'Standard PC (i440FX + PIIX, 1996)' -> 'KVM'"),
    (exact.check, case(observation=replace(OBSERVATION, live=smbios(more=BIOS * 2)),
                       now=replace(PROBED, smbios=smbios(more=BIOS))), FAIL, "structures 1 -> 2"),
    (exact.check, case(observation=SILENT, memory=smbios(more=BIOS)), PASS, "booted with exactly"),
    (exact.check, case(observation=SILENT, memory=OTHER_TABLES), UNKNOWN, "only its agent"),
    (exact.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (exact.check, case(observation=replace(OBSERVATION, live=NOTHING)), PASS, "booted with"),
    (exact.check, case(observation=replace(OBSERVATION, live=processor_id(1)),
                       now=replace(EMULATED, smbios=processor_id(2))), PASS,
     "(type 4 Processor ID not compared: KVM can't be had for the probe)"),
    (exact.check, case(observation=replace(OBSERVATION, live=processor_id(1)),
                       now=replace(PROBED, smbios=processor_id(2))), FAIL, "Processor ID"),
    (exact.check, case(observation=replace(OBSERVATION, live=BROKEN)), UNKNOWN, "can't be"),
    (exact.check, case(now=NOTHING), UNKNOWN, "not to"),
    (exact.check, case(now=LEGACY), SKIP, "to the firmware"),
    (exact.check, case(declared=OFF), SKIP, "not running"),
    (stale_qemu.check, case(), PASS, "the installed one"),
    (stale_qemu.check, case(running=replace(RUNNING, replaced=True)), WARN, "was replaced"),
    (stale_qemu.check, case(running=replace(RUNNING, replaced=None)), UNKNOWN, "may not be seen"),
    (stale_qemu.check, case(running=NOTHING), UNKNOWN, "not to be had"),
    (stale_qemu.check, case(declared=OFF), SKIP, "not running"),
    (next_boot.check, case(), PASS, "a reboot shows the guest the same tables"),
    (next_boot.check, case(observation=BOOTED), PASS, "same tables"),
    (next_boot.check, case(observation=MOVED), WARN, "the guest will see SMBIOS type 1 System"),
    (next_boot.check, case(observation=MOVED, now=NOTHING), WARN, "Product Name"),
    (next_boot.check, case(observation=SILENT), PASS, "same tables"),
    (next_boot.check, case(observation=SILENT, now=replace(PROBED, smbios=OTHER_TABLES)), WARN,
     "'KVM'"),
    (next_boot.check, case(observation=SILENT, now=replace(EMULATED, smbios=processor_id(1)),
                           memory=processor_id(2)), PASS, "not compared"),
    (next_boot.check, case(observation=SILENT, now=NOTHING), UNKNOWN, "not to be had"),
    (next_boot.check, case(observation=SILENT, now=LEGACY), SKIP, "to the firmware"),
    (next_boot.check, case(observation=replace(OBSERVATION, booted=NOTHING), memory=NOTHING),
     UNKNOWN, "not to be had"),
    (next_boot.check, case(observation=replace(OBSERVATION, booted=BROKEN)), UNKNOWN, "can't be"),
    (next_boot.check, case(declared=OFF), SKIP, "not running"),
    (next_boot.check, case(after_boot=SAME), PASS,
     "the same tables; rehearsed, the same: SMBIOS, 1 ACPI table (DSDT)"),
    (next_boot.check, case(after_boot=replace(SAME, not_compared=("BGRT: later",))), PASS,
     "not compared: BGRT: later"),
    (next_boot.check, case(after_boot=replace(SAME, tables=(), smbios=False)), PASS,
     "same tables; nothing of a rehearsal could be compared"),
    (next_boot.check, case(after_boot=NOTHING), PASS,
     "same tables; ACPI and PCI are not rehearsed, because not to be had"),
    (next_boot.check, case(after_boot=replace(SAME, differences=(GONE,))), WARN,
     "the guest will see PCI 0000:00:03.0: function there -> absent; will Windows see a new"),
    (next_boot.check, case(observation=MOVED, after_boot=replace(SAME, differences=(GONE,))), WARN,
     "'KVM'; PCI 0000:00:03.0"),
    (next_boot.check, case(observation=SILENT, now=NOTHING, after_boot=SAME), UNKNOWN,
     "not to be had; rehearsed, the same"),
    (next_boot.check, case(observation=SILENT, now=NOTHING,
                           after_boot=replace(SAME, differences=(GONE,))), WARN,
     "; of what is served: not to be had"),
    (next_start.check, case(), PASS, "a stop and start shows the guest the same tables"),
    (next_start.check, case(observation=SILENT), PASS, "same tables"),
    (next_start.check, case(next_start=replace(PROBED, smbios=OTHER_TABLES)), WARN, "'KVM'"),
    (next_start.check, case(next_start=replace(PROBED, smbios=smbios(
        manufacturer="a", product="b", version="c", uuid=OTHER, chassis_version=None,
        processor_version="d", more=BIOS + OEM))), WARN, "and 1 more"),
    (next_start.check, case(next_start=NOTHING), UNKNOWN, "not to be had"),
    (next_start.check, case(next_start=LEGACY), SKIP, "to the firmware"),
    (next_start.check, case(observation=SILENT, memory=NOTHING), UNKNOWN, "not to be had"),
    (next_start.check, case(next_start=replace(PROBED, smbios=BROKEN)), UNKNOWN, "can't be"),
    (next_start.check, case(declared=TRANSIENT), SKIP, "transient"),
    (next_start.check, case(after_start=SAME), PASS, "rehearsed, the same: SMBIOS"),
    (next_start.check, case(after_start=replace(SAME, differences=(GONE,))), WARN,
     "the guest will see PCI 0000:00:03.0: function there -> absent"),
    (next_start.check, case(declared=OFF, after_start=SAME), PASS, "starts the domain with"),
    # Of one that is off, whether QEMU takes its options is asked as well.
    (next_start.check, case(declared=OFF), PASS, "takes the options that libvirt starts"),
    (next_start.check, case(declared=OFF, next_start=NOTHING), SKIP, "not running"),
    (next_start.check, case(declared=OFF, next_start=NO_START), WARN,
     "the next start fails: QEMU refuses libvirt's options: -no-acpi: invalid option"),
    (next_start.check, case(next_start=NO_START), WARN, "the next start fails"),
    (pending_change.check, case(declared=TRANSIENT), SKIP, "transient"),
    (alias.check, case(), PASS, "itself"),
    (alias.check, case(declared=declared(machine="pc")), WARN, "floats"),
    (alias.check, case(declared=declared(machine="ubuntu")), PASS, "itself"),
    (alias.check, case(declared=TRANSIENT), SKIP, "transient"),
    (upgrade.check, case(), SKIP, "no upgrade"),
    (upgrade.check, case(raised_to="pc-i440fx-7.2"), PASS, "runs as pc-i440fx-7.2, to which"),
    (upgrade.check, case(raised_to=NEWER, declared=declared(machine=NEWER)), SKIP, "reboot in"),
    (upgrade.check, case(raised_to=NEWER), WARN, "changed the definition to pc-i440fx-7.2"),
    (upgrade.check, case(raised_to=NEWER, declared=declared(None, machine=NEWER)), SKIP, "full"),
    (upgrade.check, case(raised_to=NEWER, declared=declared(machine="pc"),
                         aliases={"pc": NEWER}), SKIP, "staged"),
    *baseline_rows.ROWS,
    *type_rows.ROWS,
    *uefi_rows.ROWS,
    *tpm_rows.ROWS,
    *platform_rows.ROWS,
]  # fmt: skip


NO_CHECKS = {"__init__", "bounds"}
"""Files of the folder that are none."""


@pytest.mark.parametrize(
    ("check", "judged", "outcome", "words"),
    ROWS,
    ids=[f"{row[0].__module__.rpartition('.')[2]}-{row[2]}-{row[3]}" for row in ROWS],
)
def test_finding(
    check: Callable[[Case], Finding], judged: Case, outcome: Outcome, words: str
) -> None:
    finding = check(judged)
    assert (finding.outcome, words in finding.sentence) == (outcome, True), finding


def test_every_file_is_listed_and_has_what_a_check_has() -> None:
    files = {file.stem for folder in checks.__path__ for file in Path(folder).glob("*.py")}
    modules = [import_module(f"host_agent.checks.{name}") for name in files - NO_CHECKS]
    assert {one.ID for one in modules} == checks.IDS
    for one in modules:
        assert get_type_hints(one.check) == {"case": Case, "return": Finding}


def test_every_check_is_listed_once_and_has_rows() -> None:
    assert len(set(checks.ALL)) == len(checks.ALL)
    assert {one.check for one in checks.ALL} == {row[0] for row in ROWS}
    assert {finding.check for finding in checks.run(case())} == checks.IDS
    assert len(checks.IDS) == len(checks.ALL)


def test_a_fail_says_expected_and_observed() -> None:
    for check, judged, outcome, _ in ROWS:
        if outcome is Outcome.FAIL:
            finding: Finding = check(judged)
            assert finding.expected
            assert finding.observed is not None


def test_a_forecast_says_what_was_and_what_will_be() -> None:
    for check, changes in (
        (next_boot.check, {"observation": MOVED}),
        (next_start.check, {"next_start": replace(PROBED, smbios=OTHER_TABLES)}),
    ):
        finding = check(case(**changes))
        assert finding.expected == "Product Name 'Standard PC (i440FX + PIIX, 1996)'"
        assert finding.observed == "Product Name 'KVM'"


def test_checks_never_pass_on_missing_evidence() -> None:
    gone = Missing(reason=Reason.FAILED, sentence="gone")
    nothing = case(observation=gone, memory=gone, running=gone, expected=gone, surroundings=gone)
    outcomes = {finding.check: finding.outcome for finding in checks.run(nothing)}
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.PASS} == {
        "pending-change",
        "alias",
    }


def test_every_policy_has_a_row() -> None:
    told = " ".join(row[0](row[1]).sentence for row in ROWS if row[0] is vendor_support.check)
    for policy in POLICIES.values():
        assert policy.upstream in told
