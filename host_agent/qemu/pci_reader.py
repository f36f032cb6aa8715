"""The PCI functions of a machine that was started, with their configuration as it is now."""

from collections.abc import Iterator
from dataclasses import dataclass

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import pci_header
from host_agent.qemu.pci_header import Place
from host_agent.qemu.session import NO_QMP, QemuSession

_MAX_FUNCTIONS = 4096
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A PCI function, with its configuration as the firmware left it."""

    place: Place
    bridge: Place | None
    device: str
    space: bytes


def read(session: QemuSession) -> tuple[Space, ...]:
    """Return every function, in the order of addresses; raises ``EvidenceError``."""
    try:
        found = sorted(_listed(session.qmp("query-pci"), None, 0))
    except (*NO_QMP, RecursionError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's list of PCI functions can't be read") from error
    if len(found) > _MAX_FUNCTIONS:
        raise EvidenceError(Reason.FAILED, f"QEMU lists {len(found)} PCI functions")
    return tuple(
        Space(place=place, bridge=bridge, device=device, space=_header(session, place))
        for place, bridge, device in found
    )


def _listed(
    buses: object, bridge: Place | None, depth: int
) -> Iterator[tuple[Place, Place | None, str]]:
    """Yield where each function is, the bridge it is behind, and its id (QMP ``PciInfo``)."""
    if not isinstance(buses, list) or depth > _MAX_DEPTH:
        raise TypeError
    for bus in buses:
        for device in bus["devices"]:
            place = Place(*(int(device[key]) for key in ("bus", "slot", "function")))
            if not (0 <= place.bus < 256 and 0 <= place.slot < 32 and 0 <= place.function < 8):
                raise ValueError
            yield place, bridge, str(device["qdev_id"])
            behind = device.get("pci_bridge", {}).get("devices")
            if behind:
                yield from _listed([{"devices": behind}], place, depth + 1)


def _header(session: QemuSession, place: Place) -> bytes:
    """Read a function's configuration by mechanism 1 (PCI 3.0, 3.2.2.3.2)."""
    base = 0x80000000 | place.bus << 16 | place.slot << 11 | place.function << 8
    commands = [
        line
        for at in range(0, pci_header.BYTES, 4)
        for line in (f"outl 0xcf8 0x{base | at:x}", "inl 0xcfc")
    ]
    answers = session.qtest(commands)[1::2]
    try:
        return b"".join(int(answer, 16).to_bytes(4, "little") for answer in answers)
    except (ValueError, OverflowError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no number") from error
