"""What a real UEFI keeps: its store on the host, the guest's own view, and what is declared."""

from collections.abc import Callable, Iterator

import pytest

from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.test_audit import audited_when_booted
from tests.lab.test_before_and_after import finding, verify
from tests.lab.test_upgrade import bare_xml

VARIABLES = "/sys/firmware/efi/efivars"
KEYED = """</type>
    <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>
    <nvram template='/usr/share/OVMF/OVMF_VARS_4M.ms.fd'/>"""
STORE = "/var/lib/libvirt/qemu/nvram/{}_VARS.fd"
CONFIGURATION = "/etc/samemachine/guest.conf"
ASK = f"mkdir -p /etc/samemachine; printf '[guest]\\ngroups-on = uefi\\n' >{CONFIGURATION}"
"""The guest's administrator allows what is not given otherwise."""
IMAGE = """
from pathlib import Path
from host_agent.qemu.nvram_decoder import NvramDecoder
from host_agent.qemu.nvram_place import Place
decoder = NvramDecoder()
raw, image = (
    decoder.at(Place(path=path, form=form), Path("/"))
    for path, form in (("{store}", "raw"), ("/tmp/store.qcow2", "qcow2"))
)
print(raw == image, sorted(raw.databases))
"""


def allow(guest: Guest) -> None:
    """Let the guest's administrator allow the group."""
    guest.run("sh", "-c", f"mountpoint -q {VARIABLES} || mount -t efivarfs efivarfs {VARIABLES}")
    guest.run("sh", "-c", ASK)
    guest.stop_agent()
    guest.start_agent()


def test_three_views_of_a_guest_without_secure_boot(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="keyless", machine="pc-q35-7.2", uefi=True))
    guest.start().wait_ready()
    unasked = audit(host_a, "keyless")
    assert unasked.outcome("keyless", "secure-boot") == "pass"
    seen = unasked.domains["keyless"]["evidence"]["uefi"]
    assert "groups-on" in seen["guest"]["sentence"]
    allow(guest)
    store = STORE.format("keyless")
    before = host_a.run("stat", "--format=%Y %Z", store).stdout
    result = audit(host_a, "keyless")
    assert result.domains["keyless"]["verdict"] == "verified"
    assert result.finding("keyless", "secure-boot")["sentence"] == (
        "secure boot is off, and in the guest: its store has no platform key"
    )
    seen = result.domains["keyless"]["evidence"]["uefi"]
    assert seen["guest"]["secure_boot"] is False
    assert seen["guest"]["databases"] == seen["store"]["databases"] == {}
    # The firmware has run, and written what it boots from: nothing but its own menu and shell.
    assert seen["store"]["boot_order"]
    for check in ("boot-entries", "certificates", "template"):
        assert result.outcome("keyless", check) == "skip"
    assert host_a.run("stat", "--format=%Y %Z", store).stdout == before


@pytest.mark.long("stores")
def test_keys_that_came_since_the_baseline(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="enrolled", machine="pc-q35-7.2", uefi=True))
    allow(guest.start().wait_ready())
    assert host_a.samemachine("baseline", "enrolled").returncode == 0
    _, domains = verify(host_a, "enrolled")
    assert finding(domains["enrolled"], "same-uefi")["outcome"] == "pass"
    guest.destroy()
    store = STORE.format("enrolled")
    # As virt-fw-vars does, by the library that reads it.
    edit = ("--inplace", store, "--enroll-generate", "ours", "--microsoft-kek", "2011")
    host_a.python("-m", "virt.firmware.vars", *edit, "--microsoft-db", "uefi11")
    allow(guest.start().wait_ready())
    _, domains = verify(host_a, "enrolled")
    told = finding(domains["enrolled"], "same-uefi")
    assert told["outcome"] == "warn"
    assert told["sentence"] == (
        "secure boot was off and is on; PK is new; KEK is new; db is new; dbx is new"
    )
    result = audit(host_a, "enrolled")
    seen = result.domains["enrolled"]["evidence"]["uefi"]
    digests = {name: one["sha256"] for name, one in seen["store"]["databases"].items()}
    # Byte for byte what the guest's kernel shows.
    assert seen["guest"]["databases"] == digests
    assert set(digests) == {"PK", "KEK", "db", "dbx"}
    # Debian 12's image without "secboot" in its name can do it all the same.
    assert seen["guest"]["secure_boot"] is True
    assert result.finding("enrolled", "secure-boot")["sentence"] == (
        "secure boot is on by the guest's store, and in the guest"
    )
    assert result.outcome("enrolled", "certificates") == "warn"


@pytest.fixture
def keyed(host_a: Host) -> Iterator[str]:
    """A domain with secure boot that is its firmware and nothing else."""
    name = "keyed"
    xml = bare_xml(name, "pc-q35-7.2")
    for old, new in (
        ("</type>", KEYED),
        ("<features>", "<features><smm state='on'/>"),
        ("<memory unit='MiB'>64<", "<memory unit='MiB'>256<"),
    ):
        assert old in xml
        xml = xml.replace(old, new)
    host_a.run("virsh", "define", "/dev/stdin", text_input=xml)
    yield name
    host_a.run("virsh", "destroy", name, check=False)
    host_a.run("virsh", "undefine", "--nvram", name, check=False)


def test_a_store_with_the_certificates_of_2011(host_a: Host, keyed: str) -> None:
    assert audit(host_a, keyed).outcome(keyed, "secure-boot") == "unknown"
    host_a.virsh("start", keyed)
    result = audited_when_booted(host_a, keyed)
    assert result.outcome(keyed, "secure-boot") == "pass", result.finding(keyed, "secure-boot")
    found = result.finding(keyed, "certificates")
    assert found["outcome"] == "warn"
    assert "Microsoft Corporation UEFI CA 2011 (ended 2026-06-27)" in found["sentence"]
    assert result.outcome(keyed, "template") == "pass"
    host_a.virsh("destroy", keyed)
    # Of one that is off it is the same, and in another form, too.
    off = audit(host_a, keyed)
    assert off.outcome(keyed, "certificates") == "warn"
    store = STORE.format(keyed)
    convert = ("qemu-img", "convert", "-f", "raw", "-O", "qcow2", store, "/tmp/store.qcow2")
    host_a.run(*convert)
    told = host_a.python("-c", IMAGE.format(store=store), timeout=pace.stretched(60))
    assert told.strip() == "True ['KEK', 'PK', 'db', 'dbx']"
