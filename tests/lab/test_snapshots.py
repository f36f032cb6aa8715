"""Reverting to a snapshot: what came back with it is said, and held against its own state."""

import re
from collections.abc import Iterator

import pytest

from tests.lab.host import Host
from tests.lab.test_audit import audited_when_booted
from tests.lab.test_before_and_after import finding, verify
from tests.lab.test_upgrade import bare_xml

NAME = "reverted"
DISK = f"/root/{NAME}.qcow2"


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
