"""A PCI function's configuration space → the function as a guest's kernel shows it. Pure."""

from typing import NamedTuple

from host_agent.evidence.hardware import PciFunction

BYTES = 0x100
HEAD = 0x40
"""Bytes of the header; behind it are capabilities, and what a function keeps for its driver."""
_STATUS, _HAS_LIST = 0x06, 0x10
_CAPABILITIES, _SUBSYSTEM_OF_BRIDGE = 0x34, 0x0D
_MOST_CAPABILITIES = 48


class Place(NamedTuple):
    """Where a function is, in the first and only PCI segment of a machine."""

    bus: int
    slot: int
    function: int

    @property
    def address(self) -> str:
        """Return it as the kernel writes it."""
        return f"0000:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


def function(place: Place, bridge: Place | None, space: bytes) -> PciFunction:
    """Return the function (PCI 3.0, 6.1), with the bridge that it is behind."""
    vendor, device = _subsystem(space)
    return PciFunction(
        address=place.address,
        bridge=None if bridge is None else bridge.address,
        vendor=_word(space, 0x00),
        device=_word(space, 0x02),
        subsystem_vendor=vendor,
        subsystem_device=device,
        revision=space[0x08],
        class_code=int.from_bytes(space[0x09:0x0C], "little"),
    )


def has_capabilities(space: bytes) -> bool:
    """Tell whether a function has a list of them (PCI 3.0, 6.2.3)."""
    return bool(_word(space, _STATUS) & _HAS_LIST)


def is_multifunction(space: bytes) -> bool:
    """Tell whether the header says that the slot has several functions (PCI 3.0, 6.2.1)."""
    return bool(space[0x0E] & 0x80)


def _subsystem(space: bytes) -> tuple[int, int]:
    """Return vendor and device; a bridge tells them in a capability (PCI-to-PCI Bridge 1.2, 3.2.5).

    As Linux reads it: ``drivers/pci/probe.c: pci_setup_device``.
    """
    if space[0x0E] & 0x7F == 0:
        return _word(space, 0x2C), _word(space, 0x2E)
    at = space[_CAPABILITIES] & ~3
    for _ in range(_MOST_CAPABILITIES):
        if at < 0x40 or at + 8 > len(space):
            break
        if space[at] == _SUBSYSTEM_OF_BRIDGE:
            return _word(space, at + 4), _word(space, at + 6)
        at = space[at + 1] & ~3
    return 0, 0


def _word(space: bytes, at: int) -> int:
    return int.from_bytes(space[at : at + 2], "little")
