"""What looks alike from afar is told apart: a copy, a boot in the move, a move that was cut off."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests import shown
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.listening import listening
from tests.lab.processes import until
from tests.lab.test_before_and_after import finding, verify
from tests.lab.test_events import slow_migration
from tests.lab.test_migrate import state
from tests.lab.test_noise import BARE
from tests.lab.test_serve import entries, log, serving, told, wait_for

SECONDS = 60
NAME = "apart"
_ENDS = ("source", "destination")
MOVES = 3
"""So many guests may fall over, one after the other."""
FILLING = 60
"""MiB where nothing else runs; a copy takes as many seconds, and a boot a sixth of that."""


@pytest.fixture(scope="module")
def apart(host_a: Host, host_b: Host) -> Iterator[Guest]:
    guest = host_a.guest(GuestOptions(name=NAME)).start().wait_ready()
    host_a.samemachine("baseline", NAME)
    yield guest
    for host in (host_a, host_b):
        host.run("virsh", "destroy", NAME, check=False)
        host.run("virsh", "undefine", NAME, check=False)


@contextmanager
def copied(guest: Guest, to: Host) -> Iterator[None]:
    """The same definition on another host, started from a disk of its own."""
    guest.make_room(to)
    to.run("virsh", "define", "/dev/stdin", text_input=guest.options.xml())
    to.virsh("start", guest.name)
    try:
        yield
    finally:
        to.virsh("destroy", guest.name)
        to.virsh("undefine", guest.name)


def both(host_a: Host, host_b: Host, command: str, *names: str) -> tuple[int, list[Any]]:
    """Ask both hosts, from the first; returns exit code and domains."""
    done = host_a.samemachine(
        command, *names, "-c", host_a.uri, "-c", host_b.tcp_uri, "--format", "json"
    )
    document = json.loads(done.stdout or "{}")
    assert document, done.stderr
    listed = document.get("hosts") or [document]
    return done.returncode, [domain for host in listed for domain in host["domains"]]


def test_a_copy_that_runs_elsewhere(host_a: Host, host_b: Host, apart: Guest) -> None:
    with copied(apart, host_b):
        for command in ("audit", "verify"):
            code, domains = both(host_a, host_b, command, NAME)
            assert (code, len(domains)) == (1, 2), domains
            for domain in domains:
                said = finding(domain, "identity")
                assert said["outcome"] == "fail", said
                assert "hosta (running)" in said["sentence"]
                assert "hostb (running)" in said["sentence"]
                assert said["remedy"] == "look at both: one UUID must not run twice"
        # Nothing that may be the copy's becomes the baseline.
        done = host_a.samemachine("baseline", NAME, "-c", host_a.uri, "-c", host_b.tcp_uri)
        assert done.returncode == 3
        assert "either may be the copy" in done.stdout
    code, domains = both(host_a, host_b, "audit", NAME)
    assert (code, [finding(one, "identity")["outcome"] for one in domains]) == (0, ["pass"])


def test_both_ends_of_a_live_migration_are_one_domain(
    host_a: Host, host_b: Host, apart: Guest
) -> None:
    with listening(host_b) as destination, slow_migration(apart, host_b):
        destination.wait("arriving", NAME)
        _, domains = both(host_a, host_b, "audit", NAME)
        # Here it runs, there it waits, paused.
        assert [one["state"] for one in domains] == ["running", "paused"]
        assert "fail" not in {finding(one, "identity")["outcome"] for one in domains}
    assert (state(host_a, NAME), state(host_b, NAME)) == ("running", "absent")


@contextmanager
def booting(host_a: Host, host_b: Host) -> Iterator[Guest]:
    """A guest of its own, with so much on its disk that a copy takes longer than a boot."""
    guest = host_a.guest(GuestOptions(name="booting")).start().wait_ready()
    guest.run(
        "dd",
        "if=/dev/urandom",
        "of=/root/filling",
        "bs=1M",
        f"count={round(FILLING * pace.measured())}",
    )
    guest.run("sync")
    try:
        yield guest
    finally:
        for host in (host_a, host_b):
            host.run("virsh", "destroy", guest.name, check=False)
            host.run("virsh", "undefine", guest.name, check=False)


def moved_as_it_boots(host_a: Host, host_b: Host, guest: Guest) -> list[Any]:
    """Move it, and have it boot meanwhile; returns what the destination wrote down.

    It boots while its disk is copied. Where it does while its memory is, QEMU without KVM loses
    some of what it writes, and the guest falls over on the destination.
    """
    name = guest.name
    assert host_a.samemachine("baseline", name).returncode == 0
    with (
        serving(host_a),
        serving(host_b),
        listening(host_a) as source,
        listening(host_b) as destination,
    ):
        until(lambda: "watching" in log(host_a) and "watching" in log(host_b))
        boot = guest.run("cat", "/proc/sys/kernel/random/boot_id").strip()
        moving = guest.moving(host_b, 1)
        destination.wait("arriving", name)
        # As a crash does: libvirt itself would not reset it during the job.
        guest.run("sh", "-c", "(sleep 1; echo b >/proc/sysrq-trigger) >/dev/null 2>&1 &")
        source.wait("rebooted", name)
        guest.wait_rebooted(boot)
        # All of the boot, since its writes are what is lost.
        guest.run("sh", "-c", "systemctl is-system-running --wait || true")
        until(lambda: audit(host_a, name).domains[name]["depth"] == "guest")
        assert moving.poll() is None
        # The memory's turn.
        host_a.virsh("migrate-setspeed", name, "1000")
        output, _ = moving.communicate(timeout=pace.stretched(180))
        assert moving.returncode == 0, output
        guest.host = host_b
        return list(
            wait_for(
                host_b, lambda found: "arrival" in [occasion for occasion, _ in told(found, name)]
            )
        )


def lives(guest: Guest) -> bool:
    """Tell whether it survived the move; what asks is none of ours."""
    try:
        guest.run("true")
    except (RuntimeError, subprocess.SubprocessError):
        return False
    return True


@pytest.mark.long("serve")
def test_one_that_boots_while_it_moves(host_a: Host, host_b: Host) -> None:
    for _ in range(MOVES):
        with booting(host_a, host_b) as guest:
            found = moved_as_it_boots(host_a, host_b, guest)
            if lives(guest):
                assert told(found, guest.name) == [("arrival", "mismatch")], str(found)
                is_told(host_a, host_b, guest, found)
                return
        # Some of what it wrote after its boot was lost: no verdict can be had of that.
        assert told(found, guest.name) == [("arrival", "unverified")], str(found)
    pytest.fail(f"none of {MOVES} guests survived its move")


def is_told(host_a: Host, host_b: Host, guest: Guest, found: list[Any]) -> None:
    name = guest.name
    (entry,) = (one for one in found if one["name"] == name)
    assert "booted anew while it moved" in entry["findings"][0]["sentence"]
    code, domains = verify(host_b, name, "--wait", pace.words(60))
    said = finding(domains[name], "same-boot")
    assert (code, domains[name]["occasion"], said["outcome"]) == (1, "arrival", "fail")
    shown = host_b.samemachine("why", name).stdout
    assert "REBOOTED in the move" in shown
    assert "booted anew while it moved" in shown
    # The operator looked and accepts; then it goes home.
    assert host_b.samemachine("baseline", name).returncode == 0
    assert verify(host_b, name)[0] == 0
    guest.migrate(host_a)
    assert verify(host_a, name, "--wait", pace.words(60))[0] == 0


def test_a_clone_brings_no_baseline_of_its_own(host_a: Host, apart: Guest) -> None:
    """As virt-clone makes it: another name and UUID, and all the metadata of the original."""
    uuid = "7c1f0000-0000-4000-8000-000000000001"
    xml = host_a.virsh("dumpxml", "--inactive", NAME)
    assert "urn:samemachine:baseline:1" in xml
    clone = xml.replace(f"<uuid>{apart.uuid}</uuid>", f"<uuid>{uuid}</uuid>")
    clone = clone.replace(f"<name>{NAME}</name>", "<name>clone</name>")
    clone = re.sub("<mac address=[^>]*/>", "", clone)
    clone = clone.replace(apart.options.disk, "/var/lib/libvirt/images/clone.qcow2")
    clone = clone.replace(apart.options.console, "/var/log/libvirt/qemu/clone.console")
    assert NAME not in clone.split("<metadata")[0]
    host_a.run(
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        "/lab/disk.raw",
        "/var/lib/libvirt/images/clone.qcow2",
    )
    host_a.run("virsh", "define", "/dev/stdin", text_input=clone)
    try:
        host_a.virsh("start", "clone")
        code, domains = verify(host_a, "clone")
        assert (code, domains["clone"]["verdict"]) == (3, "unverified")
        said = finding(domains["clone"], "same-boot")["sentence"]
        assert f"it is of domain {apart.uuid}, not of this one" in said
        assert apart.uuid in domains["clone"]["ticket"]
        # Nothing was said by it, and nothing of it was changed.
        assert "of domain" in finding(verify(host_a, "clone")[1]["clone"], "same-cpu")["sentence"]
    finally:
        host_a.virsh("destroy", "clone")
        host_a.virsh("undefine", "clone")


def identity(host: Host, name: str) -> dict[str, Any]:
    return finding(audit(host, name).domains[name], "identity")


def test_a_guest_that_shows_another_domains_uuid(host_a: Host, apart: Guest) -> None:
    """As where a hypervisor's management copied options along with a disk."""
    more = (
        f"<qemu:commandline><qemu:arg value='-uuid'/><qemu:arg value='{apart.uuid}'/>"
        "</qemu:commandline>"
    )
    own = "7c1f0000-0000-4000-8000-000000000002"
    xml = BARE.format(name="posing", uuid=own, metadata="", memory=32, more=more)
    host_a.run("virsh", "create", "/dev/stdin", text_input=xml)
    try:
        # Until the firmware has put its tables into memory.
        until(lambda: identity(host_a, "posing")["outcome"] != "unknown")
        said = identity(host_a, "posing")
        assert said["outcome"] == "fail"
        assert f"the guest booted with UUID {apart.uuid}, libvirt says {own}" in said["sentence"]
    finally:
        host_a.virsh("destroy", "posing")


