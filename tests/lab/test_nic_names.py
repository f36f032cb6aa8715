"""What systemd calls a guest's network cards, foretold and come true: real guests with their udev.

A card on the root bus, one behind a bridge, on QEMU's two chipsets, over the raises of a machine
type at which ACPI changed (the root bridge's _UID in 5.2, ACPI's own hot-plug on q35 in 6.1).
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests import shown
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.test_rehearsal import rehearsed

_BRIDGES = {
    "i440fx": """<controller type='pci' index='0' model='pci-root'/>
    <controller type='pci' index='1' model='pci-bridge'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x10' function='0x0'/></controller>""",
    "q35": """<controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-to-pci-bridge'/>
    <controller type='pci' index='3' model='pcie-root-port'/>""",
}
# Bus and slot of each card: on the root bus, behind a bridge, behind a root port.
_CARDS = {"i440fx": ((0, 0x0A), (1, 4)), "q35": ((0, 0x0A), (2, 4), (3, 0))}
_RAISES = (
    ("pc-i440fx-5.1", "pc-i440fx-5.2"),
    ("pc-q35-6.0", "pc-q35-6.1"),
    ("pc-i440fx-6.0", "pc-i440fx-6.1"),
    ("pc-q35-5.1", "pc-q35-5.2"),
)


def _options(machine: str, moved: int = 0) -> GuestOptions:
    kind = "q35" if "q35" in machine else "i440fx"

    def edit(xml: str) -> str:
        cards = "".join(
            f"<interface type='user'><mac address='52:54:00:18:02:{number:02x}'/>"
            f"<model type='virtio'/><address type='pci' domain='0x0000' bus='{bus:#04x}' "
            # A root port has one slot; a card behind it stays where it is.
            f"slot='{slot + (moved if slot else 0):#04x}' function='0x0'/></interface>"
            for number, (bus, slot) in enumerate(_CARDS[kind])
        )
        return xml.replace("</devices>", f"{_BRIDGES[kind]}{cards}</devices>")

    return GuestOptions(name=f"nics-{kind}", machine=machine, system=True, edit=edit)


def _called(form: Mapping[str, Any]) -> dict[str, str]:
    """Return card → the name that the guest has for it."""
    return {one["device"]: one["called"] for one in form["nics"]}


def _foretold(form: Mapping[str, Any]) -> dict[str, str]:
    """Return card → the one name that the next start will give it."""
    assert all(len(one["start"]) == 1 for one in form["nics"]), form["nics"]
    return {one["device"]: one["start"][0] for one in form["nics"]}


@pytest.mark.parametrize("raised", shown.rows(_RAISES, (), "rehearsal"), ids=" ".join)
def test_the_names_of_cards_come_true(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest], raised: tuple[str, str]
) -> None:
    old, new = raised
    guest = new_guest(_options(old)).start().wait_ready(120)
    forecast = rehearsed(host_a, guest.name, "--machine", new)
    cards = _CARDS["q35" if "q35" in old else "i440fx"]
    assert len(forecast["nics"]) == len(cards)
    # Each name is by systemd's rules, as they are foretold of the machine that runs.
    assert [one["pinned"] for one in forecast["nics"]] == [False] * len(cards), forecast["nics"]

    guest.destroy()
    host_a.run("virsh", "define", "/dev/stdin", text_input=_options(new).xml())
    guest.start().wait_ready(120)
    after = rehearsed(host_a, guest.name)
    assert _called(after) == _foretold(forecast)
    assert not any(one["changes"] for one in after["nics"])

    # A slot that is another one by the definition, which does not run yet.
    host_a.run("virsh", "define", "/dev/stdin", text_input=_options(new, moved=1).xml())
    moving = rehearsed(host_a, guest.name)
    assert any(one["changes"] for one in moving["nics"])
    (windows,) = (one for one in moving["notices"] if "Windows" in one["question"])
    assert windows["answer"] == "yes"
    guest.destroy()
    guest.start().wait_ready(120)
    moved = rehearsed(host_a, guest.name)
    assert _called(moved) == _foretold(moving) != _called(after)
