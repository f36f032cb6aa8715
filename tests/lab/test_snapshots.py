"""Reverting to a snapshot: what came back with it is said, and held against its own state."""

import re
from collections.abc import Iterator

import pytest

from tests.lab.host import Host
from tests.lab.test_audit import audited_when_booted
from tests.lab.test_before_and_after import finding, verify
from tests.lab.test_rehearsal import rehearsed
from tests.lab.test_upgrade import bare_xml

NAME = "reverted"
DISK = f"/root/{NAME}.qcow2"
_CARD = "<interface type='user'><model type='e1000'/></interface></devices>"


@pytest.fixture
def snapshotted(host_a: Host) -> Iterator[str]:
    """Firmware with a disk: a baseline, a snapshot of the running domain, and a newer baseline."""
    host_a.run("qemu-img", "create", "-f", "qcow2", DISK, "8M")
    disk = (
        f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source file='{DISK}'/><target dev='vda' bus='virtio'/></disk>"
    )
    xml = bare_xml(NAME, "pc-i440fx-7.2").replace("<controller", f"{disk}<controller", 1)
    host_a.run("virsh", "define", "/dev/stdin", text_input=xml)
    host_a.virsh("start", NAME)
    audited_when_booted(host_a, NAME)
    for step in ("baseline", "snapshot", "baseline"):
        if step == "snapshot":
            host_a.virsh("snapshot-create-as", NAME, "before")
        else:
            done = host_a.samemachine("baseline", NAME)
            assert done.returncode == 0, done.stdout + done.stderr
    yield NAME
    host_a.run("virsh", "destroy", NAME, check=False)
    host_a.run("virsh", "undefine", "--snapshots-metadata", NAME, check=False)
    host_a.run("rm", "-f", DISK)


def test_a_revert_is_an_occasion_of_its_own(host_a: Host, snapshotted: str) -> None:
    newer = host_a.virsh("dumpxml", NAME)
    host_a.virsh("snapshot-revert", NAME, "before")
    older = host_a.virsh("dumpxml", NAME)
    assert newer.partition("taken=")[2][:30] != older.partition("taken=")[2][:30]

    done = host_a.samemachine("verify", NAME)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reverted to 'before' of " in done.stdout
    assert "held against the snapshot's own baseline; the ledger keeps that of " in done.stdout

    history = host_a.samemachine("history", NAME).stdout
    assert "reverted" in history
    assert "arrival" not in history

    # It is told once, though libvirt's word for the state stays; and the trail knows of it.
    code, domains = verify(host_a, NAME)
    assert (code, domains[NAME]["verdict"]) == (0, "verified")
    assert domains[NAME]["occasion"] == "audit"
    assert finding(domains[NAME], "same-smbios")["outcome"] == "pass"
    assert re.search("occasion=.reverted.", host_a.virsh("dumpxml", NAME))


def test_what_the_baseline_was_taken_of_is_rehearsed(host_a: Host, snapshotted: str) -> None:
    """The definition was changed since: of the baseline's machine only that differs."""
    ran = rehearsed(host_a, NAME)["now"]
    host_a.virsh("snapshot-revert", NAME, "before")
    host_a.virsh("destroy", NAME)
    same = rehearsed(host_a, NAME, "--baseline")
    assert (same["exit_code"], same["changes"]) == (0, [])
    for part in ("acpi", "pci", "virtio", "smbios_sha256"):
        assert same["baseline"][part] == ran[part]
    xml = host_a.virsh("dumpxml", "--inactive", NAME)
    host_a.run("virsh", "define", "/dev/stdin", text_input=xml.replace("</devices>", _CARD))
    assert rehearsed(host_a, NAME)["changes"] == []
    changed = rehearsed(host_a, NAME, "--baseline")
    assert changed["baseline"] == same["baseline"]
    assert [one["subject"] for one in changed["changes"] if one["area"] == "PCI"], changed
