"""Domains that don't answer: the reason each, within the deadline, and nothing else is harmed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab import pace
from tests.lab.asking import Audit, audit, read
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host


def unverified(host: Host, name: str) -> Audit:
    """Audit everything; only the named domain may lack its guest's answer."""
    # The others' agents may have to start what speaks gRPC.
    result = audit(host, "--timeout", pace.words(4))
    assert result.exit_code == 3
    assert result.domains[name]["verdict"] == "unverified"
    assert result.outcome(name, "running-qemu") == "pass"
    others = {other: domain["verdict"] for other, domain in result.domains.items() if other != name}
    assert set(others.values()) <= {"verified", None}, others
    return result


def test_the_agent_is_stopped(host_a: Host, fleet: dict[str, Guest]) -> None:
    guest = fleet["q35"]
    guest.stop_agent()
    try:
        result = unverified(host_a, "q35")
    finally:
        guest.start_agent()
    assert "no program in the guest" in result.finding("q35", "agent")["sentence"]
    # What the host can prove alone stands beside it.
    assert result.outcome("q35", "machine-type") == "pass"
    assert result.domains["q35"]["depth"] == "memory"


def test_the_agent_hangs(host_a: Host, fleet: dict[str, Guest]) -> None:
    guest = fleet["q35"]
    guest.control_agent("STOP")
    try:
        result = unverified(host_a, "q35")
    finally:
        guest.control_agent("CONT")
    assert result.domains["q35"]["evidence"]["guest"]["missing"] == "silent"
    assert audit(host_a, "q35").exit_code == 0


def test_the_guest_is_paused(host_a: Host, fleet: dict[str, Guest]) -> None:
    host_a.virsh("suspend", "q35")
    try:
        result = unverified(host_a, "q35")
    finally:
        host_a.virsh("resume", "q35")
    assert result.domains["q35"]["evidence"]["guest"]["missing"] == "paused"
    assert result.outcome("q35", "machine-type") == "pass"


def test_the_guest_is_still_booting(
    host_a: Host, fleet: dict[str, Guest], new_guest: Callable[[GuestOptions], Guest]
) -> None:
    new_guest(GuestOptions(name="fresh")).start()
    result = unverified(host_a, "fresh")
    assert "still be booting" in result.finding("fresh", "agent")["sentence"]


def test_shut_off_and_not_enrolled_are_no_failures(
    host_a: Host, fleet: dict[str, Guest], new_guest: Callable[[GuestOptions], Guest]
) -> None:
    new_guest(GuestOptions(name="off"))
    result = audit(host_a)
    assert result.exit_code == 0
    assert result.domains["off"]["verdict"] is None
    assert result.domains["bare"]["verdict"] == "verified"


@contextmanager
def holder(guest: Guest) -> Iterator[None]:
    """A program that has the channel's socket open and does nothing."""
    program = (
        "import socket,sys,time; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "print('held', flush=True); time.sleep(600)"
    )
    process = guest.host.popen(
        "python3", "-c", program, guest.channel_socket, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
    finally:
        process.kill()
        process.communicate()


@contextmanager
def stopped(guest: Guest) -> Iterator[None]:
    """A QEMU process that is stopped by a signal."""
    pid = str(guest.qemu_pid)
    guest.host.run("kill", "-STOP", pid)
    try:
        yield
    finally:
        guest.host.run("kill", "-CONT", pid)


@pytest.mark.parametrize(
    "times", [4, pytest.param(20, marks=pytest.mark.long("channel"))], ids=["few", "many"]
)
@pytest.mark.parametrize(
    ("trouble", "remote"),
    [
        pytest.param(holder, False, id="held-local"),
        pytest.param(stopped, True, id="stopped-remote"),
        pytest.param(holder, True, id="held-remote", marks=pytest.mark.long("channel")),
        pytest.param(stopped, False, id="stopped-local", marks=pytest.mark.long("channel")),
    ],
)
def test_audits_never_freeze_libvirtd(
    host_a: Host,
    host_b: Host,
    fleet: dict[str, Guest],
    *,
    trouble: Callable[[Guest], "Iterator[None]"],
    remote: bool,
    times: int,
) -> None:
    guest = fleet["q35"]
    where = (host_b, "-c", host_a.tcp_uri) if remote else (host_a,)
    # The guest agent's worker has started when it must answer quickly, and goes on while asked.
    audit(*where)
    with trouble(guest):  # type: ignore[attr-defined]
        for _ in range(times):
            result = audit(*where, "--timeout", pace.words(1))
            assert result.exit_code == 3
            assert result.domains["q35"]["verdict"] == "unverified"
            # A frozen libvirtd answers another client when the trouble is over, or never.
            host_a.virsh("list", "--all")
        # The others are judged as ever, given time: what does not answer costs all of it.
        result = audit(*where, "--timeout", pace.words(4))
        assert result.domains["q35"]["verdict"] == "unverified"
        assert result.domains["i440fx"]["verdict"] == "verified"
    host_b.run("rm", "-f", "/var/lib/samemachine/unanswered-channels.json")
    assert audit(*where, "q35").exit_code == 0


def test_two_audits_at_the_same_time(host_a: Host, fleet: dict[str, Guest]) -> None:
    command = host_a.samemachine_command("audit", "--format", "json")
    for _ in range(5):
        running = [
            host_a.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
        ]
        for process in running:
            output, error = process.communicate(timeout=pace.stretched(60))
            assert read(output, process.returncode, error).exit_code == 0


def test_ten_audits_in_a_row(host_a: Host, fleet: dict[str, Guest]) -> None:
    for _ in range(10):
        assert audit(host_a, "i440fx").exit_code == 0


def test_the_agent_answers_whenever_it_was_started(host_a: Host, fleet: dict[str, Guest]) -> None:
    """Before the host asked, after, and again after: a restart in between never costs an answer."""
    guest = fleet["i440fx"]
    for _ in range(3):
        assert audit(host_a, "i440fx").exit_code == 0
        guest.stop_agent()
        guest.start_agent()
    guest.stop_agent()
    # Bytes that wait in the port reach the next agent: stale ones, from a caller that is gone.
    program = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(bytes(range(256)) * 20)"
    )
    host_a.run("python3", "-c", program, guest.channel_socket)
    guest.start_agent()
    assert audit(host_a, "i440fx").exit_code == 0


def test_an_interrupted_audit_leaves_the_channel_free(
    host_a: Host, fleet: dict[str, Guest]
) -> None:
    for pause in (0.2, 0.4, 0.6):
        process = host_a.popen(
            *host_a.samemachine_command("audit", "i440fx"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert audit(host_a, "i440fx").exit_code == 0


def test_a_libvirtd_that_is_gone_is_exit_code_4(host_a: Host, fleet: dict[str, Guest]) -> None:
    host_a.stop_libvirtd()
    try:
        done = host_a.samemachine("audit")
    finally:
        host_a.start_libvirtd()
    assert done.returncode == 4
    assert "qemu:///system" in done.stderr
    assert "Traceback" not in done.stderr
    # The agents were started before the host's libvirtd, and still answer.
    assert audit(host_a, "i440fx", "q35").exit_code == 0
