"""The daemon's unit as its package installs it, under a real systemd with a real libvirt.

The host is a guest itself. Its own domain is emulated by what is emulated, and is no more than its
firmware. The tests follow each other: what one has started the next ones look at.
"""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.checkout import CHECKOUT
from tests.lab import booted_host, needed, pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

pytestmark = pytest.mark.long("unit")

_SECONDS = 60
"""What may take so long there as this."""
_DOMAIN = """<domain type='qemu'><name>inner</name><memory unit='MiB'>64</memory>
<os><type machine='pc-i440fx-7.2'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/></devices>
</domain>"""
_WATCHDOG = "[Service]\\nWatchdogSec=20\\nRestartSec=1\\n"


@pytest.fixture(scope="module")
def booted(request: pytest.FixtureRequest, host_a: Host) -> Iterator[Guest]:
    with needed.shown(request):
        image = booted_host.folder()
    guest = host_a.guest(
        GuestOptions(
            name="host-in-a-guest",
            machine="pc-q35-7.2",
            memory=1536,
            vcpus=2,
            channel=False,
            agent=False,
            image=image,
        )
    )
    guest.start().wait_ready()
    yield guest
    guest.remove()


def run(booted: Guest, command: str) -> str:
    return booted.run("sh", "-c", command, seconds=_SECONDS).strip()


def unit(booted: Guest, name: str) -> str:
    """Return a property of the unit."""
    return run(booted, f"systemctl show --property={name} --value samemachine")


def entries(booted: Guest) -> list[dict[str, Any]]:
    """Return the history, newest last."""
    found: list[dict[str, Any]] = json.loads(
        run(booted, "samemachine history inner --format json")
    )["entries"]
    return sorted(found, key=lambda entry: str(entry["time"]))


def test_it_is_for_who_enables_it(booted: Guest) -> None:
    assert (unit(booted, "ActiveState"), unit(booted, "UnitFileState")) == ("inactive", "disabled")
    assert run(booted, "getent group samemachine").startswith("samemachine:")
    assert run(booted, "stat -c '%a %U' /var/lib/samemachine /var/cache/samemachine/probes") == (
        "700 root\n700 root"
    )


def test_it_verifies_a_domain_that_starts(booted: Guest) -> None:
    run(booted, "systemctl enable --now samemachine")
    # Type=notify: it has said that it is ready, and what it does.
    assert unit(booted, "ActiveState") == "active"
    # What starts before it listens is caught up with, and then heard of as well.
    deadline = time.monotonic() + pace.stretched(_SECONDS)
    while "watching" not in run(booted, "journalctl --output=cat --unit=samemachine"):
        assert time.monotonic() < deadline
        time.sleep(1)
    run(booted, f'echo "{_DOMAIN}" >/tmp/inner.xml; virsh define /tmp/inner.xml; virsh start inner')
    deadline = time.monotonic() + pace.stretched(_SECONDS)
    while not (told := entries(booted)) and time.monotonic() < deadline:
        time.sleep(2)
    (entry,) = told
    # It waited for the firmware, and asked QEMU: its sandbox is wide enough.
    assert (entry["verdict"], entry["depth"]) == ("verified", "memory")
    unknown = {one["check"]: one["sentence"] for one in entry["findings"]}
    assert not {"exact", "next-start", "identity"} & set(unknown), unknown
    line = run(booted, "journalctl --output=json --unit=samemachine SAMEMACHINE_DOMAIN=inner")
    assert json.loads(line)["SAMEMACHINE_VERDICT"] == "verified"
    assert unit(booted, "StatusText") == "inner: verified"


def test_it_has_the_rights_that_it_needs_and_no_more(booted: Guest) -> None:
    status = dict(
        line.split(":\t")
        for line in run(booted, f"cat /proc/{unit(booted, 'MainPID')}/status").splitlines()
        if ":\t" in line
    )
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    text = (CHECKOUT / "packaging/systemd/samemachine.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^CapabilityBoundingSet=(.+)$", text, re.MULTILINE)
    assert int(status["CapBnd"], 16).bit_count() == len(line.split())


def test_the_watchdog_restarts_one_that_hangs(booted: Guest) -> None:
    folder = "/run/systemd/system/samemachine.service.d"
    run(booted, f"mkdir -p {folder}; printf '{_WATCHDOG}' >{folder}/quick.conf")
    run(booted, "systemctl daemon-reload; systemctl restart samemachine")
    hung = unit(booted, "MainPID")
    run(booted, f"kill -STOP {hung}")
    deadline = time.monotonic() + pace.stretched(_SECONDS)
    while unit(booted, "NRestarts") == "0" or unit(booted, "ActiveState") != "active":
        assert time.monotonic() < deadline
        time.sleep(2)
    assert unit(booted, "MainPID") not in {hung, "0"}
    assert "Watchdog timeout" in run(booted, "journalctl --unit=samemachine --output=cat")


def test_it_ends_when_it_is_told_to(booted: Guest) -> None:
    run(booted, "systemctl stop samemachine")
    assert (unit(booted, "Result"), unit(booted, "ExecMainStatus")) == ("success", "0")
    assert unit(booted, "ActiveState") == "inactive"


def test_a_purge_ends_it_and_leaves_nothing(booted: Guest) -> None:
    run(booted, "systemctl start samemachine")
    pid = unit(booted, "MainPID")
    run(booted, "dpkg --purge samemachine-host python3-samemachine")
    assert run(booted, f"test -e /proc/{pid} || echo ended") == "ended"
    assert unit(booted, "LoadState") == "not-found"
    left = "ls -d /var/lib/samemachine /var/cache/samemachine /etc/samemachine 2>/dev/null; "
    assert run(booted, f"{left} getent group samemachine; systemctl --failed --quiet") == ""
    # The domain is none of its business.
    assert run(booted, "virsh domstate inner") == "running"
