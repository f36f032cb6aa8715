"""``samemachine plan`` of a host with QEMU 7.2 for one with 10.0, and libvirt's own word on it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import json_output
from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.images import FORKY, TRIXIE, root_on_hosts

GONE, KEPT = "pc-i440fx-2.1", "pc-i440fx-7.2"
# What the guests' disks need to be copied from host to host, as in Guest.migrate.
COPIED = "--copy-storage", "inc", "--unsafe"
NOT_THERE = "does not support machine type 'pc-i440fx-2.1'"
_FOLDER = "<filesystem type='mount'><source dir='/tmp'/><target dir='share'/></filesystem>"
_SHARED = "<shmem name='s' role='peer'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
_PCI = (
    "<hostdev mode='subsystem' type='pci' managed='yes'><source>"
    "<address domain='0x0000' bus='0x7f' slot='0x00' function='0x0'/></source></hostdev>"
)


def with_device(device: str) -> Any:
    return lambda xml: xml.replace("</devices>", f"{device}</devices>")


GUESTS = {
    "settled": GuestOptions(name="settled"),
    "relic": GuestOptions(name="relic", machine=GONE),
    "folder": GuestOptions(name="folder", edit=with_device(_FOLDER)),
    "sharing": GuestOptions(name="sharing", edit=with_device(_SHARED)),
    "asleep": GuestOptions(name="asleep", machine="pc-q35-7.2"),
    "spare": GuestOptions(name="spare", machine="pc-i440fx-2.8"),
    "stored": GuestOptions(name="stored", machine=GONE),
    "gpu": GuestOptions(name="gpu", machine="pc-q35-7.2", edit=with_device(_PCI)),
    "snapped": GuestOptions(name="snapped", machine="pc-q35-7.2"),
}
RUNNING = "settled", "relic", "folder", "sharing", "asleep"


@pytest.fixture(scope="module")
def guests(host_a: Host, host_b: Host) -> Iterator[dict[str, Guest]]:
    """Domains of every kind. None need boot: what decides is outside of the guest."""
    made = {name: host_a.guest(options) for name, options in GUESTS.items()}
    for name in RUNNING:
        made[name].start()
    host_a.virsh("managedsave", "asleep")
    host_a.virsh("snapshot-create-as", "snapped", "before-upgrade")
    yield made
    host_a.virsh("snapshot-delete", "snapped", "before-upgrade")
    for name, guest in made.items():
        for host in (host_a, host_b):
            host.run("virsh", "destroy", name, check=False)
            host.run("virsh", "undefine", "--managed-save", name, check=False)
        guest.remove()


def plan(host: Host, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = host.samemachine("plan", *arguments, "--format", "json")
    assert "Traceback" not in done.stderr, done.stderr
    document = json_output.read(done.stdout)
    assert done.returncode == document["exit_code"]
    return done.returncode, document


def domains(document: dict[str, Any], hop: int = 0) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in document["hops"][hop]["domains"]}


def answers(document: dict[str, Any], hop: int = 0) -> dict[str, str]:
    return {name: one["answer"] for name, one in domains(document, hop).items() if name in GUESTS}


def sentences(domain: dict[str, Any], check: str) -> str:
    return " ".join(one["sentence"] for one in domain["findings"] if one["check"] == check)


def machine_type(domain: dict[str, Any]) -> tuple[str, str | None]:
    (outcome,) = (
        one["outcome"] for one in domain["findings"] if one["check"] == "move-machine-type"
    )
    return outcome, domain["raise_to"]


def test_a_host(host_a: Host, host_b: Host, guests: dict[str, Guest]) -> None:
    code, document = plan(host_a, "--to", host_b.tcp_uri, *COPIED)
    assert code == 1
    assert answers(document) == {
        "settled": "live",
        "relic": "raise",
        "folder": "restart",
        "sharing": "restart",
        "asleep": "restart",
        "spare": "start",
        "stored": "raise",
        "gpu": "start",
        "snapped": "cannot",
    }
    (hop,) = document["hops"]
    assert hop["order"][0] == {"step": "raise", "raise_to": KEPT, "domains": ["relic", "stored"]}
    assert {limit["newest"] for limit in hop["mixed_pool"]} == {KEPT, "pc-q35-7.2"}
    assert {"settled", "spare"} <= set(hop["guests_will_see"][0]["domains"])
    # The other host's QEMU can't be asked from here, so nothing is said of its ROMs.
    assert any("option ROMs and firmware of hostb" in line for line in hop["not_checked"])
    found = domains(document)
    assert "shared folder" in sentences(found["folder"], "move-devices")
    assert "pci device" in sentences(found["gpu"], "plan-devices")
    # Without a copy no local disk goes anywhere.
    assert set(answers(plan(host_a, "--to", host_b.tcp_uri)[1]).values()) == {"cannot"}


def test_the_release_agrees_with_the_host(
    host_a: Host, host_b: Host, guests: dict[str, Guest]
) -> None:
    of_host = domains(plan(host_a, "--to", host_b.tcp_uri, *COPIED)[1])
    code, document = plan(host_a, "--to", "debian:trixie", *COPIED)
    of_release = domains(document)
    assert code == 1
    assert {name: machine_type(one) for name, one in of_host.items()} == {
        name: machine_type(one) for name, one in of_release.items()
    }
    assert {name: one["next_boot"] for name, one in of_host.items()} == {
        name: one["next_boot"] for name, one in of_release.items()
    }
    # Saved guests and snapshots stay with a host that is upgraded; elsewhere the answers agree.
    told = answers(document)
    assert (told.pop("asleep"), told.pop("snapped")) == ("start", "start")
    assert told == {name: of_host[name]["answer"] for name in told}


def test_an_atlas_speaks_for_its_host(host_a: Host, host_b: Host, guests: dict[str, Guest]) -> None:
    host_b.samemachine("probe", "--output", "/root/b.json.xz")
    (host_a.root / "root/b.json.xz").write_bytes((host_b.root / "root/b.json.xz").read_bytes())
    asked = plan(host_a, "--to", host_b.tcp_uri, *COPIED, "--atlas", "/root/b.json.xz")[1]
    read = plan(host_a, "--to", "/root/b.json.xz", *COPIED)[1]
    assert read["hops"][0]["target"]["name"] == "hostb"
    for document in (asked, read):
        found = domains(document)
        # Now ROMs and firmware are compared as well.
        assert "same sizes" in sentences(found["settled"], "move-blocks")
        assert found["relic"]["raise_to"] == KEPT
        assert not any("option ROMs" in one for one in document["hops"][0]["not_checked"])


def test_libvirt_itself_refuses_what_the_plan_says(
    host_a: Host, host_b: Host, guests: dict[str, Guest]
) -> None:
    xml = host_a.virsh("dumpxml", "--inactive", "relic")
    defined = host_b.run("virsh", "define", "/dev/stdin", text_input=xml, check=False)
    assert (defined.returncode, NOT_THERE in defined.stderr) == (1, True), defined.stderr
    for name, how, why in (
        ("relic", ("--live", *_copying(guests["relic"], host_b)), "machine type"),
        ("stored", ("--offline",), NOT_THERE),
        ("sharing", ("--live", *_copying(guests["sharing"], host_b)), "ivshmem"),
        ("snapped", ("--offline",), "cannot migrate domain with 1 snapshots"),
        ("settled", ("--live",), "Migration without shared storage is unsafe"),
    ):
        done = migrate(host_a, host_b, name, *how)
        assert done[0] == 1, (name, done)
        assert why in done[1], (name, done)
    # A shared folder libvirt would move, to whatever lies there under its name: the plan does not.
    # An offline migration takes the definition, and leaves the saved guest behind.
    assert migrate(host_a, host_b, "asleep", "--offline")[0] == 0
    assert "asleep" not in host_b.virsh("list", "--all", "--with-managed-save", "--name")
    assert "asleep" in host_a.virsh("list", "--all", "--with-managed-save", "--name")
    host_b.virsh("undefine", "asleep")
    assert migrate(host_a, host_b, "spare", "--offline")[0] == 0
    host_b.virsh("undefine", "spare")


def _copying(guest: Guest, to: Host) -> tuple[str, ...]:
    Guest(to, guest.options).make_disk()
    return "--unsafe", "--copy-storage-inc", "--migrate-disks", "vda"


def migrate(host: Host, to: Host, name: str, *how: str) -> tuple[int, str]:
    to.run("mkdir", "-p", "/var/lib/libvirt/images")
    done = host.run(
        "virsh",
        "migrate",
        *how,
        "--persistent",
        name,
        to.tcp_uri,
        f"tcp://{to.name}",
        check=False,
        timeout=180,
    )
    return done.returncode, done.stderr


ROM = "/usr/share/qemu/efi-e1000.rom"
_NIC = "<interface type='user'><model type='e1000'/></interface>"


@pytest.fixture
def larger_rom(host_b: Host) -> Iterator[None]:
    """Another build of the card's ROM on host B, as another distribution may have it."""
    host_b.run("cp", "--archive", ROM, f"{ROM}.own")
    host_b.run("truncate", "--size", "400K", ROM)
    yield
    host_b.run("mv", f"{ROM}.own", ROM)


