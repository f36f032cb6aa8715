"""A baseline never knows less than before, and nothing passes because a report left it out."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent import checks
from host_agent.case import kept_evidence
from host_agent.case.case import Occasion
from host_agent.case.results import Confirmed
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence import decode
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.hardware import Uefi
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running
from host_agent.finding import Outcome
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing
from samemachine.v1 import guest_pb2
from tests.unit.host_agent.shared import uefi_rows
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    MACHINE,
    NAMED,
    NOT_ENROLLED,
    NOTHING,
    PROBED,
    RUNNING,
    case,
    report,
    smbios,
)
from tests.unit.host_agent.verify.test_verifier import NOW, Trial

BOOT, OTHER = "11111111-2222-4333-8444-555555555555", "21111111-2222-4333-8444-555555555555"
HERE = replace(RUNNING, host_boot="b", ticks=5)
THERE = replace(RUNNING, host_boot="b", ticks=9)
GROUPS = sorted(set(kept_evidence.GROUPS.values()) | {"dmi", "smbios_live"})
ARRIVAL: dict[str, Any] = {"occasion": Occasion.ARRIVAL, "running": THERE, "host": "node41"}


def answer(*without: str, boot: str = BOOT, **changes: Any) -> Observation:
    """What a guest of the machine reports, without some groups."""
    message = report("i440fx")
    message.agent_version = "0.1.0"
    message.ClearField("absences")
    message.boot.boot_id = boot
    message.dmi.CopyFrom(
        guest_pb2.Dmi(
            source=guest_pb2.DMI_SOURCE_DMIDECODE,
            system_manufacturer=NAMED.manufacturer,
            system_product=NAMED.product,
            system_version=MACHINE,
            system_uuid=str(NAMED.uuid),
            chassis_version=MACHINE,
            processor_version=MACHINE,
        )
    )
    message.uefi.secure_boot = guest_pb2.UEFI_SWITCH_OFF
    for name in ("smbios_booted", "smbios_live"):
        getattr(message, name).tables = changes.pop(name, smbios()).tables
    for name, edit in changes.items():
        edit(getattr(message, name))
    for name in without:
        number = guest_pb2.EvidenceGroup.Value(f"EVIDENCE_GROUP_{name.upper()}")
        message.ClearField(name)
        message.absences.add(
            group=number, reason=guest_pb2.ABSENCE_REASON_UNREADABLE, detail="switched off"
        )
    return decode.decode(message, b"", 0.1, NOW)


def has(kept: Baseline, group: str) -> bool:
    return kept_evidence._has(kept.observation, group)


FULL = replace(BASELINE, observation=answer(), process=HERE.process, salt=bytes(range(16)))


def attempted(one: Any, **how: Any) -> tuple[Confirmed, Baseline | None, Trial]:
    trial = Trial(one)
    done = trial.attempt(**how)
    return done, trial.domain.baseline if trial.domain.written else None, trial


@pytest.mark.parametrize("group", GROUPS)
def test_what_a_move_did_not_show_stays_with_its_time(group: str) -> None:
    one = case(baseline=FULL, observation=answer(group), **ARRIVAL)
    done, kept, trial = attempted(one)
    assert done.audited.verdict.decision == "verified", done.audited.verdict.findings
    assert kept is not None
    assert has(kept, group)
    assert set(kept.older) == {group}
    older = kept.older[group]
    assert (older.taken, older.host, older.process) == (FULL.taken, "node17", HERE.process)
    # The copy in the ledger is the same element.
    assert trial.ledger.copies[-1][1] == trial.domain.written[-1][0]


def test_what_stays_again_and_again_keeps_its_first_time() -> None:
    first, older = kept_evidence.merged(answer("pci"), FULL)
    later = replace(FULL, observation=first, older=older, taken=FULL.taken + 1, host="node41")
    _, still = kept_evidence.merged(answer("pci"), later)
    assert still["pci"] == older["pci"]
    assert still["pci"].taken == FULL.taken


def test_a_group_that_is_not_valid_is_replaced_by_the_old_one() -> None:
    def spoil(pci: guest_pb2.PciBus) -> None:
        pci.functions[0].address = "nowhere"

    seen = answer(pci=spoil)
    assert isinstance(seen.hardware.pci, Missing)
    found, older = kept_evidence.merged(seen, FULL)
    assert found.hardware.pci == FULL.observation.hardware.pci
    assert set(older) == {"pci"}


def lose_a_function(pci: guest_pb2.PciBus) -> None:
    del pci.functions[-1]


@pytest.mark.parametrize("hops", [1, 2])
def test_a_change_behind_a_missing_group_does_not_pass(hops: int) -> None:
    """The move lost a device, and its report the group: the next one still finds it."""
    before: Baseline = FULL
    for hop in range(hops):
        moved = {**ARRIVAL, "host": f"node{hop}"}
        _, kept, _ = attempted(case(baseline=before, observation=answer("pci"), **moved))
        assert kept is not None
        before = kept
    seen = answer(pci=lose_a_function)
    host = f"node{hops - 1}"
    done, kept, _ = attempted(case(baseline=before, observation=seen, running=THERE, host=host))
    assert done.audited.case.occasion is Occasion.AUDIT
    (found,) = [one for one in done.audited.verdict.findings if one.check == "same-pci"]
    # As of the move, though nothing moved since the baseline.
    assert found.outcome is Outcome.FAIL
    assert "(against what was seen at " in found.sentence
    assert done.audited.verdict.decision == "mismatch"
    assert kept is None


def test_what_is_there_again_and_as_it_was_is_of_today() -> None:
    older = replace(FULL, older={"pci": kept_evidence._of(FULL)}, taken=NOW - 60)
    _, kept, _ = attempted(case(baseline=older, observation=answer(), **ARRIVAL))
    assert kept is not None
    assert kept.older == {}


def test_an_accepted_state_keeps_what_it_lacks() -> None:
    trial = Trial(case(baseline=FULL, observation=answer("network"), **ARRIVAL))
    assert isinstance(trial.verifier.accept(trial.domain), Confirmed)
    kept = trial.domain.baseline
    assert set(kept.older) == {"network"}
    # Its identifiers are hashed with the same salt, and are told apart as before.
    assert kept.salt == FULL.salt
    interfaces = guest_pb2.Report.FromString(kept.observation.raw).network.interfaces
    assert all(one.mac.startswith("hashed:") for one in interfaces)


def test_a_host_that_sees_memory_alone_takes_nothing_away() -> None:
    one = case(baseline=FULL, observation=NOT_ENROLLED, memory=smbios(), running=HERE)
    _, kept, _ = attempted(one, refresh=True)
    assert kept is not None
    assert all(has(kept, group) for group in GROUPS)
    assert "smbios_booted" not in kept.older
    assert {"pci", "clock", "boot"} <= set(kept.older)


def test_leaves_of_cpuid_stay() -> None:
    def forget(cpu: guest_pb2.Cpu) -> None:
        cpu.ClearField("live_cpuid")

    assert guest_pb2.Report.FromString(FULL.observation.raw).cpu.live_cpuid
    _, kept, _ = attempted(case(baseline=FULL, observation=answer(cpu=forget), **ARRIVAL))
    assert kept is not None
    assert set(kept.older) == {"cpu"}
    assert guest_pb2.Report.FromString(kept.observation.raw).cpu.live_cpuid


@pytest.mark.parametrize(
    ("forecast", "outcome"), [(PROBED, Outcome.FAIL), (NOTHING, Outcome.UNKNOWN)]
)
def test_tables_that_could_not_be_judged_are_judged_later(forecast: Any, outcome: Outcome) -> None:
    """A start without a probe (--no-probe, a remote host) makes no tables the right ones."""
    changed = smbios(more=b"\x0b\x05\x00\x70\x01odd\0\0")
    restarted: dict[str, Any] = {
        "observation": answer(boot=OTHER, smbios_booted=changed),
        "running": THERE,
    }
    one = case(baseline=FULL, occasion=Occasion.RESTART, forecast=NOTHING, now=NOTHING, **restarted)
    done, kept, _ = attempted(one)
    assert done.audited.verdict.decision == "verified"
    assert kept is not None
    assert isinstance(kept.observation.booted, Smbios)
    assert kept.observation.booted.tables == smbios().tables
    assert (kept.observation.boot_id, kept.older["smbios_booted"].boot_id) == (OTHER, BOOT)
    assert kept.options == FULL.options
    (found,) = [
        one
        for one in checks.run(case(baseline=kept, forecast=forecast, **restarted))
        if one.check == "same-smbios"
    ]
    assert found.outcome is outcome


def test_the_element_has_the_times() -> None:
    older = replace(kept_evidence._of(FULL), qemu=None, kernel="6.1")
    kept = replace(FULL, older={"pci": older}, salt=None)
    assert baselines.from_element(baselines.to_element(kept), kept.uuid).older == {"pci": older}


def test_a_process_of_then_is_compared_for_what_is_of_then() -> None:
    kept = replace(FULL, process=THERE.process, older={"pci": kept_evidence._of(FULL)})
    one = case(baseline=kept, observation=answer(), running=THERE)
    assert isinstance(one.running, Running)
    assert kept_evidence.as_of(one, "same-block") is one
    assert kept_evidence.as_of(one, "same-pci").occasion is Occasion.ARRIVAL


def test_a_baseline_has_what_the_host_read_in_the_store() -> None:
    store = uefi_rows.OURS
    _, kept, _ = attempted(case(baseline=FULL, observation=answer("uefi"), nvram=store, **ARRIVAL))
    assert kept is not None
    assert kept.observation.hardware.uefi == Uefi(
        secure_boot=None, setup_mode=None, databases=store.digests
    )
    assert kept.older == {}
    # What the guest says of itself is more.
    _, kept, _ = attempted(case(baseline=FULL, observation=answer(), nvram=store, **ARRIVAL))
    assert kept is not None
    assert kept.observation.hardware.uefi == Uefi(secure_boot=False, setup_mode=None, databases={})
