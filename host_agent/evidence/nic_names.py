"""What systemd will call a guest's network cards, from a rehearsal. Pure.

The name is of the onboard index, else of the slot, else of the path (systemd.net-naming-scheme(7);
``src/udev/udev-builtin-net_id.c``). A guest's own .link files and cloud-init's rules by MAC address
pin names, and those do not move. Where Linux takes a slot's number from: acpiphp, of ACPI nodes
that can be ejected (``drivers/pci/hotplug/acpiphp_glue.c``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from host_agent.difference import Area, Difference
from host_agent.evidence.rehearsed import Rehearsed, RehearsedFunction
from host_agent.firmware import aml_objects
from host_agent.firmware.aml_objects import AmlError, Objects

_NETWORK = 0x02
_ROOT = "_SB"
_FIRST_BUS = "PCI0"


class Scheme(StrEnum):
    """Generations of systemd's rules for the slot."""

    SYSFS = "systemd 252"
    """By /sys/bus/pci/slots, of the first parent too."""
    SUN = "systemd 257"
    """By the function's own ``_SUN``, wherever it lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NicNames:
    """One network card."""

    address: str
    device: str
    """QEMU's id of it."""
    names: Mapping[Scheme, str]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A node of ACPI that stands for a PCI function or a slot."""

    sun: int | None
    ejectable: bool
    has_method: bool
    """Whether it has a ``_DSM``, which tells the index that an operator gave."""


def names(rehearsed: Rehearsed) -> tuple[NicNames, ...]:
    """Return the names of all cards; none where the ACPI code can't be read."""
    try:
        nodes = dict(_nodes(rehearsed))
    except AmlError:
        return ()
    functions = {one.function.address: one for one in rehearsed.pci}
    slots = _sysfs_slots(nodes)
    return tuple(
        NicNames(
            address=address,
            device=one.device,
            names={scheme: _name(one, functions, nodes, slots, scheme) for scheme in Scheme},
        )
        for address, one in functions.items()
        if one.function.class_code >> 16 == _NETWORK
    )


def renamed(before: Rehearsed, after: Rehearsed) -> Iterator[Difference]:
    """Yield the cards that a guest will name otherwise in another machine."""
    later = {one.device or one.address: one for one in names(after)}
    for one in names(before):
        name = one.device or one.address
        other = later.get(name)
        if other is not None and other.names != one.names:
            yield Difference(
                area=Area.PCI,
                subject=name,
                field="Linux's name",
                old=_said(one.names),
                new=_said(other.names),
            )


def _said(names: Mapping[Scheme, str]) -> str:
    return " or ".join(dict.fromkeys(names.values()))


def _name(
    one: RehearsedFunction,
    functions: Mapping[str, RehearsedFunction],
    nodes: Mapping[str, _Slot],
    slots: Mapping[str, int],
    scheme: Scheme,
) -> str:
    address = one.function.address
    node = nodes.get(address)
    if one.index and node is not None and node.has_method:
        return f"eno{one.index}"
    bus, slot, number = _numbers(address)
    tail = f"f{number}" if number or one.multifunction else ""
    wanted = 0
    if scheme is Scheme.SUN:
        wanted = (node.sun if node else 0) or 0
        parent = nodes.get(one.function.bridge or "")
        if not wanted and one.multifunction and parent is not None:
            wanted = parent.sun or 0
    if not wanted:
        wanted = slots.get(_of_slot(address), 0)
    if not wanted and scheme is Scheme.SYSFS and one.multifunction:
        above = functions.get(one.function.bridge or "")
        while above is not None and not wanted:
            wanted = slots.get(_of_slot(above.function.address), 0)
            above = functions.get(above.function.bridge or "")
    return f"ens{wanted}{tail}" if wanted else f"enp{bus}s{slot}{tail}"


def _numbers(address: str) -> tuple[int, int, int]:
    """Return bus, slot and function."""
    _, bus, rest = address.split(":")
    slot, _, function = rest.partition(".")
    return int(bus, 16), int(slot, 16), int(function, 16)


def _of_slot(address: str) -> str:
    return address.partition(".")[0]


def _nodes(rehearsed: Rehearsed) -> Iterator[tuple[str, _Slot]]:
    """Yield address and node of every function and slot that ACPI tells of."""
    objects: dict[str, Mapping[str, bytes]] = {}
    for table in rehearsed.acpi:
        if table.signature in {"DSDT", "SSDT"}:
            for path, held in aml_objects.objects(table.body).items():
                objects[path] = {**objects.get(path, {}), **held}
    # Which bus lies behind a bridge its children tell.
    behind = {
        one.function.bridge: one.function.address.split(":")[1]
        for one in rehearsed.pci
        if one.function.bridge is not None
    }
    for path, held in objects.items():
        scope, _, last = path.rpartition(".")
        if scope == _ROOT and (last == _FIRST_BUS or "_BBN" in held):
            number = aml_objects.integer(held.get("_BBN")) or 0
            yield from _below(objects, path, f"{number:02x}", behind)


def _below(
    objects: Objects, path: str, bus: str, behind: Mapping[str, str]
) -> Iterator[tuple[str, _Slot]]:
    for child, held in objects.items():
        place = aml_objects.integer(held.get("_ADR"))
        if child.rpartition(".")[0] != path or place is None:
            continue
        address = f"0000:{bus}:{place >> 16:02x}.{place & 0xFFFF:x}"
        yield (
            address,
            _Slot(
                sun=aml_objects.integer(held.get("_SUN")),
                ejectable="_EJ0" in held,
                has_method="_DSM" in held,
            ),
        )
        if address in behind:
            yield from _below(objects, child, behind[address], behind)


def _sysfs_slots(nodes: Mapping[str, _Slot]) -> dict[str, int]:
    """Return slot → its number in /sys/bus/pci/slots, where that is a plain one above 0.

    The second of one number has a suffix there, and so no number (``drivers/pci/slot.c:
    make_slot_name``).
    """
    found: dict[str, int] = {}
    for address, node in sorted(nodes.items()):
        slot = _of_slot(address)
        if node.ejectable and node.sun and node.sun not in found.values() and slot not in found:
            found[slot] = node.sun
    return found