def test_a_rom_of_another_size(host_a: Host, host_b: Host, larger_rom: None) -> None:
    guest = host_a.guest(GuestOptions(name="carded", edit=with_device(_NIC)))
    try:
        guest.start()
        host_b.samemachine("probe", KEPT, "--output", "/root/rom.json")
        (host_a.root / "root/rom.json").write_bytes((host_b.root / "root/rom.json").read_bytes())
        arguments = "carded", "--to", host_b.tcp_uri, *COPIED
        # From here host B's QEMU can't be asked, and the plan says so.
        code, document = plan(host_a, *arguments)
        assert (code, answers_of(document, "carded")) == (0, "live")
        assert any(
            "option ROMs and firmware of hostb" in one for one in document["hops"][0]["not_checked"]
        )
        code, document = plan(host_a, *arguments, "--atlas", "/root/rom.json")
        assert (code, answers_of(document, "carded")) == (1, "restart")
        told = sentences(domains(document)["carded"], "move-blocks")
        assert "e1000.rom 256 KiB here, 512 KiB there" in told
        # libvirt begins it, and QEMU itself refuses.
        done = migrate(host_a, host_b, "carded", "--live", *_copying(guest, host_b))
        assert done[0] == 1, done
        log = host_b.run("cat", "/var/log/libvirt/qemu/carded.log").stdout
        assert "e1000.rom" in done[1] + log
        assert "mismatch" in (done[1] + log).lower()
        assert host_a.virsh("domstate", "carded") == "running"
    finally:
        guest.remove()
        host_b.run("virsh", "undefine", "carded", check=False)


