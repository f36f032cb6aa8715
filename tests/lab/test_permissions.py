"""Who may not do everything gets less evidence and is told what is missing, never a traceback."""

import json
from collections.abc import Iterator

import pytest

from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

NAME = "watched"
OTHER = "qemu+unix:///system?socket=/nowhere"


@pytest.fixture(scope="module")
def guest(host_b: Host) -> Iterator[Guest]:
    made = host_b.guest(GuestOptions(name=NAME, machine="pc-q35-10.0")).start().wait_ready()
    assert host_b.samemachine("baseline", NAME).returncode == 0
    yield made
    made.remove()


def as_nobody(host: Host, *arguments: str) -> tuple[int, str, str]:
    """Run a command without any right; libvirt lets everybody read."""
    command = host.samemachine_command(*arguments)
    done = host.run(
        "env",
        "HOME=/nonexistent",
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        *command,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_an_audit_says_of_each_evidence_what_it_needs(host_b: Host, guest: Guest) -> None:
    code, output, error = as_nobody(host_b, "audit", NAME, "--format", "json")
    assert code == 3, error
    (domain,) = json.loads(output)["hosts"][0]["domains"]
    assert domain["verdict"] == "unverified"
    unknown = [one for one in domain["findings"] if one["outcome"] == "unknown"]
    assert unknown
    assert not [one for one in domain["findings"] if one["outcome"] == "fail"]
    assert any("needs a read-write connection" in one["sentence"] for one in unknown), unknown
    # What everybody may see is judged all the same.
    assert any(one["outcome"] == "pass" for one in domain["findings"])
    evidence = domain["evidence"]
    assert evidence["memory"]["missing"] == "denied"
    assert evidence["now"]["missing"] == "denied"
    assert evidence["guest"]["missing"] == "denied"


# command → exit code, and what is said
COMMANDS = {
    ("audit",): (3, "unverified"),
    ("show", NAME): (3, "needs a read-write connection"),
    ("verify", NAME): (3, "UNVERIFIED"),
    ("baseline", NAME): (3, "no baseline"),
    ("why", NAME): (3, NAME),
    ("enroll", NAME, "--yes"): (2, "needs a read-write connection"),
    ("enroll", NAME, "--dry-run"): (2, "needs a read-write connection"),
    ("forget", NAME, "--yes"): (2, "needs a read-write connection"),
    ("upgrade", NAME, "--dry-run"): (None, ""),
    ("upgrade", NAME, "--to", "pc-q35-9.2", "--yes"): (2, "read-write"),
    ("rollback", NAME, "--dry-run"): (None, ""),
    ("migrate", NAME, OTHER, "--dry-run"): (4, ""),
    ("plan", "--to", "debian:trixie"): (None, ""),
    ("history",): (4, "there is no ledger"),
    ("campaign",): (0, ""),
    ("types",): (None, ""),
    ("path", "bookworm", "trixie"): (None, ""),
    ("diff", "debian:bookworm", "debian:trixie"): (1, ""),
    ("probe", "pc-q35-10.0"): (None, ""),
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_breaks(host_b: Host, guest: Guest, command: tuple[str, ...]) -> None:
    before = host_b.virsh("dumpxml", NAME), host_b.virsh("dumpxml", "--inactive", NAME)
    code, output, error = as_nobody(host_b, *command)
    wanted, words = COMMANDS[command]
    assert code in {0, 1, 2, 3, 4} if wanted is None else code == wanted, output + error
    assert words in output + error, output + error
    after = host_b.virsh("dumpxml", NAME), host_b.virsh("dumpxml", "--inactive", NAME)
    assert after == before
