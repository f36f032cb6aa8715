"""Baselines that travel with real domains, and what differs afterwards, named."""

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

_NIC = """<interface type='user'><mac address='52:54:00:aa:10:02'/><model type='virtio'/>
  <address type='pci' domain='0x0000' bus='0x00' slot='0x0a' function='0x0'/></interface>"""


def with_devices(xml: str) -> str:
    xml = xml.replace(
        "<target dev='vdb' bus='virtio'/>",
        "<target dev='vdb' bus='virtio'/><serial>DISK-A</serial>",
    )
    return xml.replace("<memballoon", f"{_NIC}<memballoon")


CHANGES = {
    "machine='pc-i440fx-7.2'": "machine='pc-i440fx-7.1'",
    "slot='0x0a'": "slot='0x0b'",
    "<serial>DISK-A</serial>": "<serial>DISK-B</serial>",
    "<memory unit='KiB'>524288</memory>": "<memory unit='KiB'>655360</memory>",
    "<currentMemory unit='KiB'>524288</currentMemory>": "",
    ">qemu64</model>": ">Nehalem</model>",
}


@pytest.fixture(scope="module")
def moved(host_a: Host) -> Iterator[Guest]:
    options = GuestOptions(name="moved", cpu="qemu64", edit=with_devices)
    guest = host_a.guest(options).start().wait_ready()
    yield guest
    guest.remove()


