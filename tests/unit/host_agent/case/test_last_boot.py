"""Which QEMU booted a guest: a row for each thing that may be known of it."""

from dataclasses import replace

import pytest

from host_agent.case import last_boot
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.running import Running
from host_agent.missing import Missing
from tests.unit.host_agent.shared.cases import BASELINE, NOTHING, RUNNING

OLD, NEW = "7.2.22", "10.0.13"
STARTED = 1_000_000.0
HERE = replace(RUNNING, arguments=("qemu",), replaced=False, started=STARTED)
INCOMING = replace(HERE, arguments=("qemu", "-incoming", "defer"))


def kept(booted: str | None, boot_time: int | None, **changes: object) -> Baseline:
    observation = replace(BASELINE.observation, boot_time=boot_time)
    return replace(BASELINE, booted_qemu=booted, observation=observation, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "running", "baseline", "versions", "whole"),
    [
        ("booted", None, NOTHING, {NEW}, True),
        ("booted", HERE, NOTHING, {NEW}, True),
        ("unpaused", HERE, NOTHING, {NEW}, True),
        ("unpaused", INCOMING, NOTHING, {NEW}, False),
        ("unpaused", None, NOTHING, {NEW}, False),
        ("migrated", INCOMING, NOTHING, {NEW}, False),
        ("migrated", None, kept(OLD, None), {OLD, NEW}, True),
        ("restored", INCOMING, kept(OLD, 900_000), {OLD, NEW}, True),
        ("migrated", INCOMING, kept(NEW, 900_000), {NEW}, True),
        # It says itself that it has booted since it came.
        ("migrated", INCOMING, kept(OLD, 1_000_500), {NEW}, True),
        # A guest's clock may be a little off.
        ("migrated", INCOMING, kept(OLD, 1_000_050), {OLD, NEW}, True),
        # The package was replaced under it: which version runs, its own baseline may know.
        ("booted", replace(HERE, replaced=True), NOTHING, set(), False),
        ("booted", replace(HERE, replaced=True),
         kept(None, None, qemu=OLD, taken=STARTED + 9), {OLD}, True),
        ("booted", replace(HERE, replaced=True),
         kept(None, None, qemu=OLD, taken=STARTED - 9), set(), False),
        ("booted", replace(HERE, replaced=None), NOTHING, set(), False),
    ],
)  # fmt: skip
def test_rows(
    reason: str,
    running: Running | None,
    baseline: Baseline | Missing,
    versions: set[str],
    *,
    whole: bool,
) -> None:
    found = last_boot.of(reason, running, baseline, NEW)
    assert (set(found.versions), found.whole) == (versions, whole)


def test_a_move_adds_the_version_there() -> None:
    assert last_boot.by(OLD).moved(NEW).versions == {OLD, NEW}
    assert not last_boot.by(OLD).moved(None).whole
    assert last_boot.by(None) == last_boot.NOT_KNOWN
