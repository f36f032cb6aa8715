"""Forty domains after a move from QEMU 7.2 to 10.0: few lines, and all is well.

Real guests, machines that run their firmware alone, and definitions that are off.
"""

import re
from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

BARE = """<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{name}</name><uuid>{uuid}</uuid>{metadata}<memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><features><acpi/></features>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/></devices>{more}
</domain>"""
"""A machine whose firmware finds nothing to boot: it costs next to nothing."""

REAL = "web1", "web2"
FIRMWARE_ONLY = 12
ALL = 40
_MEMORY = 32


def bare(number: int) -> tuple[str, str]:
    name = f"bare{number:02}"
    uuid = str(uuid5(NAMESPACE_URL, f"samemachine-lab:{name}"))
    return name, BARE.format(name=name, uuid=uuid, metadata="", memory=_MEMORY, more="")


@pytest.fixture
def forty(host_a: Host) -> Iterator[list[Guest]]:
    guests = [host_a.guest(GuestOptions(name=name, memory=384)).start() for name in REAL]
    for number in range(FIRMWARE_ONLY):
        name, xml = bare(number)
        host_a.run("virsh", "define", "/dev/stdin", text_input=xml)
        host_a.virsh("start", name)
    for guest in guests:
        guest.wait_ready()
    yield guests
    for guest in guests:
        guest.remove()


@pytest.mark.long("verdicts")
def test_forty_that_are_well(host_a: Host, host_b: Host, forty: list[Guest]) -> None:
    taken = host_a.samemachine("baseline", "--all")
    assert taken.returncode == 0, taken.stdout
    for guest in forty:
        guest.migrate(host_b)
    for number in range(FIRMWARE_ONLY):
        host_a.virsh(
            "migrate",
            "--live",
            "--persistent",
            "--undefinesource",
            bare(number)[0],
            host_b.tcp_uri,
            f"tcp://{host_b.name}",
        )
    # The rest is defined there.
    for number in range(FIRMWARE_ONLY, ALL - len(REAL)):
        host_b.run("virsh", "define", "/dev/stdin", text_input=bare(number)[1])
    try:
        verified = host_b.samemachine("verify", "--all", "--wait", pace.words(60))
        lines = verified.stdout.splitlines()
        assert verified.returncode == 0, verified.stdout
        assert len(lines) <= 12, verified.stdout
        assert "arrived from hosta (7.2" in verified.stdout
        counted = map(int, re.findall(r"^(\d+) domains VERIFIED", verified.stdout, re.MULTILINE))
        single = len(re.findall(r"^\S+ VERIFIED", verified.stdout, re.MULTILINE))
        assert sum(counted) + single == len(REAL) + FIRMWARE_ONLY
        audited = host_b.samemachine("audit")
        lines = audited.stdout.splitlines()
        assert audited.returncode == 0, audited.stdout
        assert len(lines) <= 12, audited.stdout
        assert f"{ALL} domains" in lines[0]
        assert f"verified {len(REAL) + FIRMWARE_ONLY} (2 by guest, 12 by memory)" in lines[1]
        assert "not running 26" in lines[1]
        # With nothing new, the second time.
        assert host_b.samemachine("verify", "--all").returncode == 0
    finally:
        for number in range(ALL - len(REAL)):
            host_b.run("virsh", "destroy", bare(number)[0], check=False)
            host_b.run("virsh", "undefine", bare(number)[0], check=False)
