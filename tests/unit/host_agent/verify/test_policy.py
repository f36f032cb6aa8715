"""The policy: what makes a domain verified, mismatch or unverified, and how deep."""

from dataclasses import replace
from uuid import UUID

import pytest

from host_agent.case.case import Case
from host_agent.case.results import Decision, Depth
from host_agent.firmware.smbios import swapped
from host_agent.verify.policy import judge
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import (
    DEFINITION,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    RUNNING,
    SILENT,
    case,
    declared,
    smbios,
)
from tests.unit.host_agent.shared.platform_rows import mainframe, on, power, served

POWER = declared(replace(DEFINITION, architecture="ppc64le", machine="pseries-7.2"))
ISA = declared(replace(DEFINITION, machine="isapc"))
BOCHS = case(
    declared=ISA,
    running=replace(RUNNING, machine="isapc"),
    observation=NOT_ENROLLED,
    memory=smbios(uuid=swapped(UUID_1), product="Bochs", version=None),
    now=NOTHING,
    next_start=NOTHING,
    baseline=NOTHING,
    forecast=NOTHING,
)
MUTE = replace(OBSERVATION, booted=NOTHING, dmi=NOTHING, live=NOTHING)
V, M, U = Decision.VERIFIED, Decision.MISMATCH, Decision.UNVERIFIED


@pytest.mark.parametrize(
    ("judged", "decision", "depth"),
    [
        (case(), V, Depth.GUEST),
        (case(memory=NOTHING, running=NOTHING), V, Depth.GUEST),
        (case(observation=replace(OBSERVATION, live=NOTHING)), V, Depth.GUEST),
        (case(observation=replace(OBSERVATION, booted=NOTHING, dmi=NOTHING), memory=NOTHING), U,
         Depth.GUEST),
        (case(observation=SILENT), U, Depth.MEMORY),
        (case(observation=SILENT, memory=NOTHING), U, Depth.HOST),
        (case(observation=SILENT, memory=smbios(version="pc-q35-7.2")), M, Depth.MEMORY),
        (case(observation=NOT_ENROLLED), V, Depth.MEMORY),
        (case(observation=NOT_ENROLLED, running=NOTHING), V, Depth.MEMORY),
        (case(observation=NOT_ENROLLED, memory=NOTHING), V, Depth.HOST),
        (case(observation=NOT_ENROLLED, memory=NOTHING, running=NOTHING), U, None),
        (case(declared=declared(active=None)), None, None),
        # Without a firmware the live tables are all that the guest has.
        (served(), V, Depth.GUEST),
        (served(NOTHING), U, Depth.HOST),
        (case(declared=declared(machine="pc")), V, Depth.GUEST),
        (case(declared=declared(machine="pc-q35-7.2")), V, Depth.GUEST),
        # QEMU gives it no SMBIOS: SeaBIOS writes its own, of which the UUID alone is the domain's.
        (BOCHS, V, Depth.MEMORY),
        (replace(BOCHS, running=NOTHING), U, Depth.MEMORY),
        (replace(BOCHS, memory=smbios(uuid=None)), V, Depth.HOST),
        (replace(BOCHS, memory=smbios(uuid=UUID(int=5))), M, Depth.MEMORY),
        # The guest answers, and nothing of it is judged.
        (replace(BOCHS, observation=MUTE, memory=NOTHING), V, Depth.HOST),
        # The guest's agent left the tables out: they are the host's evidence.
        (case(observation=MUTE, baseline=NOTHING), V, Depth.MEMORY),
        # No guest of ppc64el can see its machine type: the process carries the verdict.
        (case(declared=POWER, running=NOTHING, observation=NOT_ENROLLED, memory=NOTHING), U, None),
    ],
)  # fmt: skip
def test_verdict(judged: Case, decision: Decision | None, depth: Depth | None) -> None:
    verdict = judge(judged)
    assert (verdict.decision, verdict.depth) == (decision, depth), verdict.findings


@pytest.mark.parametrize(
    ("judged", "decision", "depth"),
    [
        (mainframe(), V, Depth.GUEST),
        (power(), V, Depth.GUEST),
        # The machine type is the process's word alone.
        (replace(power(), running=NOTHING), U, Depth.GUEST),
        (power(uuid=str(UUID(int=5))), M, Depth.GUEST),
        (power(compatible=()), U, Depth.GUEST),
        # Its agent answers, and leaves the platform out.
        (on("ppc64le", NOTHING), U, Depth.HOST),
        # Nobody asked the guest to say anything.
        (on("ppc64le", NOTHING, observation=NOT_ENROLLED), V, Depth.HOST),
        # No rule knows what a guest of this one sees of its family.
        (on("sparc64", NOTHING), V, Depth.HOST),
    ],
)
def test_what_no_guest_can_see_is_carried_by_the_process(
    judged: Case, decision: Decision, depth: Depth
) -> None:
    verdict = judge(judged)
    assert (verdict.decision, verdict.depth) == (decision, depth), verdict.findings
