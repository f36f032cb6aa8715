"""``samemachine migrate``: from QEMU 7.2 to 10.0 and back, refused, cancelled, given up."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests import json_output
from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.listening import listening
from tests.lab.processes import inner
from tests.lab.test_events import set_metadata, slow_migration

LED_BY_US = "?no_verify=1"
"""An option of the user's own in a URI: the source's libvirtd can't be asked to use it."""


@pytest.fixture
def traveller(host_a: Host, host_b: Host) -> Iterator[Guest]:
    guest = host_a.guest(GuestOptions(name="mover")).start().wait_ready()
    guest.make_room(host_b)
    yield guest
    for host in (host_a, host_b):
        host.run("virsh", "destroy", guest.name, check=False)
        host.run("virsh", "undefine", guest.name, check=False)
    guest.remove()


def migrate(
    host: Host, to: str, *arguments: str, name: str = "mover"
) -> tuple[int, dict[str, Any], str]:
    """Run the command; returns exit code, JSON and standard error."""
    command = host.samemachine_command(
        "migrate", name, to, "--unsafe", "--copy-storage", "inc", "--format", "json", *arguments
    )
    # As on a terminal, with its bar.
    done = host.run("env", "FORCE_COLOR=1", "TERM=xterm", *command, check=False, timeout=240)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json_output.read(done.stdout) if done.stdout else {}, done.stderr


def outcome(report: dict[str, Any], check: str) -> tuple[str, str]:
    """The outcome and the sentence of one finding of the preflight."""
    (finding,) = (one for one in report["preflight"] if one["check"] == check)
    return finding["outcome"], finding["sentence"]


def state(host: Host, name: str = "mover") -> str:
    """libvirt's word, or ``absent``."""
    done = host.run("virsh", "domstate", name, check=False)
    return done.stdout.strip() if done.returncode == 0 else "absent"


def test_there_and_back(host_a: Host, host_b: Host, traveller: Guest) -> None:
    code, report, error = migrate(host_a, host_b.tcp_uri, "--dry-run")
    assert (code, state(host_a)) == (0, "running"), report
    assert outcome(report, "move-machine-type")[0] == "pass"
    assert outcome(report, "move-cpu")[0] == "pass", outcome(report, "move-cpu")
    assert outcome(report, "move-forecast")[0] == "unknown"

    host_b.samemachine("probe", "pc-i440fx-7.2", "--output", "/root/b.json.xz")
    atlas = host_a.root / "root/b.json.xz"
    atlas.write_bytes((host_b.root / "root/b.json.xz").read_bytes())
    boot = traveller.run("cat", "/proc/sys/kernel/random/boot_id")

    code, report, error = migrate(host_a, host_b.tcp_uri, "--atlas", "/root/b.json.xz")
    assert code == 0, (report, error)
    assert "moving mover" in error
    assert "MiB left" in error
    assert outcome(report, "move-forecast")[0] == "warn"
    assert "Processor Family 0x01 -> 0xfe" in outcome(report, "move-forecast")[1]
    assert report["migration"]["way"] == "peer-to-peer"
    assert report["migration"]["downtime_ms"] is not None
    assert report["after"]["verdict"] == "verified", report["after"]["findings"]
    assert report["after"]["occasion"] == "arrival"
    assert (state(host_a), state(host_b)) == ("shut off", "running")

    traveller.host = host_b
    assert traveller.run("cat", "/proc/sys/kernel/random/boot_id") == boot
    # Back, to an older QEMU, led by the program: its URI has an option of its own.
    code, report, error = migrate(host_b, host_a.tcp_uri + LED_BY_US)
    assert code == 0, (report, error)
    assert outcome(report, "move-versions")[0] == "warn"
    assert report["migration"]["way"].startswith("led by this program")
    assert (state(host_a), state(host_b)) == ("running", "shut off")
    traveller.host = host_a
    assert traveller.run("cat", "/proc/sys/kernel/random/boot_id") == boot


