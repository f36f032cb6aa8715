"""Guests of arm64's ``virt`` machine: with UEFI, verified to the byte; without, by fw_cfg alone."""

from collections.abc import Iterator

import pytest

from tests import architectures
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.test_before_and_after import finding, verify
from tests.lab.test_rehearsal import rehearsed

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]
MACHINE = "virt-7.2"
UEFI, PLAIN = "aarch64, UEFI", "aarch64, no firmware"
SLOW = 200
"""Seconds that such a guest may take to boot, on a machine that is not slow."""
_CHECKS = "machine-type-live", "product", "exact", "identity", "running-qemu"
_TABLES = {"DSDT", "FACP", "APIC", "GTDT", "MCFG"}


@pytest.fixture(scope="module")
def uefi(many_a: Host) -> Iterator[Guest]:
    options = ForeignOptions(name="arm-uefi", architecture="aarch64", uefi=True)
    guest = many_a.guest(options).start().wait_ready(SLOW)
    yield guest
    guest.remove()


def test_with_uefi_it_is_verified_by_its_own_tables(many_a: Host, uefi: Guest) -> None:
    assert uefi.run("cat", "/sys/class/dmi/id/product_version").strip() == MACHINE
    result = audit(many_a, uefi.name)
    domain = result.domains[uefi.name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest"), (
        domain["findings"]
    )
    for check in (*_CHECKS, "machine-type", "next-boot"):
        assert result.outcome(uefi.name, check) == "pass", result.finding(uefi.name, check)
    architectures.hold(UEFI, "audit", architectures.of_audit(result, uefi.name))


def test_rehearsal_and_guest_agree_byte_for_byte(many_a: Host, uefi: Guest) -> None:
    form = rehearsed(many_a, uefi.name)
    found = form["guest"]
    assert (form["exit_code"], found["differences"], found["smbios"]) == (0, [], True), found
    shown = {
        name: uefi.run("sha256sum", f"/sys/firmware/acpi/tables/{name}").split()[0]
        for name in found["tables"]
    }
    made = {table["signature"]: table["sha256"] for table in form["now"]["acpi"]}
    assert shown.keys() >= _TABLES
    # It says where the firmware put others, which differs with what it starts.
    del shown["FACP"]
    assert shown == {name: made[name] for name in shown}
    assert found["functions"] == len(uefi.run("ls", "/sys/bus/pci/devices").split())
    assert found["virtio"] == len(uefi.run("ls", "/sys/bus/virtio/devices").split())
    assert form["changes"] == []
    architectures.hold(UEFI, "rehearsal", "yes")


def test_without_its_agent_its_memory_tells(many_a: Host, uefi: Guest) -> None:
    tables = audit(many_a, uefi.name).domains[uefi.name]["evidence"]["guest"]["booted"]["sha256"]
    uefi.stop_agent()
    try:
        result = audit(many_a, uefi.name, "--timeout", pace.words(4))
        form = rehearsed(many_a, uefi.name)
    finally:
        uefi.start_agent()
    domain = result.domains[uefi.name]
    assert domain["depth"] == "memory", domain["evidence"]
    assert domain["evidence"]["memory"]["sha256"] == tables
    architectures.hold(UEFI, "memory", architectures.of_memory(result, uefi.name))
    for check in ("machine-type", "product", "identity"):
        assert result.outcome(uefi.name, check) == "pass", result.finding(uefi.name, check)
    found = form["guest"]
    assert (found["differences"], found["smbios"]) == ([], True), found
    assert set(found["tables"]) >= _TABLES


def test_with_uefi_it_is_verified_again_after_a_restart(many_a: Host, uefi: Guest) -> None:
    restarted(many_a, uefi, UEFI)


@pytest.fixture(scope="module")
def plain(many_a: Host) -> Iterator[Guest]:
    guest = many_a.guest(ForeignOptions(name="arm-plain", architecture="aarch64"))
    yield guest.start().wait_ready(SLOW)
    guest.remove()


def test_without_uefi_fw_cfg_alone_tells(many_a: Host, plain: Guest) -> None:
    """The kernel finds no tables in memory, and what QEMU serves can be read all the same."""
    assert "dmi" not in plain.run("ls", "/sys/class").split()
    result = audit(many_a, plain.name)
    domain = result.domains[plain.name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest"), (
        domain["findings"]
    )
    for check in _CHECKS:
        assert result.outcome(plain.name, check) == "pass", result.finding(plain.name, check)
    said = result.finding(plain.name, "machine-type")
    assert said["outcome"] == "skip", said
    architectures.hold(PLAIN, "audit", architectures.of_audit(result, plain.name))


def test_without_uefi_there_is_no_firmware_to_rehearse(many_a: Host, plain: Guest) -> None:
    form = rehearsed(many_a, plain.name)
    assert "no firmware to be rehearsed" in form["now"]["unknown"]
    architectures.hold(PLAIN, "rehearsal", "none")


def test_without_uefi_it_is_compared_after_a_restart(many_a: Host, plain: Guest) -> None:
    restarted(many_a, plain, PLAIN)


def restarted(host: Host, guest: Guest, row: str) -> None:
    """Compare a guest with what it was before a stop and start, and hold what came of it."""
    name = guest.name
    assert host.samemachine("baseline", name).returncode == 0
    guest.destroy()
    guest.start().wait_ready(SLOW)
    _, domains = verify(host, name, "--wait", pace.words(20))
    domain = domains[name]
    assert domain["occasion"] == "restart", domain
    for check in ("same-smbios", "same-cpu", "same-memory", "same-virtio", "same-network"):
        assert finding(domain, check)["outcome"] == "pass", finding(domain, check)
    architectures.hold(row, "restart", domain["verdict"])
