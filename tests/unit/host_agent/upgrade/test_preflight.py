"""Findings before an upgrade: a row for each way that one can be wrong."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.difference import Area, Difference
from host_agent.domain.owner import Owner, OwnerKind
from host_agent.finding import Finding, Outcome
from host_agent.machine_types.target import Target
from host_agent.missing import Missing, Reason
from host_agent.records.upgrade_record import Direction, Step
from host_agent.upgrade import preflight as upgrade_preflight
from host_agent.upgrade.facts import Raising
from tests.unit.host_agent.shared.cases import DEFINITION, NOTHING
from tests.unit.host_agent.shared.tpm_rows import OTHER, SAME, outlook
from tests.unit.host_agent.shared.upgrade_records import NEW, OLD, RECORD

FAIL, WARN, PASS, UNKNOWN = Outcome.FAIL, Outcome.WARN, Outcome.PASS, Outcome.UNKNOWN
BEFORE = replace(DEFINITION, machine=OLD)
AFTER = replace(DEFINITION, machine=NEW)
RAISING = Raising(
    name="vm1",
    uuid=DEFINITION.uuid,
    persistent=BEFORE,
    active=BEFORE,
    state="running",
    owner=Owner(kind=OwnerKind.LIBVIRT),
    current=OLD,
    target=Target(name=NEW, why="newest that the host offers"),
    hosts=("node17",),
    forecast=(),
    changed=((f"machine='{OLD}'", f"machine='{NEW}'"),),
)
STAGED = replace(RECORD, step=Step.STAGED)
ACPI = Difference(area=Area.ACPI, subject="DSDT", field="code", old="1 bytes", new="2 bytes")
UUIDS = Difference(area=Area.SMBIOS, subject="type 1 System", field="UUID", old="a", new="b")
INVENTORY = Difference(area=Area.SMBIOS, subject="type 1 System", field="Version", old=OLD, new=NEW)


def owned(kind: OwnerKind, name: str | None = None) -> dict[str, Any]:
    return {"owner": Owner(kind=kind, name=name)}


ROWS: list[tuple[dict[str, Any], str, Outcome, str]] = [
    ({"denied": "it needs a read-write connection"}, "rights", FAIL, "read-write"),
    ({"persistent": None}, "definition", FAIL, "transient"),
    ({"trouble": "state.json can't be used"}, "journal", FAIL, "can't be used"),
    ({}, "owner", PASS, "libvirt only"),
    (owned(OwnerKind.COCKPIT), "owner", PASS, "libvirt only"),
    (owned(OwnerKind.BOXES), "owner", PASS, "libvirt only"),
    (owned(OwnerKind.NOVA, "shop"), "owner", FAIL,
     f"nova-manage libvirt update_machine_type {DEFINITION.uuid} {NEW}"),
    (owned(OwnerKind.OVIRT), "owner", FAIL, f"Custom Emulated Machine: {NEW}"),
    (owned(OwnerKind.KUBEVIRT, "shop"), "owner", FAIL,
     """kubectl patch vm shop --type merge -p '{"spec":{"template":{"spec":{"domain":{"machine":"""
     f"""{{"type":"{NEW}"}}}}}}}}}}}}'"""),
    (owned(OwnerKind.OPENNEBULA), "owner", FAIL, f"MACHINE = {NEW}"),
    (owned(OwnerKind.CLOUDSTACK), "owner", FAIL, "in CloudStack"),
    ({}, "type", PASS, f"{OLD} -> {NEW}: newest that the host offers (asked: node17)"),
    ({"target": Target(name=None, why="they are different machines")}, "type", FAIL, "different"),
    ({"target": Target(name=NEW, why="newest", note="it has no hpb")}, "type", WARN, "no hpb"),
    ({"persistent": replace(BEFORE, machine="pc")}, "alias", WARN, 'says "pc"'),
    ({"active": replace(BEFORE, machine="pc-i440fx-2.1")}, "pending", WARN, "runs as pc-"),
    ({}, "state", PASS, "running, and no job"),
    ({"state": "shut off", "active": None}, "state", PASS, "shut off"),
    ({"state": "paused"}, "state", FAIL, "virsh resume vm1"),
    ({"state": "pmsuspended"}, "state", FAIL, "dompmwakeup"),
    ({"state": "in shutdown"}, "state", FAIL, "virsh domstate"),
    ({"state": "paused", "stage": True}, "state", PASS, "paused"),
    ({"job": Missing(reason=Reason.BUSY, sentence="a job runs")}, "state", FAIL, "a job runs"),
    ({"on_poweroff": "restart"}, "poweroff", FAIL, "<on_poweroff>restart"),
    ({"saved": True}, "saved", FAIL, "managedsave-remove vm1"),
    ({"snapshots": ("a", "b")}, "saved", FAIL, "a, b"),
    ({"snapshots": tuple(map(str, range(500)))}, "saved", FAIL, "0, 1, 2"),
    ({}, "saved", PASS, "no managed-save"),
    ({}, "forecast", PASS, "the same firmware tables"),
    ({"forecast": NOTHING}, "forecast", UNKNOWN, "not known: not to be had"),
    ({"sealed": outlook(SAME, True)}, "sealed", PASS, "(systemd-tpm2, PCR 7) will open"),
    ({"sealed": outlook(OTHER, False)}, "sealed", WARN,
     "after its first stop and start vda3 (systemd-tpm2, PCR 7) will not open by the TPM"),
    ({"sealed": NOTHING}, "sealed", UNKNOWN,
     "opens at its first stop and start is not known: not to be had"),
    ({"forecast": (INVENTORY, ACPI, UUIDS)}, "forecast", WARN, "the guest will see SMBIOS type 1"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "check", "outcome", "words"), ROWS)
