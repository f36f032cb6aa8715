"""Guests of arm64's ``virt`` machine: with UEFI, verified to the byte; without, by fw_cfg alone."""

from collections.abc import Iterator

import pytest

from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.test_before_and_after import verify
from tests.lab.test_rehearsal import rehearsed
from tests.lab.test_upgrade import machines, upgrade

pytestmark = pytest.mark.long("architectures")
MACHINE, RAISED = "virt-7.2", "virt-10.0"
SLOW = 200
"""Seconds that such a guest may take to boot, on a machine that is not slow."""


@pytest.fixture(scope="module")
def uefi(many_a: Host) -> Iterator[Guest]:
    options = ForeignOptions(name="arm-uefi", architecture="aarch64", uefi=True)
    guest = many_a.guest(options).start().wait_ready(SLOW)
    yield guest
    guest.remove()


@pytest.mark.timeout(600)
def test_with_uefi_it_is_verified_by_its_own_tables(many_a: Host, uefi: Guest) -> None:
    result = audit(many_a, uefi.name)
    domain = result.domains[uefi.name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest"), (
        domain["findings"]
    )
    for check in ("machine-type", "machine-type-live", "product", "exact", "identity"):
        assert result.outcome(uefi.name, check) == "pass", result.finding(uefi.name, check)
    assert result.outcome(uefi.name, "next-boot") == "pass", result.finding(uefi.name, "next-boot")
    assert uefi.run("cat", "/sys/class/dmi/id/product_version").strip() == MACHINE


@pytest.mark.timeout(600)
def test_rehearsal_and_guest_agree_byte_for_byte(many_a: Host, uefi: Guest) -> None:
    form = rehearsed(many_a, uefi.name)
    found = form["guest"]
    assert (form["exit_code"], found["differences"], found["smbios"]) == (0, [], True), found
    shown = {
        name: uefi.run("sha256sum", f"/sys/firmware/acpi/tables/{name}").split()[0]
        for name in found["tables"]
    }
    made = {table["signature"]: table["sha256"] for table in form["now"]["acpi"]}
    assert {"DSDT", "FACP", "APIC", "GTDT", "MCFG"} <= shown.keys()
    assert shown == {name: made[name] for name in shown}
    assert found["functions"] == len(uefi.run("ls", "/sys/bus/pci/devices").split())
    assert found["virtio"] == len(uefi.run("ls", "/sys/bus/virtio/devices").split())
    assert found["not_compared"] == ["CPU: its QEMU does not tell it"]
    assert form["changes"] == []


@pytest.mark.timeout(600)
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
    for check in ("machine-type", "product", "identity"):
        assert result.outcome(uefi.name, check) == "pass", result.finding(uefi.name, check)
    found = form["guest"]
    assert (found["differences"], found["smbios"]) == ([], True), found
    assert {"DSDT", "FACP", "APIC", "GTDT", "MCFG"} <= set(found["tables"])


@pytest.fixture
def plain(many_a: Host) -> Iterator[Guest]:
    guest = many_a.guest(ForeignOptions(name="arm-plain", architecture="aarch64"))
    yield guest.start().wait_ready(SLOW)
    guest.remove()


@pytest.mark.timeout(600)
def test_without_uefi_fw_cfg_alone_tells(many_a: Host, plain: Guest) -> None:
    """The kernel finds no tables in memory, and what QEMU serves can be read all the same."""
    assert "dmi" not in plain.run("ls", "/sys/class").split()
    result = audit(many_a, plain.name)
    domain = result.domains[plain.name]
    assert domain["depth"] == "guest", domain["findings"]
    for check in ("machine-type-live", "exact", "running-qemu"):
        assert result.outcome(plain.name, check) == "pass", result.finding(plain.name, check)
    said = result.finding(plain.name, "machine-type")
    assert said["outcome"] == "unknown", said
    form = rehearsed(many_a, plain.name)
    assert "no firmware to be rehearsed" in form["now"]["unknown"]


@pytest.fixture
def traveller(many_a: Host) -> Iterator[Guest]:
    options = ForeignOptions(name="arm-moved", architecture="aarch64", uefi=True)
    guest = many_a.guest(options).start().wait_ready(SLOW)
    yield guest
    guest.remove()


@pytest.mark.timeout(1200)
def test_a_live_migration_and_what_the_next_boot_changes(
    many_a: Host, many_b: Host, traveller: Guest
) -> None:
    name = traveller.name
    assert many_a.samemachine("baseline", name).returncode == 0
    before = audit(many_a, name).domains[name]["evidence"]["guest"]
    traveller.migrate(many_b)
    code, domains = verify(many_b, name, "--wait", pace.words(20))
    assert (code, domains[name]["verdict"]) == (0, "verified"), domains[name]["findings"]
    assert domains[name]["occasion"] == "arrival"
    moved = audit(many_b, name)
    after = moved.domains[name]["evidence"]["guest"]
    assert after["boot_id"] == before["boot_id"]
    assert after["booted"]["sha256"] == before["booted"]["sha256"]
    assert after["live"]["sha256"] != before["live"]["sha256"]
    assert moved.outcome(name, "exact") == "pass", moved.finding(name, "exact")
    forecast = moved.finding(name, "next-boot")
    assert forecast["outcome"] == "warn", forecast
    # QEMU 10.0 describes memory in one structure more, whatever the machine type.
    assert "type 19" in forecast["sentence"], forecast
    traveller.reboot()
    traveller.wait_rebooted(before["boot_id"], SLOW)
    booted = audit(many_b, name)
    for check in ("exact", "next-boot", "machine-type"):
        assert booted.outcome(name, check) == "pass", booted.finding(name, check)
    assert booted.domains[name]["evidence"]["guest"]["live"]["sha256"] == after["live"]["sha256"]
    # And then the machine type is raised, too.
    code, raised = upgrade(many_b, name, "--to", RAISED)
    assert code == 0, raised
    assert machines(many_b, name) == (RAISED, RAISED)
    assert audit(many_b, name).outcome(name, "machine-type") == "pass"
