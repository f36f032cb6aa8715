"""``samemachine upgrade`` on real hosts: raised, refused, rolled back, killed at every step."""

import fcntl
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from _pytest.mark import ParameterSet

from tests import json_output, shown
from tests.lab import pace
from tests.lab.guest import GuestOptions
from tests.lab.host import Host
from tests.lab.processes import inner, until
from tests.lab.test_serve import log, serving, told
from tests.lab.test_serve import wait_for as history_has

OLD, NEWEST = "pc-i440fx-2.8", "pc-i440fx-7.2"
# A domain of a UUID that was there before has its baseline yet, in the ledger.
NUMBERS = itertools.count()
JOURNAL = "var/lib/samemachine/upgrades"
_BARE = """<domain type='qemu'{namespace}>
  <name>{name}</name><uuid>{uuid}</uuid>
  {metadata}
  <memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='{machine}'>hvm</type></os>
  <features><acpi/><apic/></features>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
  <controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>"""
NOVA = """<metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
<nova:name>shop-db-1</nova:name></nova:instance></metadata>"""
TAGGED = "<metadata><x:about xmlns:x='urn:x'><x:role>web</x:role></x:about></metadata>"


def bare_xml(name: str, machine: str = OLD, metadata: str = "") -> str:
    """A domain that has firmware and nothing else: started in no time, verified from memory."""
    return _BARE.format(
        name=name, uuid=uuid(name), machine=machine, metadata=metadata, namespace=""
    )


def uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"samemachine-lab:{name}"))


@pytest.fixture
def bare(host_a: Host) -> Iterator[Callable[..., str]]:
    """Defines bare domains, which are gone after the test, and so is what was written of them."""
    made: list[str] = []

    def make(name: str, *, start: bool = True, **what: str) -> str:
        made.append(name)
        host_a.run("virsh", "define", "/dev/stdin", text_input=bare_xml(name, **what))
        if start:
            host_a.virsh("start", name)
        return name

    yield make
    for name in made:
        host_a.run("virsh", "destroy", name, check=False)
        host_a.run("virsh", "undefine", "--managed-save", "--snapshots-metadata", name, check=False)
        host_a.run("rm", "-rf", f"/{JOURNAL}/{uuid(name)}")


def run(host: Host, *arguments: str, timeout: float = 600) -> tuple[int, dict[str, Any]]:
    """Run a command; returns the exit code and its JSON."""
    done = host.samemachine(*arguments, "--format", "json", timeout=timeout)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout, done.stderr
    return done.returncode, json_output.read(done.stdout)


def patient() -> tuple[str, ...]:
    """What a guest may take to go and to come, as this machine is; a later option wins."""
    return "--wait", pace.words(120), "--shutdown-timeout", pace.words(120)


