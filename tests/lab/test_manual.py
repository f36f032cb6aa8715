"""Command lines of the manual that need QEMU, another host, or a domain that may be changed.

They are run as they stand there, at a terminal where somebody says yes, but for the transport: the
lab's hosts reach each other by TCP, without ssh and certificates. One after the other, they are an
operator's day: look, raise, move, forget.
"""

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests import manual_lines
from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_upgrade import OLD, TAGGED, bare_xml, uuid
from tests.manual_lines import HOSTS, codes, command_of, joined, runs_anywhere

_FOLDER = PurePosixPath("/root/manual")
_ORDER = (
    "types", "probe", "diff", "audit", "report", "plan", "serve", "watch", "upgrade", "rollback",
    "enroll", "verify", "migrate", "forget",
)  # fmt: skip
# Databases that only tests of their own have.
_ELSEWHERE = {"history", "fleet"}
_ENDLESS = {"serve", "watch"}
_GONE = "7c1f0000-0000-4000-8000-000000000001"
_CHANGING = {"upgrade", "rollback", "enroll", "migrate", "forget"}
# The root folder of another release is this one, and so is the QEMU of another vendor.
_PREPARE = """
mkdir -p {folder}/srv/noble {folder}/srv/el9 /opt/qemu/bin /usr/libexec
for folder in {folder}/srv/noble {folder}/srv/el9; do mount --bind / $folder; done
ln -s /usr/bin/qemu-system-x86_64 /opt/qemu/bin/qemu-system-x86_64
ln -s /usr/bin/qemu-system-x86_64 /usr/libexec/qemu-kvm
printf '#!/bin/sh\\n' >/usr/local/bin/page-me
chmod 755 /usr/local/bin/page-me
echo '{hosts}' >>/etc/hosts
sed -i s/+ssh:/+tcp:/ {folder}/pool.txt
"""


def rank(line: tuple[str, ...]) -> tuple[int, int, str]:
    """What only looks comes first; what ends things comes last."""
    weight = 0 if {"--dry-run", "--remove"} & set(line) else 1 if "--stage" in line else 2
    if {"--forget", "--copy-storage"} & set(line):
        weight = 3
    return _ORDER.index(str(command_of(line))), weight, joined(line)


LINES = sorted(
    (line for line in HOSTS if not runs_anywhere(line) and command_of(line) not in _ELSEWHERE),
    key=rank,
)


def plain(xml: str) -> str:
    return xml


def tagged(xml: str) -> str:
    return xml.replace("<os>", f"{TAGGED}<os>")


@pytest.fixture(scope="module")
def manual(lab: Lab, host_a: Host, host_b: Host) -> Iterator[Host]:
    """A host with the domains and files that the manual names; the others are its neighbours."""
    host = lab.host("hostf")
    folder = host.root / _FOLDER.relative_to("/")
    folder.mkdir()
    manual_lines.prepare(folder)
    hosts = "\n".join(
        f"{one.address} {names}"
        for one, names in ((host, "node1 n1"), (host_b, "node2 n2"), (host_a, "node3"))
    )
    host.run("sh", "-eu", "-c", _PREPARE.format(folder=_FOLDER, hosts=hosts))
    guests = [
        host.guest(GuestOptions(name=name, machine=OLD, channel=name == "vm1", edit=edit))
        for name, edit in (("vm1", plain), ("web1", tagged), ("b", plain))
    ]
    # Something is kept of one that is gone.
    host.run(
        "virsh", "create", "/dev/stdin", text_input=bare_xml("gone").replace(uuid("gone"), _GONE)
    )
    host.samemachine("verify", "gone", "--wait", pace.words(20))
    host.virsh("destroy", "gone")
    yield host
    Guest(host_b, guests[0].options).remove()
    for guest in guests:
        guest.remove()


@pytest.fixture(scope="module")
def guest(manual: Host, host_b: Host) -> Guest:
    guest = manual.guests["vm1"].start().wait_ready()
    guest.make_room(host_b)
    manual.samemachine("verify", "vm1", "--timeout", pace.words(60))
    return guest


def as_typed(line: tuple[str, ...], host: Host) -> str:
    """Return the line as a shell reads it."""
    words = [*host.samemachine_command(), *manual_lines.here(line, _FOLDER)]
    for transport in ("ssh", "tls"):
        words = [word.replace(f"qemu+{transport}://", "qemu+tcp://") for word in words]
    if command_of(line) in _ENDLESS:
        words = ["timeout", "--preserve-status", "--signal=INT", pace.words(2), *words]
    return shlex.join(words)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("line", LINES, ids=joined)
def test_it_runs(line: tuple[str, ...], manual: Host, guest: Guest) -> None:
    done = manual.run(
        "env",
        f"--chdir={_FOLDER}",
        "script",
        "--quiet",
        "--return",
        "--command",
        as_typed(line, manual),
        "/dev/null",
        check=False,
        timeout=190,
        text_input="y\n",
    )
    said = done.stdout.removeprefix("y\n")
    print(done.returncode, said)
    assert "Traceback" not in said
    assert said or command_of(line) in _ENDLESS
    # A disk that is here alone, as it is in the lab, is not moved unless it is copied.
    if command_of(line) == "migrate" and "--copy-storage" not in line:
        assert (done.returncode, "--copy-storage all; or" in said) == (2, True)
    # Outside of the hours that a line names nothing is begun.
    elif command_of(line) in _CHANGING:
        assert done.returncode in ({0, 3} if "--window" in line else {0}), said
    else:
        assert done.returncode in codes(line) - {130}, said
