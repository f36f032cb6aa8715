"""The daemon on real hosts: every arrival and restart confirmed, whatever is killed meanwhile."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.processes import connected, inner, until

SECONDS = 60


@contextmanager
def serving(host: Host) -> Iterator["subprocess.Popen[str]"]:
    patient = "--arrival-wait", pace.words(15)
    arguments = "serve", "--ledger", "/root/serve.sqlite", *patient
    # Anew each time: that a line is there says that this daemon wrote it.
    with (host.root / "root/serve.log").open("w") as log:
        process = host.popen(
            *host.samemachine_command(*arguments), stdout=subprocess.DEVNULL, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def entries(host: Host) -> list[dict[str, Any]]:
    done = host.samemachine("history", "--ledger", "/root/serve.sqlite", "--format", "json")
    return list(json.loads(done.stdout)["entries"]) if done.returncode == 0 else []


def wait_for(host: Host, true: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    until = time.monotonic() + pace.stretched(SECONDS)
    seen: object = None
    while time.monotonic() < until:
        # To ask costs a second of a core, so only what has been written to is asked.
        if seen != (seen := _written(host)):
            found = entries(host)
            if true(found):
                return found
        time.sleep(0.1)
    log = (host.root / "root/serve.log").read_text(encoding="utf-8")
    raise AssertionError(f"{host.name}: {entries(host)}\n{log}")


def _written(host: Host) -> list[tuple[str, int, int]]:
    """When the ledger and the daemon's log were written to last, and how large they are."""
    files = [*(host.root / "root").glob("serve.sqlite*"), host.root / "root/serve.log"]
    found = [(file.name, file.stat()) for file in sorted(files) if file.exists()]
    return [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]


def told(found: list[dict[str, Any]], name: str) -> list[tuple[str, str]]:
    return [(one["occasion"], one["verdict"]) for one in found if one["name"] == name]


@pytest.fixture(scope="module")
def served(host_a: Host) -> Iterator[Guest]:
    guest = host_a.guest(GuestOptions(name="served"))
    yield guest
    guest.remove()


@pytest.fixture
def running(served: Guest) -> Guest:
    """The guest, known to a daemon: the test before saw to it, unless this one runs alone."""
    if "running" not in served.host.virsh("domstate", served.name):
        served.start().wait_ready()
        with serving(served.host):
            wait_for(served.host, lambda found: ("audit", "verified") in told(found, "served"))
    return served


def test_each_event_is_verified_and_nothing_is_lost(
    host_a: Host, host_b: Host, served: Guest
) -> None:
    with serving(host_a) as first, serving(host_b):
        until(lambda: "watching" in log(host_a) and "watching" in log(host_b))
        served.start().wait_ready()
        wait_for(host_a, lambda found: ("audit", "verified") in told(found, "served"))
        # It took the first baseline by itself, so a plain migration is confirmed on the other end.
        served.migrate(host_b)
        found = wait_for(host_b, lambda found: ("arrival", "verified") in told(found, "served"))
        assert [one["verdict"] for one in found if one["name"] == "served"] == ["verified"]
        wait_for(host_a, lambda found: ("departure", "left") in told(found, "served"))
        # libvirtd is restarted: the daemon connects again and hears of the next arrival.
        host_a.stop_libvirtd()
        host_a.start_libvirtd()
        served.migrate(host_a)
        wait_for(host_a, lambda found: ("arrival", "verified") in told(found, "served"))
        served.reboot()
        wait_for(host_a, lambda found: ("restart", "verified") in told(found, "served"))
        # The daemon is killed while the guest is away, and finds what it missed.
        first.kill()
        first.wait()
        served.migrate(host_b)
        wait_for(host_b, lambda found: told(found, "served").count(("arrival", "verified")) == 2)
        served.migrate(host_a)
        with serving(host_a):
            wait_for(
                host_a, lambda found: told(found, "served").count(("arrival", "verified")) == 2
            )
    assert all(verdict != "mismatch" for _, verdict in told(entries(host_a), "served"))


@pytest.mark.long("serve")
@pytest.mark.parametrize("times", [3, 10])
def test_many_migrations_in_a_row(host_a: Host, host_b: Host, running: Guest, times: int) -> None:
    before = [len(told(entries(host), "served")) for host in (host_a, host_b)]
    with serving(host_a) as first, serving(host_b):
        until(lambda: "watching" in log(host_a) and "watching" in log(host_b))
        early = 0
        for number in range(1, times + 1):
            running.migrate(host_b)
            wait_for_arrivals(host_b, number, before[1])
            running.migrate(host_a)
            wait_for_arrivals(host_a, number, before[0])
            if number == 2:
                early = resident_kib(host_a, first)
        late = resident_kib(host_a, first)
    for host, there in zip((host_a, host_b), before, strict=True):
        new = told(entries(host), "served")[there:]
        # As many arrivals and departures as there were, and nothing else.
        assert sorted(set(new)) == [("arrival", "verified"), ("departure", "left")], new
        assert len(new) == 2 * times, new
    assert late < early * 1.15, (early, late)


def wait_for_arrivals(host: Host, number: int, after: int) -> None:
    """``after`` entries of the guest; there are those of the other tests' guests as well."""
    wait_for(
        host, lambda found: told(found, "served")[after:].count(("arrival", "verified")) == number
    )


def log(host: Host) -> str:
    return (host.root / "root/serve.log").read_text(encoding="utf-8")


def resident_kib(host: Host, daemon: "subprocess.Popen[str]") -> int:
    """Of the Python below nsenter and setpriv."""
    pids = host.run("pgrep", "--full", "host_agent serve|samemachine serve").stdout.split()
    sizes = []
    for pid in pids:
        status = (host.root / f"proc/{pid}/status").read_text(encoding="utf-8")
        sizes += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    return max(sizes)


def test_a_restored_guest_and_one_that_never_answers(host_a: Host, running: Guest) -> None:
    assert host_a.samemachine("baseline", "served").returncode == 0
    host_a.virsh("save", "served", "/var/lib/libvirt/images/served.save")
    host_a.virsh("restore", "/var/lib/libvirt/images/served.save")
    done = host_a.samemachine("verify", "served", "--wait", pace.words(20))
    assert done.returncode == 0, done.stdout
    assert "restored" in done.stdout
    assert "same boot" in done.stdout
    # Its agent stays away: no verdict is invented.
    running.wait_ready()
    running.stop_agent()
    silent = host_a.samemachine("verify", "served", "--wait", "3")
    assert silent.returncode == 3
    assert "UNVERIFIED" in silent.stdout
    assert "cannot tell" in silent.stdout
    # Ctrl-C does not wait for what may still come.
    waiting = host_a.popen(
        *host_a.samemachine_command("verify", "served", "--wait", "600"), stderr=subprocess.PIPE
    )
    pid = inner(waiting)
    until(lambda: connected(pid))
    os.kill(pid, signal.SIGINT)
    _, said = waiting.communicate(timeout=pace.stretched(10))
    assert waiting.returncode == 130, said
    assert "interrupted" in said
    running.start_agent()
