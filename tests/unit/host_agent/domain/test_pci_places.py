"""Ways to PCI devices, as libvirt's addresses lead there."""

import pytest
from lxml import etree

from host_agent.domain import pci_places

PORT = (
    "<controller type='pci' index='1' model='pcie-root-port'>"
    "<address type='pci' bus='0x00' slot='0x02' function='0x0'/></controller>"
)
DEEP = (
    "<controller type='pci' index='{}' model='pcie-switch-upstream-port'>"
    "<address type='pci' bus='0x{:02x}' slot='0x00' function='0x0'/></controller>"
)
NIC = "<interface><address type='pci' bus='{}' slot='0x00' function='0x0'/></interface>"


@pytest.mark.parametrize(
    ("devices", "ways"),
    [
        ("", set()),
        ("<controller type='pci' index='0' model='pcie-root'/>", set()),
        (PORT, {((2, 0),)}),
        (PORT + NIC.format("0x01"), {((2, 0),), ((2, 0), (0, 0))}),
        (PORT + DEEP.format(2, 1) + NIC.format(2),
         {((2, 0),), ((2, 0), (0, 0)), ((2, 0), (0, 0), (0, 0))}),
        # An expander's bus is a root of its own.
        ("<controller type='pci' index='1' model='pcie-expander-bus'>"
         "<address type='pci' bus='0' slot='0x05' function='0x0'/></controller>" + NIC.format(1),
         {((5, 0),), ((0, 0),)}),
        # The address of a device of the host's is below <source>.
        ("<hostdev><source><address type='pci' bus='0x41' slot='0' function='0'/></source>"
         "<address type='pci' bus='0x00' slot='0x07' function='0x1'/></hostdev>", {((7, 1),)}),
        ("<disk><address type='drive' bus='0' unit='1'/></disk>", set()),
        ("<disk><address type='pci' bus='x' slot='0x01'/></disk>", set()),
    ],
)  # fmt: skip
def test_ways(devices: str, ways: set[pci_places.Way]) -> None:
    root = etree.fromstring(f"<domain><devices>{devices}</devices></domain>")
    assert pci_places.of(root) == ways


def test_a_circle_leads_nowhere() -> None:
    root = etree.fromstring(
        f"<domain><devices>{DEEP.format(1, 2)}{DEEP.format(2, 1)}{NIC.format(1)}</devices></domain>"
    )
    assert pci_places.of(root) == set()