def test_finding(changes: dict[str, Any], check: str, outcome: Outcome, words: str) -> None:
    found = finding(replace(RAISING, **changes), check)
    assert found is not None
    told = f"{found.sentence} -> {found.remedy}"
    assert (found.outcome, words in told) == (outcome, True), told
    assert len(found.sentence) < 600


def finding(raising: Raising, check: str) -> Finding | None:
    """The finding of one check; None: it does not apply."""
    findings = upgrade_preflight.run(raising)
    assert len({one.check for one in findings}) == len(findings)
    return next((one for one in findings if one.check == f"upgrade-{check}"), None)


def test_every_check_has_rows() -> None:
    names = {check.__name__.strip("_") for check in upgrade_preflight.CHECKS}
    assert {"target" if row[1] == "type" else row[1] for row in ROWS} == names


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"on_poweroff": "restart", "stage": True}, "poweroff"),
        ({"on_poweroff": "restart", "active": None}, "poweroff"),
        ({}, "alias"),
        ({"active": AFTER, "resumed": STAGED}, "pending"),
        ({"target": Target(name=None, why="none")}, "forecast"),
    ],
)
def test_what_does_not_apply(changes: dict[str, Any], check: str) -> None:
    assert finding(replace(RAISING, **changes), check) is None


def test_who_notices_most_is_told_first() -> None:
    found = finding(replace(RAISING, forecast=(INVENTORY, ACPI, UUIDS)), "forecast")
    assert found is not None
    assert found.differences == (UUIDS, ACPI, INVENTORY)
    assert (found.remedy or "").startswith("who notices: licences")


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({}, False),
        ({"current": NEW, "persistent": AFTER, "target": Target(name=NEW, why="it is")}, True),
        # An alias is pinned, even where it means the newest.
        ({"current": NEW, "persistent": replace(AFTER, machine="pc")}, False),
        ({"resumed": STAGED}, False),
        ({"resumed": STAGED, "stage": True}, True),
        ({"resumed": STAGED, "active": None, "state": "shut off"}, True),
        ({"resumed": STAGED, "active": AFTER, "stage": True}, False),
        ({"resumed": replace(RECORD, step=Step.STARTING)}, False),
        ({"resumed": RECORD, "back": True}, True),
        ({"resumed": STAGED, "back": True}, False),
        ({"resumed": replace(RECORD, step=Step.ROLLED_BACK, direction=Direction.BACK),
          "back": True}, True),
        ({"resumed": replace(RECORD, step=Step.APPLIED), "back": True}, False),
        ({"persistent": None}, False),
    ],
)  # fmt: skip
def test_nothing_to_do(changes: dict[str, Any], *, there: bool) -> None:
    assert upgrade_preflight.is_there(replace(RAISING, **changes)) is there