def upgrade(host: Host, name: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Raise one domain; returns the exit code and what became of it."""
    code, report = run(host, "upgrade", name, "--yes", *patient(), *more)
    (domain,) = report["domains"]
    return code, domain


def rollback(host: Host, name: str, *more: str) -> tuple[int, dict[str, Any]]:
    code, report = run(host, "rollback", name, "--yes", *patient(), *more)
    (domain,) = report["domains"]
    return code, domain


def machines(host: Host, name: str) -> tuple[str | None, str]:
    """The machine types that run and that are defined."""
    found = []
    for inactive in (False, True):
        xml = host.virsh("dumpxml", *(("--inactive",) if inactive else ()), name)
        found.append(xml.partition("machine='")[2].partition("'")[0])
    active = found[0] if host.virsh("domstate", name) == "running" else None
    return active, found[1]


def state(host: Host, name: str) -> dict[str, Any]:
    file = host.root / JOURNAL / uuid(name) / "state.json"
    return dict(json.loads(file.read_text(encoding="utf-8")))


def backups(host: Host, name: str) -> list[str]:
    folder = host.root / JOURNAL / uuid(name)
    return [file.read_text(encoding="utf-8") for file in sorted(folder.glob("original-*.xml"))]


def refusal(domain: dict[str, Any], check: str) -> str:
    """The sentence of the finding because of which nothing was touched."""
    assert domain["outcome"] == "refused", domain
    (found,) = (one for one in domain["preflight"] if one["check"] == f"upgrade-{check}")
    assert found["outcome"] == "fail", found
    return str(found["sentence"] + " -> " + found.get("remedy", ""))


def test_a_guest_on_a_newer_machine_and_back(host_a: Host, host_b: Host) -> None:
    guest = host_a.guest(GuestOptions(name="riser", machine=OLD)).start()
    try:
        # Two hosts have a say: what host B alone offers is too new.
        pool = "-c", host_a.uri, "-c", host_b.tcp_uri
        code, report = run(host_a, "upgrade", "riser", "--dry-run", *pool)
        (plan,) = report["domains"]
        assert (code, plan["outcome"], plan["target"]) == (0, "planned", NEWEST)
        assert plan["hosts"] == ["hosta", "hostb"]
        (forecast,) = (one for one in plan["preflight"] if one["check"] == "upgrade-forecast")
        assert f"'{OLD}' -> '{NEWEST}'" in " ".join(forecast["differences"])
        guest.wait_ready()
        assert machines(host_a, "riser") == (OLD, OLD)
        before = host_a.virsh("dumpxml", "--inactive", "--security-info", "riser")

        code, domain = upgrade(host_a, "riser", *pool, "--change", "CHG17")
        assert (code, domain["outcome"]) == (0, "applied"), domain
        assert domain["before"]["verdict"] == "verified"
        assert domain["after"]["verdict"] == "verified"
        assert domain["after"]["occasion"] == "upgrade"
        assert domain["after"]["depth"] == "guest"
        assert machines(host_a, "riser") == (NEWEST, NEWEST)
        guest.wait_ready()
        assert guest.run("dmidecode", "-s", "system-version").strip() == NEWEST
        # Nothing else changed, and the definition as it was is kept.
        after = host_a.virsh("dumpxml", "--inactive", "--security-info", "riser")
        assert without_metadata(after) == without_metadata(before).replace(OLD, NEWEST)
        assert [without_metadata(text) for text in backups(host_a, "riser")] == [
            without_metadata(before)
        ]
        # Nothing more to do; and what was done can be asked for.
        code, domain = upgrade(host_a, "riser", *pool)
        assert (code, domain["outcome"]) == (0, "nothing to do")
        code, campaign = run(host_a, "campaign", "--change", "CHG17")
        assert (code, campaign["counts"]) == (0, {"applied": 1})
        history = host_a.samemachine("history", "riser").stdout
        assert "change CHG17" in history

        code, domain = rollback(host_a, "riser")
        assert (code, domain["outcome"]) == (0, "rolled back"), domain
        assert domain["after"]["verdict"] == "verified"
        guest.wait_ready()
        assert guest.run("dmidecode", "-s", "system-version").strip() == OLD
        code, domain = rollback(host_a, "riser")
        assert (code, domain["outcome"]) == (0, "nothing to do")
    finally:
        guest.remove()


def without_metadata(xml: str) -> str:
    head, _, rest = xml.strip().partition("<metadata>")
    return head.rstrip() + rest.partition("</metadata>")[2] if rest else head


# Of a domain that runs: what is recorded, in order, and what the next command makes of it.
FORWARD = ["planned", "stopping", "stopping", "defining", "starting", "starting", "verifying",
           "applied"]  # fmt: skip
BACK = ["defining", "stopping", "stopping", "starting", "starting", "verifying", "rolled back"]


def steps(records: Sequence[str], *once: int) -> list[ParameterSet]:
    """The numbers of the records after which the program dies: a few, and for breadth all."""
    return shown.rows(range(1, len(records) + 1), once, "upgrade")


@pytest.mark.parametrize("number", steps(FORWARD, 3, 5))
def test_killed_at_each_step(host_a: Host, bare: Callable[..., str], number: int) -> None:
    name = bare(f"crasher-{next(NUMBERS)}")
    before = host_a.virsh("dumpxml", "--inactive", "--security-info", name)
    fast = "--yes", "--force-off", "--shutdown-timeout", "1"
    assert killed(host_a, number, "upgrade", name, *fast) == [
        f"forward {step}" for step in FORWARD[:number]
    ]
    assert without_metadata(before) in map(without_metadata, backups(host_a, name))
    assert state(host_a, name)["step"] == FORWARD[number - 1]
    code, domain = upgrade(host_a, name, *fast)
    done = number == len(FORWARD)
    assert (code, domain["outcome"]) == (0, "nothing to do" if done else "applied"), domain
    assert machines(host_a, name) == (NEWEST, NEWEST)
    assert without_metadata(before) in map(without_metadata, backups(host_a, name))
    if not done:
        assert domain["after"]["verdict"] == "verified", domain["after"]


@pytest.mark.parametrize("number", steps(FORWARD, 4, 7))
def test_killed_at_each_step_and_taken_back(
    host_a: Host, bare: Callable[..., str], number: int
) -> None:
    name = bare(f"crasher-{next(NUMBERS)}")
    before = host_a.virsh("dumpxml", "--inactive", "--security-info", name)
    fast = "--yes", "--force-off", "--shutdown-timeout", "1"
    killed(host_a, number, "upgrade", name, *fast)
    code, domain = rollback(host_a, name, *fast)
    ending = "nothing to do" if number == 1 else "rolled back"
    assert (code, domain["outcome"]) == (0, ending), domain
    assert machines(host_a, name) == (OLD, OLD)
    after = host_a.virsh("dumpxml", "--inactive", "--security-info", name)
    assert without_metadata(after) == without_metadata(before)


@pytest.mark.parametrize("number", steps(BACK, 2, 5))
def test_killed_while_it_is_taken_back(host_a: Host, bare: Callable[..., str], number: int) -> None:
    name = bare(f"crasher-{next(NUMBERS)}")
    fast = "--yes", "--force-off", "--shutdown-timeout", "1"
    assert upgrade(host_a, name, *fast)[0] == 0
    assert killed(host_a, number, "rollback", name, *fast) == [
        f"back {step}" for step in BACK[:number]
    ]
    # Either command finishes it: what is half taken back is not raised again.
    again = upgrade if number % 2 and number < len(BACK) else rollback
    code, domain = again(host_a, name, *fast)
    ending = "nothing to do" if number == len(BACK) else "rolled back"
    # Whoever wanted it raised does not have what was wanted.
    assert (code, domain["outcome"]) == (int(again is upgrade), ending), domain
    assert machines(host_a, name) == (OLD, OLD)


def killed(host: Host, number: int, *arguments: str) -> list[str]:
    """Run a command that dies once it has written so many records; returns them."""
    command = host.python_command("-m", "tests.lab.killed_upgrade", str(number), *arguments)
    done = host.run(*command, check=False, timeout=100)
    assert done.returncode in {-9, 137}, (done.returncode, done.stdout, done.stderr)
    return [line for line in done.stdout.splitlines() if line]


def test_what_stands_in_the_way(host_a: Host, bare: Callable[..., str]) -> None:
    # Saved: it would be restored on another machine than it was saved on.
    bare("saved")
    host_a.virsh("managedsave", "saved")
    code, domain = upgrade(host_a, "saved")
    assert code == 2
    assert "managed-save image holds its guest" in refusal(domain, "saved")
    host_a.virsh("start", "saved")
    host_a.virsh("snapshot-create-as", "saved", "s1", "--memspec", "/tmp/s1")
    code, domain = upgrade(host_a, "saved")
    assert "memory, as the old machine: s1" in refusal(domain, "saved")
    assert machines(host_a, "saved") == (OLD, OLD)
    # Another family, an older type, one that is not there.
    bare("plain")
    for to, words in (
        ("pc-q35-7.2", "different machines"),
        ("q35", "different machines"),
        ("pc-i440fx-2.7", "older than"),
        ("pc-i440fx-99.0", "does not offer"),
    ):
        code, domain = upgrade(host_a, "plain", "--to", to)
        assert (code, words in refusal(domain, "type")) == (2, True), domain
    host_a.virsh("suspend", "plain")
    assert "virsh resume" in refusal(upgrade(host_a, "plain")[1], "state")
    # Nova's.
    bare("instance-1", metadata=NOVA)
    told = refusal(upgrade(host_a, "instance-1")[1], "owner")
    assert f"nova-manage libvirt update_machine_type {uuid('instance-1')} {NEWEST}" in told
    # One without a definition.
    host_a.run("virsh", "create", "/dev/stdin", text_input=bare_xml("passing"))
    try:
        told = refusal(upgrade(host_a, "passing")[1], "definition")
        assert "virsh define" in told
    finally:
        host_a.virsh("destroy", "passing")
    assert not (host_a.root / JOURNAL / uuid("plain")).exists()


def test_one_that_does_not_run(host_a: Host, bare: Callable[..., str]) -> None:
    bare("asleep", start=False, metadata=TAGGED)
    code, report = run(host_a, "upgrade", "--tag", "role=web", "--yes")
    (domain,) = report["domains"]
    assert (code, domain["outcome"], domain["name"]) == (0, "staged", "asleep")
    assert machines(host_a, "asleep") == (None, NEWEST)
    code, domain = upgrade(host_a, "asleep")
    assert (code, domain["outcome"]) == (0, "nothing to do")
    host_a.virsh("start", "asleep")
    host_a.samemachine("baseline", "asleep")
    host_a.samemachine("verify", "asleep", "--wait", pace.words(20))
    assert state(host_a, "asleep")["step"] == "applied"


HOOK = """#!/bin/sh
# libvirt docs/hooks.rst: name, operation, sub-operation; the domain's XML on standard input.
xml=$(cat)
[ "$1" = lost ] || exit 0
newest=no
case "$xml" in *NEWEST*) newest=yes;; esac
case "$2 $(cat /root/hook-mode) $newest" in
"prepare refuse yes") echo "not on this host" >&2; exit 1;;
"prepare blank yes") mv DISK DISK.kept; qemu-img create -q -f qcow2 DISK 1G;;
"release blank yes") mv DISK.kept DISK;;
esac
"""


@pytest.fixture
def lost(host_a: Host) -> Iterator[Callable[[str], None]]:
    """A guest that does not come up on the newest machine, in the way that is asked for."""
    guest = host_a.guest(GuestOptions(name="lost", machine=OLD))
    script = HOOK.replace("NEWEST", NEWEST).replace("DISK", guest.options.disk)
    hook = host_a.root / "etc/libvirt/hooks/qemu"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(script, encoding="ascii")
    hook.chmod(0o755)
    host_a.run("rm", "-f", "/root/hook-mode")
    # It looks for hooks when it starts.
    host_a.stop_libvirtd()
    host_a.start_libvirtd()
    mode = host_a.root / "root/hook-mode"
    mode.write_text("none", encoding="ascii")
    guest.start().wait_ready()
    yield lambda how: (mode.write_text(how, encoding="ascii"), None)[1]
    guest.remove()
    hook.unlink()


@pytest.mark.long("upgrade")
def test_one_that_does_not_come_up_is_taken_back(host_a: Host, lost: Callable[[str], None]) -> None:
    for mode, why, words in (
        ("refuse", "it does not start: ", "not on this host"),
        (
            "blank",
            "its guest did not come up as it did before",
            "no program in the guest has the channel open",
        ),
    ):
        lost(mode)
        code, domain = upgrade(
            host_a, "lost", "--wait", pace.words(8), "--shutdown-timeout", pace.words(15)
        )
        assert (code, domain["outcome"]) == (1, "rolled back"), domain
        assert domain["why"].startswith(why), domain["why"]
        assert words in domain["why"], domain["why"]
        # The guest itself says that it is what it was.
        assert domain["after"]["verdict"] == "verified", domain["after"]
        assert domain["after"]["depth"] == "guest"
        assert domain["after"]["occasion"] == "restart"
        assert machines(host_a, "lost") == (OLD, OLD)
    assert "powered off" in domain["notes"][0]


def test_one_that_does_not_shut_down_is_left_alone(host_a: Host, bare: Callable[..., str]) -> None:
    # Firmware alone heeds no button.
    name = bare("deaf")
    number = host_a.virsh("domid", name)
    code, domain = upgrade(host_a, name, "--shutdown-timeout", "2")
    assert (code, domain["outcome"]) == (1, "rolled back"), domain
    assert "did not shut down within 2 s" in domain["why"]
    assert domain["after"]["verdict"] == "verified"
    assert machines(host_a, name) == (OLD, OLD)
    assert host_a.virsh("domid", name) == number


def test_a_few_first(host_a: Host, bare: Callable[..., str]) -> None:
    names = [bare(f"few-{number}") for number in range(4)]
    listed = host_a.root / "root/few.txt"
    listed.write_text("# my domains\n" + "\n".join(names) + "\n", encoding="utf-8")
    few = "upgrade", "--from-file", "/root/few.txt", "--yes", "--force-off", "--change", "CHG18"

    def outcomes(*more: str) -> tuple[int, list[str]]:
        code, report = run(host_a, *few, "--shutdown-timeout", "1", *more)
        return code, [one["outcome"] for one in report["domains"]]

    # Outside of the window nothing is begun.
    now = datetime.now()
    closed = f"{now + timedelta(hours=3):%H:%M}-{now + timedelta(hours=4):%H:%M}"
    assert outcomes("--window", closed) == (3, ["not begun"] * 4)
    # Somebody holds the first one's journal: the canary did not go well.
    lock = host_a.root / JOURNAL / uuid(names[0]) / "lock"
    lock.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert outcomes("--canary", "1") == (2, ["refused", *["not begun"] * 3])
        assert outcomes("--stop-after-failures", "1") == (2, ["refused", *["not begun"] * 3])
    assert outcomes("--canary", "1") == (0, ["applied"] * 4)
    code, campaign = run(host_a, "campaign", "--change", "CHG18")
    assert (code, campaign["counts"]) == (0, {"applied": 4})


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c(host_a: Host, bare: Callable[..., str], times: int) -> None:
    name = bare(f"stopped-{times}")
    command = host_a.samemachine_command("upgrade", name, "--yes")
    process = host_a.popen(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until(lambda: step(host_a, name) == "stopping" and state(host_a, name)["stopped"])
        os.kill(inner(process), signal.SIGINT)
        if times == 2:
            # Not in the same moment: signals that wait are counted once.
            time.sleep(0.1)
            os.kill(inner(process), signal.SIGINT)
        printed, _ = process.communicate(timeout=pace.stretched(60))
    finally:
        process.kill()
        process.communicate()
    assert machines(host_a, name) == (OLD, OLD)
    if times == 1:
        assert (process.returncode, step(host_a, name)) == (1, "rolled back"), printed
        assert "ROLLED BACK" in printed
        assert "interrupted" in printed
    else:
        assert process.returncode == 130, printed
        assert f"finish it: samemachine upgrade {name}, or samemachine rollback" in printed
        code, domain = rollback(host_a, name)
        assert (code, domain["outcome"], domain["after"]["verdict"]) == (
            0,
            "rolled back",
            "verified",
        )


def step(host: Host, name: str) -> str | None:
    try:
        return str(state(host, name)["step"])
    except FileNotFoundError:
        return None


def test_staged_and_verified_by_the_daemon(host_a: Host) -> None:
    guest = host_a.guest(GuestOptions(name="later", machine=OLD))
    try:
        with serving(host_a):
            until(lambda: "watching" in log(host_a))
            guest.start().wait_ready()
            history_has(host_a, lambda found: ("audit", "verified") in told(found, "later"))
            code, domain = upgrade(host_a, "later", "--stage", "--change", "CHG19")
            assert (code, domain["outcome"]) == (0, "staged"), domain
            assert machines(host_a, "later") == (OLD, NEWEST)
            # A reboot in the guest keeps the machine.
            guest.reboot()
            history_has(host_a, lambda found: ("restart", "verified") in told(found, "later"))
            assert (step(host_a, "later"), machines(host_a, "later")) == ("staged", (OLD, NEWEST))
            guest.shut_down()
            guest.start()
            found = history_has(
                host_a, lambda found: ("upgrade", "applied") in told(found, "later")
            )
            assert ("upgrade", "verified") in told(found, "later")
            assert step(host_a, "later") == "applied"
            assert machines(host_a, "later") == (NEWEST, NEWEST)
            guest.wait_ready()
            assert guest.run("dmidecode", "-s", "system-version").strip() == NEWEST
            # While a command is at it, the daemon leaves it alone.
            code, domain = rollback(host_a, "later", "--ledger", "/root/serve.sqlite")
            assert (code, domain["outcome"]) == (0, "rolled back"), domain
            verdicts = told(history_has(host_a, lambda _: True), "later")
            assert "mismatch" not in {verdict for _, verdict in verdicts}, verdicts
            assert ("upgrade", "rolled back") in verdicts
    finally:
        guest.remove()


def test_nobody_is_asked_and_nothing_done(host_a: Host, bare: Callable[..., str]) -> None:
    bare("quiet", start=False)
    done = host_a.samemachine("upgrade", "quiet")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert machines(host_a, "quiet") == (None, OLD)
