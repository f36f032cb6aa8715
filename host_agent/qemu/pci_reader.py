"""The PCI functions of a machine that was started, with their configuration as it is now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import pci_header
from host_agent.qemu.pci_config import Config
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


def read(session: QemuSession, config: Config) -> tuple[Space, ...]:
    """Return every function, in the order of addresses; raises ``EvidenceError``."""
    try:
        found = sorted(_listed(session.qmp("query-pci"), None, 0))
    except (*NO_QMP, RecursionError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's list of PCI functions can't be read") from error
    if len(found) > _MAX_FUNCTIONS:
        raise EvidenceError(Reason.FAILED, f"QEMU lists {len(found)} PCI functions")
    headers = _headers(session, config, [place for place, _, _ in found])
    return tuple(
        Space(place=place, bridge=bridge, device=device, space=space)
        for (place, bridge, device), space in zip(found, headers, strict=True)
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


def _headers(session: QemuSession, config: Config, places: Sequence[Place]) -> list[bytes]:
    """Return each function's configuration; zeros are behind a header without capabilities."""
    heads = _read(session, config, [(place, range(0, pci_header.HEAD, 4)) for place in places])
    listing = [at for at, head in enumerate(heads) if pci_header.has_capabilities(head)]
    rest = range(pci_header.HEAD, pci_header.BYTES, 4)
    read = _read(session, config, [(places[at], rest) for at in listing])
    rests = dict(zip(listing, read, strict=True))
    return [
        head + rests.get(at, bytes(pci_header.BYTES - pci_header.HEAD))
        for at, head in enumerate(heads)
    ]


def _read(
    session: QemuSession, config: Config, wanted: Sequence[tuple[Place, range]]
) -> list[bytes]:
    """Read double words of many functions, all at once."""
    commands = [config.access(place, at, 4) for place, offsets in wanted for at in offsets]
    answers = session.qtest([line for one in commands for line in one])
    # The last of each is the one that reads.
    each = len(commands[0]) if commands else 1
    try:
        words = [int(one, 16).to_bytes(4, "little") for one in answers[each - 1 :: each]]
    except (ValueError, OverflowError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no number") from error
    left = iter(words)
    return [b"".join(islice(left, len(offsets))) for _, offsets in wanted]
