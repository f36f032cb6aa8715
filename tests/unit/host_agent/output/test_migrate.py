"""A move's report: exit codes, text and JSON, for each way that it can end."""

import io
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from host_agent.case.results import Audited, Confirmed, Decision, Failed, Verdict
from host_agent.domain.live_migration import MigrationEnd, MigrationProgress, MigrationResult
from host_agent.evidence.recovery_keys import RecoveryKeys
from host_agent.finding import Finding, Outcome
from host_agent.hypervisor.migration import end_of, not_peer_to_peer
from host_agent.migrate.facts import MoveReport
from host_agent.output import migrate
from host_agent.verify import policy
from tests import json_output
from tests.unit.host_agent.migrate.test_preflight import HERE, THERE
from tests.unit.host_agent.shared.cases import case

PROGRESS = MigrationProgress(
    seconds=1.5,
    memory_total=512 << 20,
    memory_remaining=100 << 20,
    memory_rate=80 << 20,
    dirty_rate=5 << 20,
    disk_total=0,
    disk_remaining=0,
    iteration=2,
    downtime=40,
)
FAILED = Failed(name="vm1", uuid="u", error="nobody there")
KEYS = RecoveryKeys(guests=1, uefi=True, asking=("vm1",), unknown=())
REFUSED = Finding(check="move-state", outcome=Outcome.FAIL, sentence="paused", remedy="resume it")


def confirmed(decision: Decision, *, kept: bool = True) -> Confirmed:
    judged = policy.judge(case())
    said = Verdict(decision=decision, depth=judged.depth, findings=judged.findings)
    return Confirmed(audited=Audited(case=case(), verdict=said), kept=kept)


def result(end: MigrationEnd, source: str, destination: str, **more: Any) -> MigrationResult:
    return MigrationResult(
        end=end, way="peer-to-peer", seconds=2.0, source=source, destination=destination, **more
    )


VERIFIED = confirmed(Decision.VERIFIED)
MOVED = result(MigrationEnd.MOVED, "shut off", "running", final=PROGRESS)
CANCELLED = result(MigrationEnd.CANCELLED, "running", "absent", reason="canceled by client")
GIVEN_UP = result(MigrationEnd.FAILED, "running", "absent", reason="unable to connect")
LOST = result(MigrationEnd.LOST, "unknown", "unknown", reason="end of file")
HELD = result(MigrationEnd.MOVED, "paused", "running", reason="connection reset")
ROWS: dict[str, tuple[dict[str, Any], int, str]] = {
    "moved": ({"before": VERIFIED, "result": MOVED, "after": VERIFIED}, 0, "stood still for 40 ms"),
    "wrong after": (
        {"before": VERIFIED, "result": MOVED, "after": confirmed(Decision.MISMATCH)}, 1, "MISMATCH",
    ),
    "not verified": (
        {"before": VERIFIED, "result": MOVED, "after": confirmed(Decision.UNVERIFIED)}, 3,
        "UNVERIFIED",
    ),
    "not asked": (
        {"before": VERIFIED, "result": MOVED, "after": FAILED}, 3,
        "samemachine verify vm1 --wait 60, there",
    ),
    "no baseline": ({"before": FAILED, "result": MOVED, "after": VERIFIED}, 0, "nobody there"),
    "wrong before": ({"before": confirmed(Decision.MISMATCH)}, 1, "it was wrong before the move"),
    "refused": ({"findings": (REFUSED,)}, 2, "-> resume it"),
    "dry run": ({"dry_run": True}, 0, "would be moved"),
    "asks for a key": (
        {"dry_run": True, "recovery": KEYS}, 0, "the guest will ask for the recovery key at its "
        "first stop and start: suspend the bindings before\nvm1  node1",
    ),
    "dry run, refused": ({"dry_run": True, "findings": (REFUSED,)}, 2, "NOT MOVED"),
    "cancelled": (
        {"before": VERIFIED, "result": CANCELLED}, 130, "cancelled: canceled by client\nthe guest "
        "runs on, on node1; on node2 it is absent",
    ),
    "given up": ({"before": VERIFIED, "result": GIVEN_UP}, 4, "failed: unable to connect"),
    "lost": ({"before": VERIFIED, "result": LOST}, 4, "look at both: virsh list --all"),
    "held": (
        {"before": VERIFIED, "result": HELD, "after": VERIFIED}, 0,
        "node1 still has it paused: never resume it there",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "code", "words"), ROWS.values(), ids=ROWS)
def test_ends(fields: dict[str, Any], code: int, words: str) -> None:
    report = MoveReport(
        **{
            "name": "vm1",
            "uuid": UUID(int=1),
            "source": HERE,
            "destination": THERE,
            "findings": (),
            "dry_run": False,
            **fields,
        }
    )
    assert migrate.exit_code(report) == code
    file = io.StringIO()
    migrate.print_report(Console(file=file, width=100), report, verbose=False)
    assert words in file.getvalue()
    document = json_output.read(migrate.render(report, code))
    assert document["exit_code"] == code
    assert (document["migration"] is None) == (report.result is None)


def test_progress() -> None:
    assert migrate.progress_line(PROGRESS) == (
        "100 of 512 MiB left, 80 MiB/s, guest changes 5 MiB/s, will stand still 40 ms"
    )


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("qemu://node2/system", None),
        ("qemu+tls://node2/system", None),
        ("qemu+tcp://10.0.0.2/system", None),
        ("qemu+ssh://node2/system", "ssh needs"),
        ("qemu+libssh2://root@node2/system", "libssh2 needs"),
        ("qemu+tls://node2/system?pkipath=/home/me", "options"),
        ("qemu+tcp://me@node2/system", "options"),
        # To the source's libvirtd that would be itself.
        ("qemu:///system", "names no host"),
    ],
)
def test_who_leads(uri: str, why: str | None) -> None:
    told = not_peer_to_peer(uri)
    assert told is None if why is None else why in (told or "")


@pytest.mark.parametrize(
    ("source", "destination", "failed", "cancelled", "end"),
    [
        ("shut off", "running", False, False, MigrationEnd.MOVED),
        # It was too late to cancel it.
        ("shut off", "running", False, True, MigrationEnd.MOVED),
        ("shut off", "running", True, True, MigrationEnd.MOVED),
        ("absent", "running", True, False, MigrationEnd.MOVED),
        ("paused", "running", True, False, MigrationEnd.MOVED),
        ("unknown", "running", True, False, MigrationEnd.MOVED),
        ("running", "absent", True, False, MigrationEnd.FAILED),
        ("running", "shut off", True, True, MigrationEnd.CANCELLED),
        ("running", "unknown", True, False, MigrationEnd.FAILED),
        ("paused", "absent", True, False, MigrationEnd.FAILED),
        ("shut off", "paused", True, False, MigrationEnd.LOST),
        ("shut off", "absent", True, False, MigrationEnd.LOST),
        ("unknown", "unknown", True, True, MigrationEnd.LOST),
    ],
)
def test_how_it_ended(
    source: str, destination: str, end: MigrationEnd, *, failed: bool, cancelled: bool
) -> None:
    assert end_of(source, destination, failed=failed, cancelled=cancelled) is end
