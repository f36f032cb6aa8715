"""What the evidence says happened to a domain since its baseline."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.case import occasion
from host_agent.case.case import Occasion, SnapshotTaken
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DEFINITION,
    MACHINE,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    RUNNING,
    SILENT,
    case,
    declared,
)

AUDIT, ARRIVAL, RESTART = Occasion.AUDIT, Occasion.ARRIVAL, Occasion.RESTART
UPGRADE, REVERTED = Occasion.UPGRADE, Occasion.REVERTED
OTHER_BOOT = {"observation": replace(OBSERVATION, boot_id="c")}
NO_BOOT_ID = {"observation": replace(OBSERVATION, boot_id=None)}
MEMORY_ONLY = {"observation": NOT_ENROLLED}
BASELINE_OF_MEMORY = {"baseline": replace(BASELINE, observation=replace(OBSERVATION, boot_id=None))}
ELSEWHERE = {"host": "node41"}
MIGRATED = {"declared": replace(declared(), reason="migrated")}
RESTORED = {"declared": replace(declared(), reason="restored")}
YOUNGER = {"running": replace(RUNNING, started=BASELINE.taken + 60)}
PROCESS = {"running": replace(RUNNING, host_boot="b", ticks=5, started=BASELINE.taken + 3600)}
OF_PROCESS = {"baseline": replace(BASELINE, process="b:42:5")}
OF_ANOTHER = {"baseline": replace(BASELINE, process="b:42:4")}
FROM_SNAPSHOT = {"declared": replace(declared(), reason="from snapshot")}
NEWER = {"newer": replace(BASELINE, taken=BASELINE.taken + 60)}
SNAPSHOT = {"snapshot": SnapshotTaken(name="s1", created=1.0)}
NO_PROCESS = {"running": NOTHING}
REFUSED = {"baseline": Missing(reason=Reason.REFUSED, sentence="cut short")}
ABSENT = {"baseline": Missing(reason=Reason.ABSENT, sentence="none was taken")}
RAISED_TO = {"raised_to": "pc-i440fx-10.0"}
RAISED = {**RAISED_TO, "declared": declared(replace(DEFINITION, machine="pc-i440fx-10.0"))}
PUT_BACK = {"raised_to": MACHINE, "declared": declared()}
OFF = {"declared": declared(active=None)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # The boot id is known, then and now.
        ((), AUDIT),
        ((NO_PROCESS,), AUDIT),
        # libvirt's reason stays what it was for as long as the domain runs.
        ((MIGRATED,), AUDIT),
        ((RESTORED,), AUDIT),
        ((ELSEWHERE,), ARRIVAL),
        ((ELSEWHERE, MIGRATED), ARRIVAL),
        ((ELSEWHERE, MIGRATED, YOUNGER), ARRIVAL),
        ((ELSEWHERE, RESTORED, YOUNGER), ARRIVAL),
        ((ELSEWHERE, NO_PROCESS), ARRIVAL),
        # Away and back while nobody verified it there.
        ((MIGRATED, YOUNGER), ARRIVAL),
        ((RESTORED, YOUNGER), ARRIVAL),
        ((YOUNGER,), ARRIVAL),
        # The host's clock was set forward: by its time the process is younger than the baseline.
        ((OF_PROCESS, PROCESS), AUDIT),
        ((MEMORY_ONLY, OF_PROCESS, PROCESS), AUDIT),
        # The clock was set back: by its time the process is older than the baseline.
        ((OF_ANOTHER, {"running": replace(PROCESS["running"], started=0.0)}), ARRIVAL),
        ((MEMORY_ONLY, OF_ANOTHER, {"running": replace(PROCESS["running"], started=0.0)}), RESTART),
        # One of the two is not known: an older samemachine, or another host's /proc.
        ((OF_PROCESS, YOUNGER), ARRIVAL),
        ((PROCESS,), ARRIVAL),
        ((OTHER_BOOT,), RESTART),
        ((OTHER_BOOT, YOUNGER), RESTART),
        ((OTHER_BOOT, ELSEWHERE), RESTART),
        ((OTHER_BOOT, ELSEWHERE, YOUNGER), RESTART),
        ((OTHER_BOOT, MIGRATED), RESTART),
        # Reverted to a snapshot: in another process, or by an older libvirt in the same.
        ((FROM_SNAPSHOT, OF_ANOTHER, PROCESS), REVERTED),
        ((FROM_SNAPSHOT, OF_ANOTHER, PROCESS, OTHER_BOOT), REVERTED),
        ((FROM_SNAPSHOT, OF_ANOTHER, PROCESS, MEMORY_ONLY), REVERTED),
        ((FROM_SNAPSHOT, OF_PROCESS, PROCESS, NEWER), REVERTED),
        ((FROM_SNAPSHOT, NO_PROCESS, NEWER), REVERTED),
        ((FROM_SNAPSHOT, ELSEWHERE), REVERTED),
        # It was paused and resumed since.
        ((OF_ANOTHER, PROCESS, NEWER, SNAPSHOT), REVERTED),
        # Verified since: libvirt's word stays.
        ((FROM_SNAPSHOT, OF_PROCESS, PROCESS), AUDIT),
        # The baseline in the XML could not be written, and the ledger's is newer for that.
        ((OF_PROCESS, PROCESS, NEWER, SNAPSHOT), AUDIT),
        ((OF_ANOTHER, PROCESS, NEWER, SNAPSHOT, OTHER_BOOT), RESTART),
        ((OF_ANOTHER, PROCESS, NEWER, SNAPSHOT, MEMORY_ONLY), RESTART),
        ((OF_ANOTHER, PROCESS, NEWER), ARRIVAL),
        ((OF_ANOTHER, PROCESS, SNAPSHOT), ARRIVAL),
        # An upgrade: only the start that gave the domain the machine type is that.
        ((OTHER_BOOT, RAISED), UPGRADE),
        ((OTHER_BOOT, YOUNGER, RAISED), UPGRADE),
        ((MEMORY_ONLY, YOUNGER, RAISED), UPGRADE),
        ((OTHER_BOOT, RAISED_TO), RESTART),
        # From elsewhere, without an agent.
        ((MEMORY_ONLY, NO_PROCESS, RAISED), UPGRADE),
        ((RAISED,), AUDIT),
        ((RAISED_TO,), AUDIT),
        ((OTHER_BOOT, PUT_BACK), RESTART),
        ((OTHER_BOOT, RAISED, REFUSED), AUDIT),
        # It booted anew while it moved: an arrival with another boot is a fail.
        ((OTHER_BOOT, ELSEWHERE, MIGRATED), ARRIVAL),
        # The boot id is not known.
        ((MEMORY_ONLY,), AUDIT),
        ((MEMORY_ONLY, NO_PROCESS), AUDIT),
        ((MEMORY_ONLY, YOUNGER), RESTART),
        ((MEMORY_ONLY, ELSEWHERE), RESTART),
        ((MEMORY_ONLY, ELSEWHERE, MIGRATED), ARRIVAL),
        ((MEMORY_ONLY, ELSEWHERE, MIGRATED, NO_PROCESS), ARRIVAL),
        ((NO_BOOT_ID,), AUDIT),
        ((NO_BOOT_ID, YOUNGER), RESTART),
        ((NO_BOOT_ID, ELSEWHERE, MIGRATED), ARRIVAL),
        ((BASELINE_OF_MEMORY,), AUDIT),
        ((BASELINE_OF_MEMORY, YOUNGER), RESTART),
        ((BASELINE_OF_MEMORY, MEMORY_ONLY), AUDIT),
        ((BASELINE_OF_MEMORY, MEMORY_ONLY, YOUNGER), RESTART),
        (({"observation": SILENT}, YOUNGER), RESTART),
        # Nothing to hold it against, or nothing that runs.
        ((ABSENT, YOUNGER, ELSEWHERE, MIGRATED), AUDIT),
        ((REFUSED, YOUNGER, ELSEWHERE, MIGRATED), AUDIT),
        ((OFF,), AUDIT),
        ((OFF, ELSEWHERE), AUDIT),
    ],
)
def test_occasion(changes: tuple[dict[str, Any], ...], expected: Occasion) -> None:
    fields: dict[str, Any] = {}
    for change in changes:
        fields |= change
    assert occasion.of(case(**fields)) is expected
