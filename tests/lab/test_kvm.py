"""A real KVM domain: audited, its QEMU probed under KVM, and what the accelerator decides masked.

Firmware alone, since there are machines on which KVM runs no more than that.
"""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.lab.test_audit import audited_when_booted
from tests.lab.test_rehearsal import rehearsed
from tests.lab.test_upgrade import bare_xml

NAME = "accelerated"
_KVM = Path("/dev/kvm")


@pytest.fixture(scope="module")
def accelerated(host_a: Host) -> Iterator[str]:
    if not (_KVM.exists() and stat.S_ISCHR(_KVM.stat().st_mode)):
        pytest.skip("this machine has no /dev/kvm")
    xml = bare_xml(NAME, "pc-i440fx-7.2").replace("type='qemu'", "type='kvm'")
    host_a.run("virsh", "define", "/dev/stdin", text_input=xml)
    started = host_a.run("virsh", "start", NAME, check=False)
    if started.returncode:
        host_a.virsh("undefine", NAME)
        pytest.skip(f"KVM runs nothing here: {started.stderr.strip()}")
    yield NAME
    host_a.virsh("destroy", NAME)
    host_a.virsh("undefine", NAME)


@contextmanager
def device(host: Host, mode: str) -> Iterator[None]:
    """The device as a distribution has it (0660, of the group kvm), or for root alone (0600)."""
    host.run(
        "sh",
        "-euc",
        "mknod /run/kvm c 10 232; chgrp kvm /run/kvm; chmod $0 /run/kvm; "
        "mount --bind /run/kvm /dev/kvm; rm -rf /var/cache/samemachine",
        mode,
    )
    yield
    host.run("sh", "-euc", "umount /dev/kvm; rm /run/kvm")


def test_it_is_verified_by_memory_and_by_a_probe_under_kvm(host_a: Host, accelerated: str) -> None:
    with device(host_a, "660"):
        result = audited_when_booted(host_a, accelerated)
    domain = result.domains[accelerated]
    assert (domain["verdict"], domain["depth"]) == ("verified", "memory"), domain["findings"]
    assert result.outcome(accelerated, "exact") == "pass", result.finding(accelerated, "exact")
    # Under KVM the processor's own identity is in the tables, and nothing had to be masked.
    assert domain["evidence"]["now"]["not_compared"] == []


def test_where_kvm_is_not_to_be_had_its_fields_are_masked(host_a: Host, accelerated: str) -> None:
    with device(host_a, "600"):
        result = audited_when_booted(host_a, accelerated)
    assert result.outcome(accelerated, "exact") == "pass", result.finding(accelerated, "exact")
    masked = result.domains[accelerated]["evidence"]["now"]["not_compared"]
    assert masked == [{"type": 4, "field": "Processor ID"}]


def test_it_is_rehearsed_under_kvm(host_a: Host, accelerated: str) -> None:
    with device(host_a, "660"):
        audited_when_booted(host_a, accelerated)
        form = rehearsed(host_a, accelerated)
    assert form["now"]["as_domain"] is True, form["now"]
    assert form["now"]["accelerator"] == "kvm"
    found = form["guest"]
    assert (form["exit_code"], found["differences"], found["smbios"]) == (0, [], True), found
    assert {"DSDT", "FACP", "APIC"} <= set(found["tables"])
    # Of the rest only a guest's agent could tell.
    assert {one.partition(":")[0] for one in found["not_compared"]} == {"PCI", "virtio", "CPU"}


def test_where_kvm_is_not_to_be_had_the_rehearsal_says_what_that_leaves_out(
    host_a: Host, accelerated: str
) -> None:
    with device(host_a, "600"):
        audited_when_booted(host_a, accelerated)
        form = rehearsed(host_a, accelerated)
        text = host_a.samemachine("rehearse", accelerated).stdout
    assert form["now"]["as_domain"] is False, form["now"]
    assert form["now"]["accelerator"] == "tcg"
    found = form["guest"]
    assert (form["exit_code"], found["differences"], found["smbios"]) == (0, [], True), found
    # What is another table without KVM is no difference. Said in words: what lacks, and why.
    why = "KVM can't be had for the rehearsal, and ACPI depends on it"
    left = {one.partition(": ")[0] for one in found["not_compared"] if one.endswith(why)}
    assert left
    assert not left & set(found["tables"])
    assert why in " ".join(text.split())
