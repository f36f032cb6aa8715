"""What a rehearsal forecast is what came: moved live, then rebooted, then restarted; plugged in.

Of a guest with network cards on the root bus and behind a bridge, by its own kernel: each ACPI
table's digest, each PCI function, and what udev calls the cards.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import json_output, shown
from tests.lab import images, pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_rehearsal import rehearsed

_TYPES = "pc-i440fx-7.2", "pc-q35-7.2"
_BRIDGE = {
    "i440fx": "<controller type='pci' index='1' model='pci-bridge'/>",
    "q35": """<controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-to-pci-bridge'/>
    <controller type='pci' index='3' model='pcie-root-port'/>
    <controller type='pci' index='4' model='pcie-root-port'/>"""
    + "".join(
        f"<controller type='pci' index='{index}' model='pcie-root-port'/>" for index in range(5, 10)
    ),
}
_BEHIND = {"i440fx": 1, "q35": 2}
_CARD = """<interface type='user'><mac address='52:54:00:18:01:{number:02x}'/>
  <model type='{model}'/>{place}</interface>"""


def _kind(xml: str) -> str:
    return "q35" if "q35" in xml else "i440fx"


def _with_cards(xml: str) -> str:
    kind = _kind(xml)
    behind = f"<address type='pci' bus='{_BEHIND[kind]:#x}' slot='0x05'/>"
    cards = _CARD.format(number=1, model="virtio", place="") + _CARD.format(
        number=2, model="e1000", place=behind
    )
    return xml.replace("</devices>", f"{_BRIDGE[kind]}{cards}</devices>")


def tables(guest: Guest) -> dict[str, str]:
    """The digest of each ACPI table, as the guest's kernel has it."""
    told = guest.run("sh", "-c", "cd /sys/firmware/acpi/tables && sha256sum [A-Z]*")
    return {name: digest for digest, name in (line.split() for line in told.splitlines())}


def functions(guest: Guest) -> set[str]:
    return set(guest.run("ls", "/sys/bus/pci/devices").split())


def cards(guest: Guest) -> set[str]:
    return set(guest.run("ls", "/sys/class/net").split()) - {"lo"}


def made(machine: dict[str, Any]) -> tuple[dict[str, str], set[str]]:
    """The same of a rehearsal."""
    roots = {"RSDT", "XSDT"}
    named = {one["signature"]: one["sha256"] for one in machine["acpi"]}
    return (
        {name: digest for name, digest in named.items() if name not in roots},
        {one["address"] for one in machine["pci"]},
    )


def as_it_is(guest: Guest) -> tuple[dict[str, str], set[str]]:
    return tables(guest), functions(guest)


def seen(host: Host, name: str, check: str) -> tuple[str, str]:
    """Outcome and sentence of one check of an audit that rehearses."""
    waits = ("--timeout", pace.words(30))
    found = audit(host, name, "--rehearse", *waits).finding(name, check)
    return found["outcome"], found["sentence"]


def rebooted(guest: Guest) -> None:
    boot = guest.run("cat", "/proc/sys/kernel/random/boot_id").strip()
    guest.reboot()
    guest.wait_rebooted(boot)


@pytest.fixture(scope="module")
def releases(lab: Lab) -> tuple[Host, Host, Host]:
    bookworm, trixie, forky = map(lab.host, ("hosta", "hostb", "hoste"))
    return bookworm, trixie, forky


@pytest.fixture
def traveller(releases: tuple[Host, Host, Host], request: pytest.FixtureRequest) -> Iterator[Guest]:
    options = GuestOptions(name="horizon", machine=request.param, system=True, edit=_with_cards)
    guest = releases[0].guest(options).start().wait_ready()
    yield guest
    for host in releases:
        host.run("virsh", "destroy", guest.name, check=False)
        host.run("virsh", "undefine", guest.name, check=False)
    guest.remove()


def planned(host: Host, goal: str, *more: str) -> dict[str, Any]:
    told = host.samemachine("plan", "horizon", "--to", goal, "--unsafe", "--format", "json", *more)
    (domain,) = json_output.read(told.stdout)["hops"][0]["domains"]
    return dict(domain)


@pytest.mark.long("rehearsal")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("traveller", ["pc-q35-7.2"], indirect=True)
def test_from_7_2_to_10_0_to_11_1(releases: tuple[Host, Host, Host], traveller: Guest) -> None:
    guest, (bookworm, trixie, forky) = traveller, releases
    booted = as_it_is(guest)
    # By which QEMU it booted decides whether the last of them takes it.
    assert bookworm.samemachine("baseline", "horizon").returncode == 0
    for here, there, image in (
        (bookworm, trixie, images.TRIXIE),
        (trixie, forky, images.FORKY),
    ):
        # Before: what its next boot there makes, under that QEMU, run from here.
        root = images.root_on_hosts(image)
        forecast = rehearsed(here, "horizon", "--root", root)
        domain = planned(here, there.tcp_uri, "--rehearse", "--root", root)
        assert (domain["answer"], domain["not_rehearsed"]) == ("live", None)
        blind = planned(here, there.tcp_uri, "--rehearse")
        assert "can't be run from here" in blind["not_rehearsed"]
        told = [one for one in domain["next_boot"] if one.startswith("ACPI ")]

        guest.make_room(there)
        guest.migrate(there)
        # Nothing of it comes with the move: of ACPI the guest has what it booted with.
        assert as_it_is(guest) == booted
        outcome, sentence = seen(there, "horizon", "next-boot")
        assert outcome == "warn"
        assert "ACPI" in sentence
        assert told
        after = made(forecast["next_start"])
        now = rehearsed(there, "horizon")
        assert made(now["now"]) == after

    # A reboot, under the last of the three, and then a start anew.
    names = {name for one in now["nics"] for name in one["start"]}
    for again in (rebooted, restarted):
        again(guest)
        assert as_it_is(guest) == after
        assert cards(guest) <= names
        outcome, sentence = seen(forky, "horizon", "whole-machine")
        assert outcome == "pass", sentence
        assert "rehearsed, the same" in seen(forky, "horizon", "next-boot")[1]
        # The firmware came with the guest, and a reboot runs it again: a start takes another one.
        outcome, sentence = seen(forky, "horizon", "next-start")
        if again is rebooted:
            assert outcome == "warn"
            assert sentence.startswith("the guest will see SMBIOS type 0 BIOS: Version")
            assert sentence.count(" -> ") == 1
        else:
            assert "rehearsed, the same" in sentence


def restarted(guest: Guest) -> None:
    guest.destroy()
    guest.start().wait_ready()


@pytest.mark.parametrize("traveller", shown.rows(_TYPES, (), "rehearsal"), indirect=True)
def test_a_card_that_is_plugged_in(releases: tuple[Host, Host, Host], traveller: Guest) -> None:
    guest, host = traveller, releases[0]
    booted = tables(guest)
    card = _CARD.format(number=3, model="virtio", place="")
    host.run("virsh", "attach-device", "horizon", "/dev/stdin", "--live", text_input=card)
    assert tables(guest) == booted
    before = audit(host, "horizon", "--rehearse").finding("horizon", "next-boot")
    forecast = rehearsed(host, "horizon")
    rebooted(guest)
    assert (tables(guest) == booted) is ("ACPI DSDT" not in before["sentence"]), before
    if "i440fx" in guest.options.machine:
        assert tables(guest) == booted
    assert made(forecast["now"]) == as_it_is(guest)
