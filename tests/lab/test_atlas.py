"""The atlases of real QEMUs, made on their own hosts."""

import json
import re

import pytest

from host_agent.atlas import atlas
from host_agent.atlas import diff as atlas_diff
from host_agent.atlas.atlas import Atlas
from tests.lab.guest import Guest
from tests.lab.host import Host


@pytest.fixture(scope="module")
def of_a(host_a: Host) -> Atlas:
    return made(host_a)


@pytest.fixture(scope="module")
def of_b(host_b: Host) -> Atlas:
    return made(host_b)


def made(host: Host, *arguments: str) -> Atlas:
    done = host.samemachine("probe", "--format", "json", *arguments)
    # 3: x-remote is no machine that a guest could start on.
    assert done.returncode in {0, 3}, done.stderr
    assert done.stderr == ""
    return atlas.from_text(done.stdout)


def test_every_machine_type_is_probed(host_a: Host, of_a: Atlas) -> None:
    listed = host_a.run("qemu-system-x86_64", "-machine", "help").stdout
    names = {line.split()[0] for line in listed.splitlines()[1:] if "(alias of" not in line} - {
        "none"
    }
    assert {machine.name for machine in of_a.machines} == names
    assert {m.name for m in of_a.machines if m.fingerprint is None} <= {"x-remote"}
    assert of_a.made.package is not None
    assert of_a.made.package.startswith("qemu-system-x86 1:7.2")


def test_two_hosts_differ_in_nearly_every_type_they_share(of_a: Atlas, of_b: Atlas) -> None:
    diff = atlas_diff.compare(of_a, of_b)
    assert len(diff.differing) >= 45
    family = [
        group
        for group in diff.groups
        if (group.difference.field, group.difference.old, group.difference.new)
        == ("Processor Family", "0x01", "0xfe")
    ]
    # One line, not 45.
    (group,) = family
    assert len(group.machines) >= 45
    assert {"pc-i440fx-1.4", "pc-i440fx-1.7"} <= set(diff.gone)
    assert "pc-q35-10.0" in diff.added


@pytest.mark.parametrize("name", ["debian:bookworm", "debian:trixie"])
def test_a_shipped_atlas_is_what_the_release_shows(host_a: Host, host_b: Host, name: str) -> None:
    host = host_a if name == "debian:bookworm" else host_b
    done = host.samemachine("diff", name, "live", "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == document["exit_code"]
    assert (document["gone"], document["added"]) == ([], [])
    # The release's packages may have been updated since, in their firmware and ROMs at the most.
    assert {one["area"] for one in document["differences"]} <= {"firmware", "ROM"}, document
    # The lab's hosts have modules with device models that the atlas's package alone does not have.
    states = document["states"]
    assert (states["changes"], states["gone"], states["properties"]) == ([], [], []), states


def test_roms_and_firmware_are_in_it(of_a: Atlas) -> None:
    (machine,) = (machine for machine in of_a.machines if machine.name == "pc-i440fx-7.2")
    assert machine.fingerprint is not None
    blocks = machine.fingerprint.memory_blocks
    roms = {name.rpartition("/")[2]: size for name, size in blocks.items() if ".rom" in name}
    assert {"e1000.rom", "virtio-net-pci.rom", "vga.rom"} <= set(roms), roms
    assert blocks["pc.bios"] == 256 * 1024
    assert machine.fingerprint.firmware is not None
    assert machine.fingerprint.firmware.size == 256 * 1024


def test_arm64_is_read_through_its_window(host_a: Host) -> None:
    found = made(host_a, "--qemu", "/usr/bin/qemu-system-aarch64", "virt-7.2", "virt-2.11")
    named = {m.name: m.fingerprint.named for m in found.machines if m.fingerprint is not None}
    new, old = named["virt-7.2"], named["virt-2.11"]
    assert new is not None
    assert old is not None
    assert (new.product, new.version) == ("QEMU Virtual Machine", "virt-7.2")
    assert old.version == "1.0"


def test_ppc64_gives_its_device_tree(host_a: Host) -> None:
    found = made(host_a, "--qemu", "/usr/bin/qemu-system-ppc64", "pseries-7.2")
    (machine,) = found.machines
    assert machine.fingerprint is not None
    assert machine.fingerprint.device_tree is not None
    assert b"IBM pSeries (emulated by qemu)" in machine.fingerprint.device_tree
    # The tree is written to a file, of which nothing is left.
    assert "samemachine-" not in host_a.run("ls", "/tmp").stdout


def test_a_type_is_shown_to_people(host_a: Host) -> None:
    done = host_a.samemachine("probe", "q35")
    assert done.returncode == 0
    assert re.search(
        r"^pc-q35-7\.2 +q35 +Standard PC \(Q35 \+ ICH9, 2009\)", done.stdout, re.MULTILINE
    )
    refused = host_a.samemachine("probe", "pc-q35-noble")
    assert refused.returncode == 2
    assert "has no machine type 'pc-q35-noble'" in refused.stderr


def test_guests_do_not_notice(host_a: Host, fleet: dict[str, Guest]) -> None:
    """A probe runs without rights beside the guests, and leaves no process."""
    before = host_a.run("pgrep", "--count", "qemu-system").stdout
    made(host_a, "pc-i440fx-7.2")
    assert host_a.run("pgrep", "--count", "qemu-system").stdout == before
    assert fleet["i440fx"].run("true") == ""