@contextmanager
def slow_move(host_a: Host, to: Host, options: str = "") -> Iterator["subprocess.Popen[str]"]:
    """The command in the middle of a move that takes minutes."""
    command = host_a.samemachine_command(
        "migrate",
        "mover",
        to.tcp_uri + options,
        "--unsafe",
        "--copy-storage",
        "inc",
        "--bandwidth",
        "1",
    )
    with listening(to) as destination:
        process = host_a.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            destination.wait("arriving", "mover")
            yield process
            destination.wait("stopped", "mover")
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    "options",
    ["", pytest.param(LED_BY_US, marks=pytest.mark.long("migrate"))],
    ids=["peer-to-peer", "led by the program"],
)
def test_ctrl_c_in_the_middle(host_a: Host, host_b: Host, traveller: Guest, options: str) -> None:
    with slow_move(host_a, host_b, options) as process:
        assert set_metadata(host_a, "mover", "during")[0] == "busy"
        os.kill(inner(process), signal.SIGINT)
        output, _ = process.communicate(timeout=pace.stretched(60))
    assert process.returncode == 130, output
    assert "NOT MOVED  cancelled" in output
    assert "the guest runs on, on hosta; on hostb it is absent" in output
    assert (state(host_a), state(host_b)) == ("running", "absent")
    assert traveller.run("true") == ""
    assert set_metadata(host_a, "mover", "after")[0] == "written"


@pytest.mark.long("migrate")
def test_killed_in_the_middle(host_a: Host, host_b: Host, traveller: Guest) -> None:
    """Without us libvirt goes on, or gives up; in no case is the guest lost."""
    with slow_move(host_a, host_b) as process:
        os.kill(inner(process), signal.SIGKILL)
        process.communicate(timeout=pace.stretched(60))
        assert "Unbounded" in host_a.virsh("domjobinfo", "mover")
        host_a.virsh("domjobabort", "mover")
    assert (state(host_a), state(host_b)) == ("running", "absent")
    with slow_move(host_a, host_b, LED_BY_US) as process:
        os.kill(inner(process), signal.SIGKILL)
        process.communicate(timeout=pace.stretched(60))
    assert (state(host_a), state(host_b)) == ("running", "absent")
    assert traveller.run("true") == ""


@pytest.mark.long("migrate")
def test_a_move_that_takes_too_long(host_a: Host, host_b: Host, traveller: Guest) -> None:
    code, report, _ = migrate(host_a, host_b.tcp_uri, "--bandwidth", "1", "--timeout", "3")
    assert code == 4
    assert report["migration"]["end"] == "failed"
    assert "not done in time" in report["migration"]["reason"]
    assert (state(host_a), state(host_b)) == ("running", "absent")


def test_what_is_refused_before(host_a: Host, host_b: Host, traveller: Guest) -> None:
    # Without what would make it safe.
    done = host_a.samemachine("migrate", "mover", host_b.tcp_uri)
    assert done.returncode == 2
    assert "on this host's own file system: vda" in done.stdout
    # Another machine type for the destination, which QEMU's own check would let through.
    xml = traveller.xml().replace("pc-i440fx-7.2", "pc-i440fx-7.2.1")
    (host_a.root / "root/there.xml").write_text(xml, encoding="utf-8")
    code, report, _ = migrate(host_a, host_b.tcp_uri, "--xml", "/root/there.xml")
    assert code == 2
    assert "QEMU itself would not notice" in outcome(report, "move-xml")[1]
    # A guest that can't be asked.
    host_a.virsh("suspend", "mover")
    code, report, _ = migrate(host_a, host_b.tcp_uri)
    host_a.virsh("resume", "mover")
    assert (code, outcome(report, "move-state")[0]) == (2, "fail")
    # One that is moved already.
    with slow_migration(traveller, host_b):
        code, report, _ = migrate(host_a, host_b.tcp_uri, "--dry-run")
    assert code == 2
    assert "a job of libvirt is running" in outcome(report, "move-state")[1]
    # Itself.
    code, report, _ = migrate(host_a, host_a.tcp_uri, "--dry-run")
    assert (code, outcome(report, "move-host")[0]) == (2, "fail")


def test_a_machine_type_that_is_gone(host_a: Host, host_b: Host) -> None:
    guest = host_a.guest(GuestOptions(name="relic", machine="pc-i440fx-2.1"))
    try:
        guest.start()
        code, report, _ = migrate(host_a, host_b.tcp_uri, name="relic")
        assert code == 2
        told, sentence = outcome(report, "move-machine-type")
        assert told == "fail"
        assert "no machine type pc-i440fx-2.1" in sentence
        assert state(host_a, "relic") == "running"
    finally:
        guest.remove()


@pytest.mark.long("migrate")
def test_libvirts_own_reason(host_a: Host, host_b: Host, traveller: Guest) -> None:
    host_b.run("rm", traveller.options.disk)
    done = host_a.samemachine(
        "migrate", "mover", host_b.tcp_uri, "--unsafe", "--copy-storage", "inc"
    )
    assert done.returncode == 4
    assert "NOT MOVED  failed:" in done.stdout
    assert "disk 'vda'" in done.stdout
    assert "the guest runs on, on hosta; on hostb it is absent" in done.stdout
    assert state(host_a) == "running"