def kill_libvirtd(host: Host) -> None:
    pid = int((host.root / "run/libvirtd.pid").read_text(encoding="ascii"))
    host.run("kill", "-KILL", str(pid))
    host.wait_gone(pid)


def forget_copy(host: Host) -> None:
    """Remove what libvirt 9.0 leaves in QEMU where it died while it copied a disk.

    It ends the copy when it is back, and forgets the nodes; the next copy would want their names.
    """

    def ask(command: str, **arguments: str) -> Any:
        text = json.dumps({"execute": command, "arguments": arguments})
        return json.loads(host.virsh("qemu-monitor-command", NAME, text))["return"]

    nodes = {node["node-name"] for node in ask("query-named-block-nodes")}
    for node in ("migration-vda-format", "migration-vda-storage"):
        if node in nodes:
            ask("blockdev-del", **{"node-name": node})


@pytest.mark.parametrize("end", shown.rows(_ENDS, (), "serve"))
def test_libvirtd_is_killed_in_the_middle_of_a_move(
    host_a: Host, host_b: Host, apart: Guest, end: str
) -> None:
    killed = {"source": host_a, "destination": host_b}[end]
    with serving(host_a), serving(host_b):
        until(lambda: "watching" in log(host_a) and "watching" in log(host_b))
        before = [told(entries(host), NAME) for host in (host_a, host_b)]
        with listening(host_b) as destination:
            moving = apart.moving(host_b, 1)
            destination.wait("arriving", NAME)
        kill_libvirtd(killed)
        killed.start_libvirtd()
        output, _ = moving.communicate(timeout=pace.stretched(SECONDS))
        assert moving.returncode, output
        # The guest is where it was, and there only.
        until(lambda: (state(host_a, NAME), state(host_b, NAME)) == ("running", "absent"))
        until(lambda: log(killed).count("watching") == 2)
        assert [told(entries(host), NAME) for host in (host_a, host_b)] == before
        # And what it does next is heard: there, and back.
        until(lambda: host_a.run("virsh", "domjobinfo", NAME).stdout.split()[-1] == "None")
        forget_copy(host_a)
        apart.migrate(host_b)
        wait_for(
            host_b, lambda found: told(found, NAME)[len(before[1]) :] == [("arrival", "verified")]
        )
        apart.migrate(host_a)
        host_b.virsh("undefine", NAME)
        wait_for(
            host_a,
            lambda found: (
                sorted(told(found, NAME)[len(before[0]) :])
                == [("arrival", "verified"), ("departure", "left")]
            ),
        )


def test_migrate_says_that_the_other_libvirtd_died(
    host_a: Host, host_b: Host, apart: Guest
) -> None:
    apart.make_room(host_b)
    command = host_a.samemachine_command(
        "migrate", NAME, host_b.tcp_uri, "--unsafe", "--copy-storage", "inc", "--bandwidth", "1"
    )
    try:
        with listening(host_b) as destination:
            moving = host_a.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            destination.wait("arriving", NAME)
        kill_libvirtd(host_b)
        output, _ = moving.communicate(timeout=pace.stretched(120))
        assert moving.returncode == 4, output
        assert "NOT MOVED  failed:" in output
        assert "the guest runs on, on hosta" in output
    finally:
        host_b.start_libvirtd()
    assert state(host_a, NAME) == "running"
    assert verify(host_a, NAME, "--wait", pace.words(20))[0] == 0
