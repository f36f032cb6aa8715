"""A guest's life over four releases of Debian: bullseye, bookworm, trixie, forky.

QEMU 5.2, 7.2, 10.0 and 11.1, with the libvirt of each. It moves live where a plan says that it can,
its machine type is raised where a plan says so, and it is verified at each hop. Versions of forky
change until it is released, and with them what its QEMU takes.
"""

import json
from typing import Any

import pytest

from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab

NAME = "elder"
BORN_AS = "pc-i440fx-4.2"
"""Two years older than bullseye's own newest, and gone in forky."""


@pytest.fixture(scope="module")
def releases(lab: Lab) -> tuple[Host, Host, Host, Host]:
    bullseye, bookworm, trixie, forky = map(lab.host, ("hostd", "hosta", "hostb", "hoste"))
    return bullseye, bookworm, trixie, forky


@pytest.mark.timeout(300)
def test_from_bullseye_to_forky(releases: tuple[Host, Host, Host, Host]) -> None:
    bullseye, bookworm, trixie, forky = releases
    guest = bullseye.guest(GuestOptions(name=NAME, machine=BORN_AS)).start().wait_ready()
    try:
        # Debian 11's Python is too old for the host side: it is looked at from the next host.
        told = bookworm.samemachine("baseline", NAME, "-c", bullseye.tcp_uri)
        assert told.returncode == 0, told.stdout + told.stderr
        assert planned(bookworm, bookworm.uri, "-c", bullseye.tcp_uri)[0] == "live"
        guest.migrate(bookworm)
        assert verified(bookworm) == ("arrival", BORN_AS)

        assert planned(bookworm, trixie.tcp_uri)[0] == "live"
        guest.migrate(trixie)
        assert verified(trixie) == ("arrival", BORN_AS)

        answer, target = planned(trixie, forky.tcp_uri)
        assert (answer, target) == ("raise", raised(trixie))
        refused(guest, forky, "does not support machine type")
        done = trixie.samemachine(
            "upgrade", NAME, "-c", trixie.uri, "-c", forky.tcp_uri, "--yes", timeout=200
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert BORN_AS not in guest.xml()

        onward(guest, forky)
        assert verified(forky)[1] == target
    finally:
        for host in releases:
            host.run("virsh", "destroy", NAME, check=False)
            host.run("virsh", "undefine", NAME, check=False)


def planned(host: Host, goal: str, *more: str) -> tuple[str, str | None]:
    """What a plan says of the guest: the answer, and to which type it must be raised."""
    told = host.samemachine("plan", NAME, "--to", goal, *more, "--unsafe", "--format", "json")
    document = json.loads(told.stdout)
    (domain,) = document["hops"][0]["domains"]
    return domain["answer"], domain["raise_to"]


def raised(host: Host) -> str:
    """The newest type of the guest's family that a host has, as its QEMU lists it."""
    listed = host.run("qemu-system-x86_64", "-machine", "help").stdout.splitlines()
    found = [line.split()[0] for line in listed if line.startswith("pc-i440fx-")]
    return max(found, key=lambda name: [int(part) for part in name[10:].split(".")])


def verified(host: Host) -> tuple[str, str]:
    """The occasion and the machine type of a verification that went well."""
    done = host.samemachine(
        "verify", NAME, "--wait", pace.words(120), "--format", "json", timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    document: Any = json.loads(done.stdout)
    (domain,) = document["domains"]
    assert (domain["verdict"], domain["depth"]) == ("verified", "guest")
    return domain["occasion"], domain["evidence"]["declared"]["active_machine"]


def onward(guest: Guest, forky: Host) -> None:
    """Go to the last host as the plan says, which is proved right where it says no."""
    answer, _ = planned(guest.host, forky.tcp_uri)
    if answer == "live":
        guest.migrate(forky)
        return
    assert answer == "restart"
    refused(guest, forky, "Failed to load element of type virtio")
    guest.destroy()
    guest.carry(forky)
    guest.start().wait_ready()


def refused(guest: Guest, to: Host, why: str) -> None:
    """A live move there fails, and the guest runs on where it is."""
    with pytest.raises(RuntimeError) as error:
        guest.migrate(to)
    # libvirt hears of it from both ends, and tells of the one that it heard first: the source knows
    # no more than that its sibling failed.
    log = to.run("cat", f"/var/log/libvirt/qemu/{NAME}.log", check=False).stdout
    assert why in f"{error.value}\n{log}"
    assert guest.host.virsh("domstate", NAME) == "running"
