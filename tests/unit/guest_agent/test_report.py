"""The report: nothing is silently empty."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from guest_agent import cli, config
from guest_agent.config import Config
from guest_agent.errors import AbsenceReason, ConfigError, EvidenceError, PortError
from guest_agent.evidence import NAMES
from guest_agent.report import GROUPS, field_of, gather, readers
from guest_agent.virtio_port import find, open_port
from samemachine.v1 import guest_pb2
from tests.unit.guest_agent import trees

NONCE = b"n" * 32


def absences(report: guest_pb2.Report) -> dict[str, tuple[str, str]]:
    return {
        field_of(guest_pb2.EvidenceGroup.Name(absence.group)): (
            guest_pb2.AbsenceReason.Name(absence.reason),
            absence.detail,
        )
        for absence in report.absences
    }


def test_every_group_is_there_or_named(tmp_path: Path) -> None:
    report = gather(NONCE, readers(trees.guest(tmp_path)))
    assert report.nonce == NONCE
    fields = {field_of(group) for group in GROUPS}
    there = {field for field in fields if report.HasField(field)}
    assert there == {"boot", "dmi", "smbios_booted", "smbios_live", "clock"}
    assert there | set(absences(report)) == fields
    assert not there & set(absences(report))


def test_the_names_are_those_of_the_contract() -> None:
    assert [field_of(group) for group in GROUPS] == list(NAMES)


def test_only_what_was_asked_for_is_read(tmp_path: Path) -> None:
    asked = [guest_pb2.EVIDENCE_GROUP_BOOT, 999]
    report = gather(NONCE, readers(trees.guest(tmp_path)), asked)
    assert report.HasField("boot")
    assert not report.HasField("dmi")
    assert not report.absences


def test_a_reader_that_breaks_costs_its_own_group_only() -> None:
    def broken() -> None:
        raise RuntimeError("oops")

    def long() -> None:
        raise EvidenceError(AbsenceReason.UNREADABLE, "ä" * 1000)

    report = gather(NONCE, {"boot": broken, "dmi": long})
    why = absences(report)
    assert why["boot"] == ("ABSENCE_REASON_FAILED", "the reader failed: RuntimeError('oops')")
    assert why["dmi"][0] == "ABSENCE_REASON_UNREADABLE"
    assert len(why["dmi"][1].encode()) <= 500


def test_what_does_not_fit_is_left_out_and_said() -> None:
    disk = guest_pb2.BlockDevice(name="vda", serial="x" * 512)
    fits, too_long = (guest_pb2.Block(devices=[disk] * number) for number in (1900, 2100))
    assert gather(NONCE, {"block": lambda: fits}).HasField("block")
    report = gather(NONCE, {"block": lambda: too_long, "clock": guest_pb2.Clock})
    reason, detail = absences(report)["block"]
    assert reason == "ABSENCE_REASON_FAILED"
    assert f"it has {too_long.ByteSize()} bytes, and the report has room for " in detail
    assert report.HasField("clock")


def test_a_group_that_is_switched_off_is_not_read() -> None:
    def never() -> None:
        raise AssertionError

    report = gather(NONCE, {"dmi": never}, [guest_pb2.EVIDENCE_GROUP_DMI], ["dmi"])
    assert "switched off" in absences(report)["dmi"][1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Config()),
        ("[guest]\n", Config()),
        (
            "[guest]\nport = p\nrefresh-fw-cfg = yes\ngroups-off = dmi, network\nidle-seconds = 5",
            Config(port="p", refresh_fw_cfg=True, groups_off=("dmi", "network"), idle_seconds=5.0),
        ),
        ("[guest]\ngroups-on = uefi", Config(groups_on=("uefi",))),
    ],
)
def test_configuration(text: str, expected: Config) -> None:
    assert config.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[guest]\nprot = x", "unknown key 'prot'"),
        ("[gust]\nport = x", "unknown section"),
        ("port = x", "no section headers"),
        ("[guest]\nrefresh-fw-cfg = perhaps", "perhaps"),
        ("[guest]\nidle-seconds = long", "long"),
        ("[guest]\ngroups-off = dim", "dim"),
        ("[guest]\ngroups-on = dmi", "no group 'dmi'; there are: uefi, tpm"),
    ],
)
def test_a_wrong_configuration_is_an_error(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config.parse(text)


@pytest.mark.parametrize(
    ("chosen", "off"),
    [
        (Config(), ("uefi", "tpm")),
        (Config(groups_on=("uefi", "tpm")), ()),
        (Config(groups_on=("uefi",)), ("tpm",)),
        (Config(groups_off=("dmi",)), ("dmi", "uefi", "tpm")),
        (Config(groups_off=("uefi",), groups_on=("uefi",)), ("uefi", "tpm")),
    ],
)
def test_what_is_never_given(chosen: Config, off: tuple[str, ...]) -> None:
    assert chosen.off == off


def test_what_nobody_asked_for_is_not_read() -> None:
    def never() -> None:
        raise AssertionError

    report = gather(NONCE, {"uefi": never}, [guest_pb2.EVIDENCE_GROUP_UEFI], Config().off)
    assert "groups-on" in absences(report)["uefi"][1]


def test_a_configuration_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        config.load(tmp_path / "none")


def test_a_port_is_found_with_and_without_udev(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="<channel"):
        find("a.0", tmp_path)
    trees.write(tmp_path, "sys/class/virtio-ports/vport1p1/name", "other\n")
    trees.write(tmp_path, "sys/class/virtio-ports/vport1p2/name", "a.0\n")
    assert find("a.0", tmp_path) == tmp_path / "dev/vport1p2"
    trees.write(tmp_path, "dev/virtio-ports/a.0", "")
    assert find("a.0", tmp_path) == tmp_path / "dev/virtio-ports/a.0"
    with pytest.raises(PortError, match="No such file"):
        open_port(tmp_path / "none")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "guest_agent", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_report_is_printed_as_json() -> None:
    done = run("report", "--group", "boot")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["boot"]["boot_id"]


def test_check_says_what_is_required_and_missing(tmp_path: Path) -> None:
    done = run("check", "--require", "boot")
    assert done.returncode == 0, done.stdout
    trees.write(tmp_path, "guest.conf", "[guest]\ngroups-off = clock\n")
    done = run("check", "--require", "boot,clock", "--config", str(tmp_path / "guest.conf"))
    assert done.returncode == 1
    assert "clock           off: switched off by the guest's administrator" in done.stdout


def test_check_says_that_cpuid_is_missing_though_the_group_is_there() -> None:
    report = guest_pb2.Report()
    assert cli._found(report, "cpu") == "ok"
    report.cpu.live_cpuid_absence.detail = "the module"
    assert cli._found(report, "cpu") == "ok, without live CPUID: the module"
    assert cli._found(report, "clock") == "ok"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "--group", "nope"), "there is no group 'nope'"),
        (("check", "--require", "nope"), "there is no group 'nope'"),
        (("check", "--config", "/nonexistent"), "no such file"),
        (("nope",), "invalid choice"),
        ((), "required"),
    ],
)
def test_usage(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_serving_without_a_port_says_what_is_missing() -> None:
    done = run("serve", "--port", "org.example.none")
    assert done.returncode == 1
    assert "org.example.none" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [(), ("serve",), ("report",), ("check",)])
def test_help_has_examples(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
