"""Forecasts of samemachine, held against what came."""

import hashlib
from typing import Any

import pytest

from tests.lab.matrix import forecasts
from tests.lab.matrix.cells import Score
from tests.lab.matrix.seen import Seen
from tests.unit.runner.matrix.test_seen import BIOS, DSDT, FAMILY

RIGHT, WRONG, UNKNOWN = Score


@pytest.mark.parametrize(
    ("answer", "moved", "started", "score"),
    [
        ("live", True, None, RIGHT),
        ("live", False, True, WRONG),
        ("restart", True, None, WRONG),
        ("restart", False, True, RIGHT),
        ("restart", False, False, WRONG),
        ("restart", False, None, UNKNOWN),
        ("raise", False, False, RIGHT),
        ("raise", False, None, RIGHT),
        ("raise", False, True, WRONG),
        ("raise", True, None, WRONG),
        ("cannot", False, None, RIGHT),
        ("cannot", True, None, WRONG),
        ("start", False, True, RIGHT),
        ("cannot tell", True, None, UNKNOWN),
    ],
)
def test_an_answer_of_a_plan(answer: str, moved: bool, started: bool | None, score: Score) -> None:
    assert forecasts.of_plan({"answer": answer}, moved=moved, started=started).score is score


@pytest.mark.parametrize(
    ("outcome", "moved", "said", "score"),
    [
        ("pass", True, "", RIGHT),
        ("pass", False, "error while loading state for instance 0x0", WRONG),
        # That says nothing of states.
        ("pass", False, "unsupported machine type", UNKNOWN),
        ("fail", False, "load of migration failed: Invalid argument", RIGHT),
        ("fail", True, "", WRONG),
        ("warn", True, "", UNKNOWN),
        ("unknown", False, "load of migration failed", UNKNOWN),
    ],
)
def test_migration_states(outcome: str, moved: bool, said: str, score: Score) -> None:
    findings = [{"check": "move-vmstate", "outcome": outcome, "sentence": "so"}]
    scored = forecasts.of_states(findings, moved=moved, said=said)
    assert scored is not None
    assert scored.score is score
    assert forecasts.of_states([], moved=moved) is None


@pytest.mark.parametrize(
    ("outcome", "moved", "score"),
    [("pass", False, UNKNOWN), ("pass", True, RIGHT), ("fail", False, RIGHT)],
)
def test_what_is_measured_of_a_version_says_nothing_of_states(
    outcome: str, moved: bool, score: Score
) -> None:
    findings = [
        {"check": "move-vmstate", "outcome": outcome, "sentence": "so"},
        {"check": "move-refusal", "outcome": "fail", "sentence": "its queues"},
    ]
    scored = forecasts.of_states(findings, moved=moved, said="load of migration failed")
    assert scored is not None
    assert scored.score is score


def test_what_a_boot_was_said_to_change() -> None:
    def score(told: list[str] | None, *found: Any) -> Score:
        return forecasts.of_next_boot(told, found, "a boot").score

    family = str(FAMILY)
    assert score([family, "ACPI DSDT: code differs", str(BIOS)], FAMILY, DSDT) is RIGHT
    assert score([], BIOS) is RIGHT
    assert score([family]) is WRONG
    assert score([], FAMILY) is WRONG
    assert score(None, FAMILY) is UNKNOWN


def test_a_forecast_in_a_verification() -> None:
    given = {"check": "next-boot", "outcome": "warn", "sentence": "", "differences": [
        {"area": "SMBIOS", "subject": FAMILY.subject, "field": FAMILY.field, "old": "0x01",
         "new": "0xfe", "count": 2, "effect": "inventory", "known": False},
    ]}  # fmt: skip
    assert forecasts.told_by_finding({"findings": [given]}, "next-boot") == [str(FAMILY)]
    passed = {"check": "next-boot", "outcome": "pass", "sentence": ""}
    assert forecasts.told_by_finding({"findings": [passed]}, "next-boot") == []
    unknown = {"check": "next-boot", "outcome": "unknown", "sentence": ""}
    assert forecasts.told_by_finding({"findings": [unknown]}, "next-boot") is None
    assert forecasts.told_by_finding({"findings": []}, "next-boot") is None


@pytest.mark.parametrize(
    ("told", "came", "score"),
    [("a", "a", RIGHT), ("a", "b", WRONG), (None, "a", UNKNOWN), ("a", None, UNKNOWN)],
)
def test_the_probe_of_a_start(told: str | None, came: str | None, score: Score) -> None:
    before = {"evidence": {"next_start": {"sha256": told}}}
    after = {"evidence": {"guest": {"live": {"sha256": came}}}}
    assert forecasts.of_next_start(before, after).score is score


SEEN = Seen(
    boot_id="b",
    smbios=b"tables",
    acpi={"DSDT": b"code", "FACP": b"fixed", "RSDT": b"places"},
    pci={"0000:00:02.0": "1af4:1000"},
)


def machine(**more: Any) -> dict[str, Any]:
    def digest(raw: bytes) -> str:
        return hashlib.sha256(raw).hexdigest()

    return {
        "not_rehearsed": [],
        "acpi": [
            {"signature": name, "sha256": digest(raw)}
            for name, raw in (("DSDT", b"code"), ("FACP", b"fixed"), ("XSDT", b"other places"))
        ],
        "pci": [{"address": "0000:00:02.0", "vendor": 0x1AF4, "device": 0x1000}],
        "smbios_sha256": digest(b"tables"),
        **more,
    }


def scores(rehearsed: dict[str, Any], *, smbios: bool = True) -> list[Score]:
    return [one.score for one in forecasts.of_rehearsal(rehearsed, SEEN, smbios=smbios)]


def test_a_rehearsal() -> None:
    assert scores(machine()) == [RIGHT, RIGHT, RIGHT]
    assert scores(machine(), smbios=False) == [RIGHT, RIGHT]
    elsewhere = [{"address": "0000:00:03.0", "vendor": 0x1AF4, "device": 0x1000}]
    assert scores(machine(pci=elsewhere)) == [RIGHT, WRONG, RIGHT]
    assert scores(machine(acpi=machine()["acpi"][:1])) == [WRONG, RIGHT, RIGHT]
    left = [{"what": "a stand-in", "tables": ["FACP"], "stand_in": None}]
    assert scores(machine(acpi=machine()["acpi"][:1], not_rehearsed=left)) == [RIGHT] * 3
    anywhere = [{"what": "a device", "tables": ["*"], "stand_in": None}]
    assert scores(machine(not_rehearsed=anywhere)) == [UNKNOWN, RIGHT, RIGHT]
    assert scores(machine(smbios_sha256=None)) == [RIGHT, RIGHT, UNKNOWN]
    assert scores({"unknown": "no such QEMU", "reason": "absent", "remedy": None}) == [UNKNOWN]
