"""The systemd units: well-formed, sandboxed, and of the names that the rest uses."""

import configparser
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from guest_agent.config import DEFAULT_PORT
from tests.checkout import CHECKOUT

UNITS = CHECKOUT / "packaging/systemd"
GUEST, HOST = UNITS / "samemachine-guest.service", UNITS / "samemachine.service"
MOST = {GUEST: 1.5, HOST: 4.1}
"""systemd-analyze's exposure, of ten: the daemon starts QEMU, and connects to whatever host."""

analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is needed: make system"
)


def settings(unit: Path) -> dict[str, list[str]]:
    """Return what a unit sets; a key may stand there more than once."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


@analyze
@pytest.mark.parametrize("unit", MOST, ids=lambda unit: unit.stem)
def test_systemd_takes_them(unit: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    place = root / "usr/lib/systemd/system"
    place.mkdir(parents=True)
    shutil.copy(unit, place)
    binary = root / settings(unit)["ExecStart"][0].split()[0].lstrip("/")
    binary.parent.mkdir(parents=True)
    shutil.copy("/bin/true", binary)
    for other in ("basic.target", "sysinit.target", "shutdown.target", "multi-user.target"):
        (place / other).write_text("[Unit]\nDescription=x\n", encoding="utf-8")
    (place / "modprobe@.service").write_text(
        "[Service]\nType=oneshot\nExecStart=/usr/bin/true\n", encoding="utf-8"
    )
    shutil.copy("/bin/true", root / "usr/bin/true")
    done = subprocess.run(
        ["systemd-analyze", f"--root={root}", "--man=no", "verify", unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@analyze
@pytest.mark.parametrize("unit", MOST, ids=lambda unit: unit.stem)
def test_they_are_sandboxed(unit: Path) -> None:
    done = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--no-pager",
            "--offline=true",
            f"--threshold={MOST[unit] * 10:.0f}",
            str(unit),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_port_has_one_name_everywhere() -> None:
    rule = (UNITS / "samemachine-guest.rules").read_text(encoding="utf-8")
    assert f'ATTR{{name}}=="{DEFAULT_PORT}"' in rule
    assert f'ENV{{SYSTEMD_WANTS}}+="{GUEST.name}"' in rule
    # As systemd-escape writes /dev/virtio-ports/NAME.
    device = f"dev-virtio\\x2dports-{DEFAULT_PORT}.device"
    unit = settings(GUEST)
    assert unit["BindsTo"] == [device]
    assert device in unit["After"]
    # Nothing but its port starts it.
    assert "WantedBy" not in unit


def test_what_the_daemon_keeps_it_may_write() -> None:
    unit = settings(HOST)
    assert (unit["Type"], unit["ProtectSystem"]) == (["notify"], ["strict"])
    assert (unit["StateDirectory"], unit["CacheDirectory"]) == (["samemachine"], ["samemachine"])
    # A connection may take 30 s to fail, and the daemon must be alive then.
    assert int(unit["WatchdogSec"][0]) >= 90


def test_the_drop_in_of_the_tpm_opens_devices_and_nothing_else() -> None:
    (section, *rest) = (UNITS / "tpm.conf").read_text(encoding="utf-8").partition("[Service]\n")[1:]
    assert section
    assert rest == ["DeviceAllow=block-* r\nDeviceAllow=/dev/tpmrm0 rw\n"]
    assert settings(GUEST)["DevicePolicy"] == ["closed"]


def test_the_drop_in_adds_one_right() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(UNITS / "refresh-fw-cfg.conf", encoding="utf-8")
    assert parser["Service"]["ExecStart"] == f"{settings(GUEST)['ExecStart'][0]} --refresh-fw-cfg"
    assert parser["Service"]["CapabilityBoundingSet"] == "CAP_SYS_MODULE"
    assert settings(GUEST)["CapabilityBoundingSet"] == [""]


@pytest.fixture
def other_root(tmp_path: Path) -> Path:
    """A root with what systemd-tmpfiles and systemd-sysusers are told."""
    for kind in ("tmpfiles", "sysusers"):
        place = tmp_path / f"usr/lib/{kind}.d/samemachine.conf"
        place.parent.mkdir(parents=True)
        shutil.copy(UNITS / f"samemachine.{kind}", place)
    (tmp_path / "etc").mkdir()
    return tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="it makes folders that are root's")
@analyze
def test_what_is_kept_is_for_root_alone(other_root: Path) -> None:
    subprocess.run(
        ["systemd-tmpfiles", f"--root={other_root}", "--create", "samemachine.conf"], check=True
    )
    for name in (
        "lib/samemachine",
        "cache/samemachine",
        "cache/samemachine/probes",
        "cache/samemachine/rehearsals",
    ):
        assert stat.S_IMODE((other_root / "var" / name).stat().st_mode) == 0o700
    # The folders that the daemon has are these.
    for kind, place in (("State", "lib"), ("Cache", "cache")):
        assert (other_root / "var" / place / settings(HOST)[f"{kind}Directory"][0]).is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="it writes as root does")
@analyze
def test_the_group_of_the_polkit_rules_is_there(other_root: Path) -> None:
    subprocess.run(["systemd-sysusers", f"--root={other_root}", "samemachine.conf"], check=True)
    groups = (other_root / "etc/group").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+):[^:]*:\d+:$", groups, re.MULTILINE) == ["samemachine"]
    rules = (CHECKOUT / "packaging/libvirt/50-samemachine.rules").read_text(encoding="utf-8")
    assert set(re.findall(r'isInGroup\("(\w+)"\)', rules)) == {"samemachine"}
