"""The disks that a QEMU command line names, and copies of them in a rehearsal. Pure.

libvirt ``src/qemu/qemu_block.c``: a disk is a node in its format over one of its storage, or that
alone where it is raw; throttling and copying lie between as nodes of their own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from host_agent.domain.disk_layers import RAW, Layer
from host_agent.qemu.command_line import options_in, properties_of
from host_agent.qemu.rehearsal_options import RehearsalOptions

Node = Mapping[str, Any]
"""A node of QEMU's block layer, by its properties."""
_STORAGE = {"file", "host_device"}
_THROUGH = {"throttle", "copy-on-read"}
# Of a node that shows a part only, or what is encrypted.
_OTHERWISE = {"offset", "size", "encrypt"}
_MOST = 64
_SET = 930
"""The number of the first descriptor set that holds a disk's copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk that a device has."""

    drive: str
    """The node that the device names."""
    device: str
    """The device's id, which is the same in each of a domain's command lines."""
    layers: tuple[Layer, ...]
    """The topmost first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """What stands in a disk's place: descriptors of one file."""

    writable: int
    readable: int

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both."""
        return self.writable, self.readable


def disks(arguments: Sequence[str]) -> tuple[Disk, ...]:
    """Return the disks whose files and formats a command line names; raises ``OptionsError``."""
    given = list(options_in(arguments))
    nodes: dict[str, Node] = {}
    for option, value in given:
        # As libvirt writes it.
        if option == "blockdev" and value.startswith("{"):
            properties_of(value, "driver")
            node = json.loads(value)
            nodes[str(node.get("node-name", ""))] = node
    found = []
    for option, value in given:
        if option == "device":
            device = properties_of(value, "driver")
            drive = device.get("drive", "")
            layers = _layers(drive, nodes) if drive else None
            if layers:
                found.append(Disk(drive=drive, device=device.get("id", ""), layers=layers))
    return tuple(found)


def with_copies(options: RehearsalOptions, copies: Mapping[str, Copy]) -> RehearsalOptions:
    """Return options whose drives of these names are copies."""
    words = iter(options.devices)
    found: list[str] = []
    for option, value in zip(words, words, strict=True):
        node = json.loads(value) if option == "-blockdev" else {}
        copy = copies.get(node.get("node-name", ""))
        found += [option, value] if copy is None else _of_copy(node, copy, len(found))
    return replace(options, devices=tuple(found))


def _of_copy(node: Node, copy: Copy, at: int) -> Iterator[str]:
    number = _SET + at
    # QEMU takes from a set what is open as it wants it.
    for descriptor in copy.descriptors:
        yield from ("-add-fd", f"fd={descriptor},set={number}")
    only = bool(node["read-only"])
    file = {
        "driver": "file",
        "filename": f"/dev/fdset/{number}",
        "locking": "off",
        "read-only": only,
    }
    made = {"driver": RAW, "node-name": node["node-name"], "read-only": only, "file": file}
    yield from ("-blockdev", json.dumps(made, separators=(",", ":")))


def _layers(name: str, nodes: Mapping[str, Node]) -> tuple[Layer, ...] | None:
    """Return what a node leads to; None: that is not told, or is no file."""
    found: list[Layer] = []
    below: object = name
    while below is not None and len(found) < _MOST:
        node = _past_filters(below, nodes)
        if node.get("driver") in _STORAGE:
            form, storage = RAW, node
        elif _OTHERWISE & node.keys():
            return None
        else:
            form, storage = str(node.get("driver")), _past_filters(node.get("file"), nodes)
        path = str(storage.get("filename", ""))
        if storage.get("driver") not in _STORAGE or not path.startswith("/") or "\0" in path:
            return None
        found.append(Layer(path=path, form=form))
        # Where its end is not told, it is what the image says.
        below = None if form == RAW else node.get("backing", "")
    return tuple(found)


def _past_filters(node: object, nodes: Mapping[str, Node]) -> Node:
    """Return the node that is named, or given in place, below what only lets through."""
    for _ in range(_MOST):
        found = nodes.get(node, {}) if isinstance(node, str) else node
        if not isinstance(found, Mapping) or found.get("driver") not in _THROUGH:
            break
        node = found.get("file")
    return found if isinstance(found, Mapping) else {}
