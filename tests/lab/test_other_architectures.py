"""Guests of i386 and of riscv64 with UEFI: verified by what their machines show. And microvm."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import architectures
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_arm64 import SLOW, restarted
from tests.lab.test_rehearsal import rehearsed

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table."""

    name: str
    host: str
    architecture: str
    uefi: bool = False


ROWS = (
    Row(name="i686, BIOS", host="hosta", architecture="i686"),
    Row(name="riscv64, UEFI", host="hostj", architecture="riscv64", uefi=True),
)


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: row.architecture)
def booted(request: pytest.FixtureRequest, lab: Lab) -> Iterator[tuple[Row, Host, Guest]]:
    row: Row = request.param
    host = lab.host(row.host)
    options = ForeignOptions(
        name=f"on-{row.architecture}", architecture=row.architecture, uefi=row.uefi
    )
    guest = host.guest(options).start().wait_ready(SLOW)
    yield row, host, guest
    guest.remove()


def test_it_is_verified(booted: tuple[Row, Host, Guest]) -> None:
    row, host, guest = booted
    result = audit(host, guest.name)
    domain = result.domains[guest.name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest"), (
        domain["findings"]
    )
    for check in ("machine-type-live", "product", "exact", "identity", "running-qemu"):
        assert result.outcome(guest.name, check) == "pass", result.finding(guest.name, check)
    architectures.hold(row.name, "audit", architectures.of_audit(result, guest.name))


def test_a_rehearsal_gives_what_it_has(booted: tuple[Row, Host, Guest]) -> None:
    row, host, guest = booted
    form = rehearsed(host, guest.name)
    assert (form["exit_code"], form["guest"]["differences"]) == (0, []), form["guest"]
    assert form["changes"] == []
    architectures.hold(row.name, "rehearsal", "yes")


def test_it_is_verified_again_after_a_restart(booted: tuple[Row, Host, Guest]) -> None:
    row, host, guest = booted
    restarted(host, guest, row.name)


def test_a_type_without_versions_is_raised_to_nothing(booted: tuple[Row, Host, Guest]) -> None:
    row, host, guest = booted
    if row.architecture != "riscv64":
        pytest.skip("its types have versions; test_types_raised raises one")
    done = host.samemachine("upgrade", guest.name, "--dry-run")
    assert done.returncode == 2, done
    assert "virt is of no known scheme of names: nothing can be called newer" in done.stdout
    architectures.hold(row.name, "raise", "none")


MICROVM = """<domain type='qemu'><name>micro</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='microvm'>hvm</type></os><features><acpi/></features><devices>
<emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
<memballoon model='none'/><controller type='virtio-serial' index='0'>{place}</controller>
<channel type='unix'><source mode='bind'/><target type='virtio' name='org.samemachine.guest.0'/>
</channel></devices></domain>"""


def test_a_microvm_is_known_by_its_process_alone(host_a: Host) -> None:
    """Debian's kernel has no clock on it in software emulation, so no guest system is asked."""
    refused = host_a.run(
        "virsh", "define", "/dev/stdin", text_input=MICROVM.format(place=""), check=False
    )
    # libvirt 9.0 looks for a bus, unless the place of each device is named.
    assert "No PCI buses available" in refused.stderr, refused
    placed = MICROVM.format(place="<address type='virtio-mmio'/>")
    host_a.run("virsh", "define", "/dev/stdin", text_input=placed)
    try:
        host_a.virsh("start", "micro")
        result = audit(host_a, "micro", "--timeout", "1")
        domain = result.domains["micro"]
        assert (domain["verdict"], domain["depth"]) == ("unverified", "host"), domain
        assert result.outcome("micro", "running-qemu") == "pass"
        for check in ("machine-type", "product", "identity"):
            said = result.finding("micro", check)
            assert said["outcome"] == "unknown"
            assert "no SMBIOS that names the machine" in said["sentence"]
    finally:
        host_a.run("virsh", "destroy", "micro", check=False)
        host_a.run("virsh", "undefine", "micro", check=False)