def answers_of(document: dict[str, Any], name: str) -> str:
    answer: str = domains(document)[name]["answer"]
    return answer


def test_a_type_raised_as_the_plan_says_moves_live(
    host_a: Host, host_b: Host, guests: dict[str, Guest]
) -> None:
    relic = guests["relic"]
    raised = domains(plan(host_a, "relic", "--to", host_b.tcp_uri, *COPIED)[1])["relic"]["raise_to"]
    xml = host_a.virsh("dumpxml", "--inactive", "relic").replace(GONE, raised)
    host_a.run("virsh", "define", "/dev/stdin", text_input=xml)
    # Raised and not restarted yet: the guest runs on as what it was.
    told = domains(plan(host_a, "relic", "--to", host_b.tcp_uri, *COPIED)[1])["relic"]
    assert (told["answer"], told["machine"]) == ("restart", GONE)
    relic.destroy()
    relic.start()
    code, document = plan(host_a, "relic", "--to", host_b.tcp_uri, *COPIED)
    assert (code, answers(document)) == (0, {"relic": "live"})
    relic.migrate(host_b)
    assert host_b.virsh("domstate", "relic") == "running"
    # Where it is now, it stays.
    done = host_b.samemachine("plan", "relic", "--to", host_b.uri)
    assert done.returncode == 2
    assert "both source and target" in done.stderr


def test_a_chain(host_a: Host, guests: dict[str, Guest]) -> None:
    code, document = plan(host_a, "spare", "stored", "settled", "--to", "trixie,forky", *COPIED)
    assert code == 1
    first, second = domains(document), domains(document, 1)
    assert [first[name]["raise_to"] for name in ("settled", "spare", "stored")] == [
        None,
        None,
        KEPT,
    ]
    # Gone in QEMU 11; the one that was raised on the way there is not. QEMU 11.1 refuses guests
    # with virtio devices that trixie's 10.0.13 booted: one that comes live need only not be reset.
    assert [second[name]["answer"] for name in ("settled", "spare", "stored")] == [
        "live",
        "raise",
        "start",
    ]
    assert "if it was reset there" in sentences(second["settled"], "move-refusal")
    assert second["stored"]["machine"] == KEPT


def test_each_way_is_rehearsed(host_a: Host, new_guest: Callable[[GuestOptions], Guest]) -> None:
    new_guest(GuestOptions(name="early", machine=GONE))
    new_guest(GuestOptions(name="later", machine="pc-q35-7.2"))
    roots = [word for image in (TRIXIE, FORKY) for word in ("--root", root_on_hosts(image))]
    hour = str(min(3600, round(pace.stretched(120))))
    _, found = plan(
        host_a,
        "early",
        "later",
        "--to",
        "debian:trixie,debian:forky",
        "--rehearse",
        *roots,
        "--rehearsal-timeout",
        hour,
    )
    hops = [{one["name"]: one for one in hop["domains"]} for hop in found["hops"]]
    for hop, version in zip(hops, ("10.0.", "11.1."), strict=True):
        for one in hop.values():
            assert one["not_rehearsed"] is None, one
            assert one["rehearsed"].startswith(version)
            assert one["next_boot"]
    first, second = hops
    assert first["early"]["answer"] == "raise"
    assert first["early"]["rehearsed_as"] == first["early"]["raise_to"]
    assert second["early"]["machine"] == first["early"]["raise_to"]
    assert {second["early"]["rehearsed_as"], *(hop["later"]["rehearsed_as"] for hop in hops)} == {
        None
    }


def test_people_read_it(host_a: Host, host_b: Host, guests: dict[str, Guest]) -> None:
    done = host_a.samemachine("plan", "--to", host_b.tcp_uri, *COPIED)
    assert done.stdout.startswith("hosta debian:bookworm 7.2.22 -> hostb 10.0.")
    assert "live path: not known" in done.stdout.splitlines()[0]
    assert "RAISE" in done.stdout
    assert "NOT CHECKED" in done.stdout
    page = host_a.samemachine("plan", "--to", "trixie", "--format", "html")
    assert page.stdout.startswith("<!DOCTYPE html>")