def verify(host: Host, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = host.samemachine("verify", "--format", "json", *arguments)
    document = json.loads(done.stdout or "{}")
    assert document, done.stderr
    assert document["exit_code"] == done.returncode
    return done.returncode, {domain["name"]: domain for domain in document["domains"]}


def finding(domain: dict[str, Any], check: str) -> dict[str, Any]:
    (found,) = (one for one in domain["findings"] if one["check"] == check)
    return dict(found)


def test_a_baseline_travels_and_confirms_the_arrival(
    host_a: Host, host_b: Host, moved: Guest
) -> None:
    code, domains = verify(host_a, "moved")
    assert (code, domains["moved"]["verdict"]) == (3, "unverified")
    assert host_a.samemachine("baseline", "moved").returncode == 0
    assert verify(host_a, "moved")[0] == 0
    moved.migrate(host_b)
    code, domains = verify(host_b, "moved", "--wait", pace.words(20))
    domain = domains["moved"]
    assert (code, domain["verdict"], domain["occasion"]) == (0, "verified", "arrival"), domain
    assert finding(domain, "same-boot")["outcome"] == "pass"
    assert domain["baseline_kept"] is True
    code, domains = verify(host_b, "--arrived-since", "2h")
    assert (code, list(domains)) == (0, ["moved"])
    # On the source it is known that it left, as far as anything is known there.
    assert host_a.samemachine("verify", "moved").returncode == 3


def test_a_restart_is_recognised_and_equals_the_forecast(host_b: Host, moved: Guest) -> None:
    boot = audit(host_b, "moved").domains["moved"]["evidence"]["guest"]["boot_id"]
    moved.reboot()
    moved.wait_rebooted(boot)
    code, domains = verify(host_b, "moved", "--wait", pace.words(20))
    domain = domains["moved"]
    assert (code, domain["verdict"], domain["occasion"]) == (0, "verified", "restart"), domain
    assert "as forecast" in finding(domain, "same-smbios")["sentence"]
    assert finding(domain, "same-acpi")["outcome"] == "warn"
    told = host_b.samemachine("why", "moved")
    assert told.returncode == 0
    for word in ("arrival", "restart", "hosta", "hostb", "the hardware did not change"):
        assert word in told.stdout


def test_hosts_that_disagree_are_caught_each_difference_by_name(host_b: Host, moved: Guest) -> None:
    xml = host_b.virsh("dumpxml", "--inactive", "moved")
    for old, new in CHANGES.items():
        assert old in xml, (old, xml)
        xml = xml.replace(old, new)
    moved.destroy()
    host_b.run("virsh", "define", "/dev/stdin", text_input=xml)
    moved.start().wait_ready()
    code, domains = verify(host_b, "moved", "--wait", pace.words(20))
    domain = domains["moved"]
    assert (code, domain["verdict"], domain["occasion"]) == (1, "mismatch", "restart")
    said = {
        check: finding(domain, check)
        for check in ("same-smbios", "same-cpu", "same-memory", "same-network", "same-block")
    }
    assert {one["outcome"] for one in said.values()} == {"fail"}, said
    assert "pc-i440fx-7.1" in said["same-smbios"]["sentence"]
    assert "Nehalem" in said["same-cpu"]["sentence"]
    assert "512 MiB -> 640 MiB" in said["same-memory"]["sentence"]
    assert "0000:00:0a.0" in said["same-network"]["sentence"]
    assert "0000:00:0b.0" in said["same-network"]["sentence"]
    # Of what is gone, and declared nowhere any more, only the token is known.
    assert re.search(r"had serial hashed:[0-9a-f]{16}, has", said["same-block"]["sentence"])
    assert "DISK-B" in said["same-block"]["sentence"]
    # A mismatch never replaces the baseline; the operator may.
    assert verify(host_b, "moved")[0] == 1
    assert host_b.samemachine("baseline", "moved").returncode == 0
    assert verify(host_b, "moved")[0] == 0


def test_what_is_kept_names_no_address_and_no_serial_number(host_b: Host, moved: Guest) -> None:
    element = host_b.virsh("metadata", "moved", "--uri", "urn:samemachine:baseline:1")
    assert re.search(r"salt=['\"][0-9a-f]{32}['\"]", element)
    packed = re.search(r"<report[^>]*>([^<]*)<", element)
    assert packed is not None
    report = zlib.decompress(base64.b64decode(packed[1]))
    history = host_b.samemachine("history", "moved", "--format", "json").stdout
    assert "same-network" in history
    for text in ("52:54:00:aa:10:02", "DISK-A", "DISK-B"):
        assert text.encode() not in report
        assert text not in history
    assert b"hashed:" in report
    assert "hashed:" in history
    # Asked for, they are kept as they are; the next verification hashes them again.
    assert host_b.samemachine("baseline", "moved", "--clear-identifiers").returncode == 0
    element = host_b.virsh("metadata", "moved", "--uri", "urn:samemachine:baseline:1")
    assert "salt=" not in element
    assert verify(host_b, "moved")[0] == 0
    element = host_b.virsh("metadata", "moved", "--uri", "urn:samemachine:baseline:1")
    assert "salt=" in element
    assert verify(host_b, "moved")[0] == 0


def test_a_damaged_baseline_is_said_and_not_ignored(host_b: Host, moved: Guest) -> None:
    element = host_b.virsh("metadata", "moved", "--uri", "urn:samemachine:baseline:1")
    broken = element.replace('sha256="', 'sha256="00')
    # libvirt declares the prefix itself.
    broken = broken.replace(' xmlns:samemachine="urn:samemachine:baseline:1"', "")
    assert broken.count('sha256="00') == 1
    write = (
        "virsh", "metadata", "moved", "--uri", "urn:samemachine:baseline:1", "--key",
        "samemachine", "--set", broken, "--live", "--config",
    )  # fmt: skip
    host_b.run(*write)
    # Where nothing else is known of it.
    code, domains = verify(host_b, "moved", "--ledger", "/root/another.sqlite")
    assert code == 3
    assert "damaged" in finding(domains["moved"], "same-boot")["sentence"]
    # The ledger's copy is as good; that it was needed is said, and once.
    code, domains = verify(host_b, "moved")
    assert code == 0
    said = finding(domains["moved"], "same-boot")["sentence"]
    assert "held against the ledger's copy" in said
    assert "damaged" in said
    assert "damaged" in domains["moved"]["notes"][0]
    code, domains = verify(host_b, "moved")
    assert (code, domains["moved"]["notes"]) == (0, [])
    told = host_b.samemachine("why", "moved").stdout
    assert "accepted" in told
    history = host_b.samemachine("history", "moved").stdout
    assert "ACCEPTED" in history


@pytest.mark.long("verdicts")
def test_a_cpu_that_is_the_hosts_own_may_be_another_after_a_start_elsewhere(
    host_a: Host, host_b: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="anycpu", cpu="max")).start().wait_ready()
    assert host_a.samemachine("baseline", "anycpu").returncode == 0
    xml = host_a.virsh("dumpxml", "--inactive", "anycpu")
    guest.destroy()
    host_b.run("mkdir", "-p", "/var/lib/libvirt/images")
    there = Guest(host_b, guest.options)
    there.make_disk()
    host_b.run("virsh", "define", "/dev/stdin", text_input=xml)
    try:
        there.start().wait_ready()
        code, domains = verify(host_b, "anycpu", "--wait", pace.words(20))
        domain = domains["anycpu"]
        said = finding(domain, "same-cpu")
        assert said["outcome"] == "warn", said
        assert "flags gained: " in said["sentence"]
        assert "name a CPU model" in said["remedy"]
        assert (code, domain["verdict"], domain["occasion"]) == (0, "verified", "restart"), domain
    finally:
        there.remove()


def test_a_domain_is_forgotten(host_b: Host, moved: Guest) -> None:
    assert host_b.samemachine("baseline", "moved").returncode == 0
    done = host_b.samemachine("forget", "moved", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "removed: the baseline in its definition and running domain" in done.stdout
    assert "copies of baselines in the ledger" in done.stdout
    for flag in ((), ("--inactive",)):
        assert "urn:samemachine:baseline:1" not in host_b.virsh("dumpxml", *flag, "moved")
    assert (
        json.loads(host_b.samemachine("history", "moved", "--format", "json").stdout)["entries"]
        == []
    )
    assert "no baseline was taken" in host_b.samemachine("verify", "moved").stdout
