"""Domain XML → where its PCI devices are, bus by bus from the root on. Pure.

libvirt docs/pci-addresses.rst: an address has a controller's index as its bus; the firmware's bus
numbers are others, but the way of slots and functions through the controllers is the same.
"""

from lxml import etree

Way = tuple[tuple[int, int], ...]
"""Slot and function on each bus, from the root bus on: as a UEFI device path has them."""

_MOST_BUSES = 32
_ROOTS = frozenset({"pci-root", "pcie-root", "pci-expander-bus", "pcie-expander-bus"})
"""Controllers from which a device path begins."""


def of(root: etree._Element) -> frozenset[Way]:
    """Return the ways to all devices of a ``<domain>`` that have a PCI address."""
    controllers: dict[int, tuple[int, int, int] | None] = {}
    for controller in root.iterfind("devices/controller[@type='pci']"):
        index = _number(controller.get("index"))
        if index is not None:
            own = None if controller.get("model") in _ROOTS else _address(controller)
            controllers[index] = own
    found = set()
    for device in root.iterfind("devices/*"):
        address = _address(device)
        way = None if address is None else _way(address, controllers)
        if way is not None:
            found.add(way)
    return frozenset(found)


def _way(
    address: tuple[int, int, int], controllers: dict[int, tuple[int, int, int] | None]
) -> Way | None:
    way: list[tuple[int, int]] = []
    at: tuple[int, int, int] | None = address
    while at is not None and len(way) < _MOST_BUSES:
        bus, slot, function = at
        way.append((slot, function))
        at = controllers.get(bus)
    return tuple(reversed(way)) if at is None else None


def _address(device: etree._Element) -> tuple[int, int, int] | None:
    """Return bus, slot and function; None: it has no PCI address."""
    address = device.find("address")
    if address is None or address.get("type") != "pci":
        return None
    numbers = [_number(address.get(name, "0")) for name in ("bus", "slot", "function")]
    bus, slot, function = numbers
    if bus is None or slot is None or function is None:
        return None
    return bus, slot, function


def _number(text: str | None) -> int | None:
    try:
        return int(text or "", 0)
    except ValueError:
        return None
