"""What a real firmware measures into a TPM: forecast on one host, and seen on the next."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab import images
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import GUEST_IMAGES, Host
from tests.lab.test_rehearsal import rehearsed

STORE = "var/lib/libvirt/qemu/nvram/{}_VARS.fd"
LUKS = "/var/lib/libvirt/images/luks.raw"
ASK = """
mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
mkdir -p /etc/samemachine /run/udev/data
echo E:ID_FS_TYPE=crypto_LUKS >/run/udev/data/b$(cat /sys/class/block/vdb/dev)
printf '[guest]\\ngroups-on = tpm\\n' >/etc/samemachine/guest.conf
"""
"""The guest's administrator allows what is not given otherwise; no udev runs there."""
TOKENS = {
    str(number): {"type": "systemd-tpm2", "tpm2-pcrs": pcrs, "tpm2-pcr-bank": "sha256"}
    for number, pcrs in enumerate(([7], [2], []))
}


def with_tpm(xml: str) -> str:
    tpm = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
    return xml.replace("<memballoon", f"{tpm}<memballoon")


SEALED = GuestOptions(
    name="sealed",
    machine="pc-q35-7.2",
    cpu="qemu64",
    uefi=True,
    second_disk=LUKS,
    edit=with_tpm,
)


def luks(host: Host) -> None:
    """Make a disk whose header has tokens, and nothing else."""
    area = json.dumps({"tokens": TOKENS}).encode().ljust(12288, b"\0")
    head = (b"LUKS\xba\xbe\0\2" + (16384).to_bytes(8, "big")).ljust(4096, b"\0")
    file = Path(f"{host.root}{LUKS}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((head + area).ljust(1 << 20, b"\0"))


def asked(guest: Guest) -> Guest:
    guest.run("sh", "-c", ASK)
    guest.stop_agent()
    guest.start_agent()
    return guest


def registers(guest: Guest) -> list[str]:
    folder = "/sys/class/tpm/tpm0/pcr-sha256"
    return [guest.run("cat", f"{folder}/{number}").strip() for number in range(8)]


def forecast(form: dict[str, Any], when: str) -> dict[int, bool | None]:
    return {one["number"]: one["changes"] for one in form["tpm"][when]["registers"]}


def test_a_cold_start_on_the_next_release_comes_as_forecast(
    host_a: Host, host_b: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    for host in (host_a, host_b):
        luks(host)
    guest = asked(new_guest(SEALED).start().wait_ready())
    before = registers(guest)
    kept = [
        f"/{STORE.format('sealed')}",
        f"/var/lib/libvirt/swtpm/{guest.uuid}/tpm2/tpm2-00.permall",
    ]
    written = host_a.run("stat", "--format=%Y %Z %s", *kept).stdout
    # The same software changes nothing, and every disk opens.
    judged = audit(host_a, "sealed", "--rehearse")
    assert judged.outcome("sealed", "tpm") == "pass"
    assert judged.outcome("sealed", "sealed") == "pass", judged.finding("sealed", "sealed")
    root = images.host_root(images.TRIXIE)
    place = f"{GUEST_IMAGES}/cache/{root.parent.name}/root"
    form = rehearsed(host_a, "sealed", "--root", place)
    said = forecast(form, "start")
    # Nor is anything written by that.
    assert host_a.run("stat", "--format=%Y %Z %s", *kept).stdout == written
    guest.destroy()
    store = STORE.format("sealed")
    (host_b.root / store).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(host_a.root / store, host_b.root / store)
    moved = Guest(host_b, SEALED)
    try:
        moved.define()
        after = registers(moved.start().wait_ready())
    finally:
        moved.remove()
    seen = {number: before[number] != after[number] for number in range(8)}
    known = {number: changes for number, changes in said.items() if changes is not None}
    assert {0, 7} <= known.keys()
    assert known == {number: seen[number] for number in known}
    # Without secure boot the firmware of Debian 13 measures SecureBoot otherwise.
    assert known[0]
    assert known[7]
    keys = {tuple(one["pcrs"]): one["opens"] for one in form["tpm"]["start"]["keys"]}
    assert keys[7,] is False
    assert keys[()] is True


@pytest.mark.long("sealed")
def test_a_firmware_that_was_replaced_under_the_running_guest(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    luks(host_a)
    options = replace(SEALED, name="replaced")
    asked(new_guest(options).start().wait_ready())
    code = "usr/share/OVMF/OVMF_CODE_4M.fd"
    newer = images.host_root(images.TRIXIE) / code
    # As a package's upgrade does it.
    here = host_a.root / code
    host_a.run("ln", f"/{code}", f"/{code}.before")
    shutil.copy(newer, f"{here}.new")
    host_a.run("mv", f"/{code}.new", f"/{code}")
    try:
        found = audit(host_a, "replaced", "--rehearse").finding("replaced", "sealed")
    finally:
        host_a.run("mv", f"/{code}.before", f"/{code}")
    assert found["outcome"] == "warn", found
    assert found["sentence"].startswith("after the next stop and start vdb (systemd-tpm2, PCR 7) ")
    assert "variable SecureBoot" in found["sentence"]
