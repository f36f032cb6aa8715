"""What libvirt and QEMU themselves refuse, and what ``plan`` says of it beforehand.

Domains without a system: firmware alone decides all of it.
"""

import time
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests import json_output
from tests.lab.asking import audit
from tests.lab.host import Host
from tests.lab.images import NEWER

_XML = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>256</memory>
<vcpu>{vcpus}</vcpu>{backing}<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>{os}</os>
<features>{features}</features>{cpu}<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='usb' model='none'/><memballoon model='none'/>{devices}</devices></domain>"""
_CPU = "<cpu mode='custom' match='exact'><model fallback='forbid'>Nehalem</model>{}</cpu>"
_THREADS = "<topology sockets='1' dies='1' cores='2' threads='2'/>"
_SOCKETS = "<topology sockets='4' dies='1' cores='1' threads='1'/>"
_FLASH = (
    "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE{0}.fd</loader>"
    "<nvram template='/usr/share/OVMF/OVMF_VARS{0}.fd'/>"
)
# No firmware drives it: what resets a device resets its queues, and a NIC's boot ROM does.
_VIRTIO = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
_DISK = "<disk type='file' device='{0}'><driver name='qemu' type='raw' cache='none'/>{1}</disk>"
_FLOPPY = "<source file='/var/tmp/floppy.img'/><target dev='fda' bus='fdc'/>"
_QUORUM = "<source file='/var/tmp/quorum.img'/><target dev='vdb' bus='virtio'/><shareable/>"
DOMAINS: dict[str, dict[str, Any]] = {
    "plain": {},
    "uefi": {"os": _FLASH.format("_4M")},
    "uefi2": {"os": _FLASH.format("")},
    "rom": {"os": "<loader type='rom'>/usr/share/ovmf/OVMF.fd</loader>"},
    "threads": {"vcpus": 4, "cpu": _CPU.format(_THREADS)},
    "sockets": {"vcpus": 4, "cpu": _CPU.format(_SOCKETS)},
    "host-model": {"vcpus": 4, "cpu": f"<cpu mode='maximum'>{_THREADS}</cpu>"},
    "floppy": {"devices": _DISK.format("floppy", _FLOPPY)},
    "quorum": {"devices": _DISK.format("disk", _QUORUM)},
    "scsi": {"devices": "<controller type='scsi' model='am53c974'/>"},
    "folder": {
        "backing": "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>",
        "devices": "<filesystem type='mount' accessmode='passthrough'><driver type='virtiofs'/>"
        "<source dir='/srv/share'/><target dir='share'/></filesystem>",
    },
}
# What libvirt or QEMU says to the live move from host A to host B; None: it moves.
REFUSED = {
    "plain": None,
    "uefi": None,
    "uefi2": "OVMF_VARS.fd",
    "rom": "load of migration failed",
    "threads": "extra features: ht",
    "sockets": None,
    "host-model": None,
    "floppy": "Migration without shared storage is unsafe",
    "quorum": "Migration without shared storage is unsafe",
    "scsi": "load of migration failed",
    "folder": "non-migratable device",
}


def xml(name: str, **more: Any) -> str:
    given = {"vcpus": 1, "backing": "", "os": "", "cpu": "", "devices": "",
             "features": "<acpi/><apic/>", **more}  # fmt: skip
    return _XML.format(name=name, uuid=uuid5(NAMESPACE_URL, f"samemachine-lab:{name}"), **given)


def define(host: Host, name: str, **more: Any) -> None:
    host.run("virsh", "define", "/dev/stdin", text_input=xml(name, **more))


def remove(name: str, *hosts: Host) -> None:
    for host in hosts:
        host.run("virsh", "destroy", name, check=False)
        host.run("virsh", "undefine", "--nvram", name, check=False)


def plan(host: Host, *arguments: str) -> dict[str, dict[str, Any]]:
    done = host.samemachine("plan", *arguments, "--format", "json")
    assert "Traceback" not in done.stderr, done.stderr
    (hop,) = json_output.read(done.stdout)["hops"]
    return {one["name"]: one for one in hop["domains"]}


def migrate(name: str, host: Host, to: Host, *how: str) -> str | None:
    """Return what was said to a live move; None: the guest is there."""
    done = host.run(
        "virsh",
        "migrate",
        "--live",
        "--persistent",
        *how,
        name,
        to.tcp_uri,
        f"tcp://{to.name}",
        check=False,
    )
    return done.stderr if done.returncode else None


def vmstate(planned: dict[str, Any]) -> str:
    (found,) = (one for one in planned["findings"] if one["check"] == "move-vmstate")
    return str(found["outcome"])


@pytest.fixture(scope="module")
def domains(host_a: Host, host_b: Host) -> Iterator[None]:
    for host in (host_a, host_b):
        host.run("mkdir", "-p", "/srv/share")
        host.run("truncate", "--size", "1440K", "/var/tmp/floppy.img")
        host.run("truncate", "--size", "4M", "/var/tmp/quorum.img")
    for name, more in DOMAINS.items():
        define(host_a, name, **more)
        host_a.virsh("start", name)
    yield
    for name in DOMAINS:
        remove(name, host_a, host_b)


LOCAL = {"floppy": "cannot", "quorum": "cannot"}
ANSWERS = {
    "plain": "live", "uefi": "live", "threads": "restart", "sockets": "live", "host-model": "live",
    "scsi": "restart", "folder": "restart",
}  # fmt: skip


def test_the_plan_says_before_what_is_refused_then(
    host_a: Host, host_b: Host, domains: None
) -> None:
    # libvirt over the network says neither its release nor whether a file is there.
    of_host = {name: one["answer"] for name, one in plan(host_a, "--to", host_b.tcp_uri).items()}
    unsure = {"uefi2": "cannot tell", "rom": "cannot tell"}
    assert of_host == {**ANSWERS, **LOCAL, **unsure}
    of_release = {
        name: one["answer"] for name, one in plan(host_a, "--to", "debian:trixie").items()
    }
    known = {"uefi2": "cannot", "rom": "restart", "floppy": "restart", "quorum": "restart"}
    assert of_release == {**ANSWERS, **known}
    states = {name: vmstate(one) for name, one in plan(host_a, "--to", host_b.tcp_uri).items()}
    # Of all others QEMU there takes what their devices send, as far as both describe it.
    assert states.pop("scsi") == "fail"
    assert set(states.values()) == {"pass"}, states
    copied = plan(host_a, "--to", host_b.tcp_uri, "--copy-storage", "all")
    assert (copied["floppy"]["answer"], copied["quorum"]["answer"]) == ("live", "cannot")
    for name, words in REFUSED.items():
        said = migrate(name, host_a, host_b)
        assert (said is None) is (words is None), (name, said)
        assert (words or "") in (said or ""), (name, said)
    assert migrate("floppy", host_a, host_b, "--copy-storage-all") is None
    assert "unsafe" in (migrate("quorum", host_a, host_b, "--copy-storage-all") or "")


def test_a_start_there_needs_the_image(host_a: Host, host_b: Host, domains: None) -> None:
    remove("uefi2", host_b)
    define(host_b, "uefi2", **DOMAINS["uefi2"])
    started = host_b.run("virsh", "start", "uefi2", check=False)
    assert "OVMF" in started.stderr, started.stderr
    # Where the plan is made on the very host, it looks.
    found = host_b.samemachine("plan", "uefi2", "--connect", host_a.tcp_uri, "--to", host_b.uri)
    assert "hostb has no /usr/share/OVMF/OVMF_CODE.fd" in " ".join(found.stdout.split()), found
    remove("uefi2", host_b)


def test_too_many_vcpus(host_a: Host, host_b: Host) -> None:
    refused = host_b.run(
        "virsh", "define", "/dev/stdin", text_input=xml("many", vcpus=512), check=False
    )
    assert "Maximum CPUs greater than specified machine type limit 288" in refused.stderr


def test_queues_are_those_of_the_last_boot(host_a: Host, host_b: Host, lab: Any) -> None:
    host_e: Host = lab.host("hoste")
    for name in ("came", "reset", "started"):
        define(host_b if name == "started" else host_a, name, devices=_VIRTIO)
    try:
        for name in ("came", "reset"):
            host_a.virsh("start", name)
            assert migrate(name, host_a, host_b) is None
        host_b.virsh("start", "started")
        host_b.virsh("reset", "reset")
        time.sleep(1)
        told = plan(host_b, "--to", host_e.tcp_uri)
        assert told["started"]["answer"] == "restart"
        # That it came is seen; what booted it, and whether it was reset since, is not.
        assert (told["came"]["answer"], told["reset"]["answer"]) == ("cannot tell", "cannot tell")
        assert migrate("came", host_b, host_e) is None
        for name in ("reset", "started"):
            assert "virtio" in (migrate(name, host_b, host_e) or ""), name
    finally:
        for name in ("came", "reset", "started"):
            remove(name, host_a, host_b, host_e)


def test_a_baseline_tells_what_booted_it(host_a: Host, host_b: Host, lab: Any) -> None:
    host_e: Host = lab.host("hoste")
    define(host_a, "kept", devices=_VIRTIO)
    try:
        host_a.virsh("start", "kept")
        time.sleep(3)
        done = host_a.samemachine("baseline", "kept")
        assert done.returncode == 0, done
        assert migrate("kept", host_a, host_b) is None
        told = plan(host_b, "kept", "--to", host_e.tcp_uri)["kept"]
        assert told["answer"] == "live", told
        (said,) = (one for one in told["findings"] if one["check"] == "move-refusal")
        assert (said["outcome"], "if it was reset there" in said["sentence"]) == ("warn", True)
        assert migrate("kept", host_b, host_e) is None
    finally:
        remove("kept", host_a, host_b, host_e)


@pytest.mark.long("migrate")
def test_a_pair_that_cannot_start_a_domain(host_a: Host, host_c: Host) -> None:
    """libvirt 9.0 over the backports' QEMU 10.0."""
    host_c.run("sh", "-ec", f"dpkg --install {NEWER}/*.deb", timeout=300)
    for name, features in (("old-board", ""), ("modern", "<acpi/>")):
        define(host_c, name, features=features)
    define(host_a, "old-board", features="")
    try:
        result = audit(host_c)
        finding = result.finding("old-board", "next-start")
        assert finding["outcome"] == "warn"
        assert "-no-acpi: invalid option" in finding["sentence"]
        assert result.outcome("modern", "next-start") == "pass"
        told = plan(host_a, "old-board", "--to", host_c.tcp_uri)["old-board"]
        assert told["answer"] == "cannot", told
        refused = host_c.run("virsh", "start", "old-board", check=False)
        assert "-no-acpi: invalid option" in refused.stderr
        host_c.virsh("start", "modern")
    finally:
        remove("modern", host_c)
        remove("old-board", host_a, host_c)
