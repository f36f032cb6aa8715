"""What is a domain's own in QEMU's options, taken out and put back: one probe for all of a shape.

Domains of one shape differ in a UUID, serial numbers, asset tags and OEM strings. QEMU copies each
of them into its SMBIOS tables as it stands (QEMU ``hw/smbios/smbios.c``), and only their lengths
decide anything else: so a stand-in of the same length is probed, and the domain's own is put into
the answer. Where a stand-in isn't found exactly once, nothing is put anywhere. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from uuid import UUID

from host_agent.firmware.acpi import Tables
from host_agent.qemu.command_line import joined, split
from host_agent.qemu.options import ProbeOptions

_OWN = {"1": {"serial"}, "2": {"serial", "asset"}, "3": {"serial", "asset"}, "11": {"value"}}
"""SMBIOS type → the keys of ``-smbios`` whose text a domain has for itself."""
_SHORTEST = 8
"""Bytes of a text for which there is a stand-in; a shorter one is part of the shape."""
_STAND_IN = UUID("e7b19f52-c3a8-4d06-917e-5a64f0b2d83c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Options with stand-ins, and what these stand for."""

    options: ProbeOptions
    texts: tuple[tuple[bytes, bytes], ...] = ()
    """Stand-in, and the domain's own text of the same length."""
    uuid: UUID | None = None
    """The domain's own; None: the options name none, or two."""


def of(options: ProbeOptions) -> Shape:
    """Return what a domain shares with others."""
    uuid = _uuid(options)
    arguments = list(options.arguments)
    texts: list[tuple[bytes, bytes]] = []
    for at, (name, value) in enumerate(pairwise(options.arguments), 1):
        if name == "-uuid" and uuid is not None:
            arguments[at] = str(_STAND_IN)
        elif name == "-smbios":
            arguments[at] = joined(_with_stand_ins(split(value), texts, uuid))
    shared = replace(options, arguments=tuple(arguments))
    return Shape(options=shared, texts=tuple(texts), uuid=uuid)


def _uuid(options: ProbeOptions) -> UUID | None:
    """Return the one UUID that the options name, in libvirt's way of writing it."""
    found = set()
    for name, value in pairwise(options.arguments):
        if name == "-uuid":
            found.add(value)
        elif name == "-smbios":
            found |= {part[5:] for part in split(value) if part.startswith("uuid=")}
    text = found.pop() if len(found) == 1 else ""
    try:
        uuid = UUID(text)
    except ValueError:
        return None
    return uuid if str(uuid) == text else None


def _with_stand_ins(
    parts: list[str], texts: list[tuple[bytes, bytes]], uuid: UUID | None
) -> Iterator[str]:
    kind = next((part[5:] for part in parts if part.startswith("type=")), "")
    for part in parts:
        key, equals, text = part.partition("=")
        raw = text.replace(",,", ",").encode("utf-8", "surrogateescape")
        if key == "uuid" and uuid is not None:
            yield f"uuid={_STAND_IN}"
        elif key in _OWN.get(kind, ()) and len(raw) >= _SHORTEST:
            stand_in = f"own-{len(texts):02d}-".ljust(len(raw), "x")
            if len(stand_in) != len(raw):
                yield part
                continue
            texts.append((stand_in.encode(), raw))
            yield f"{key}{equals}{stand_in}"
        else:
            yield part


def filled(
    files: Mapping[str, bytes], tables: Tables | None, shape: Shape
) -> dict[str, bytes] | None:
    """Return a probe's files with the domain's own; None: a stand-in is not where it should be."""
    found = dict(files)
    wanted = [(one + b"\0", own + b"\0") for one, own in shape.texts]
    if shape.uuid is not None:
        # The first three fields are little-endian from SMBIOS 2.6 on (DSP0134 7.2.1); which form it
        # is decides the machine type.
        ways = [(_STAND_IN.bytes, shape.uuid.bytes), (_STAND_IN.bytes_le, shape.uuid.bytes_le)]
        there = [way for way in ways if any(way[0] in raw for raw in found.values())]
        if len(there) > 1:
            return None
        # A machine type whose firmware makes the tables is told the UUID elsewhere.
        wanted += there
    for stand_in, own in wanted:
        holders = [name for name, raw in found.items() if stand_in in raw]
        if len(holders) != 1 or found[holders[0]].count(stand_in) != 1:
            return None
        if tables is not None and any(stand_in in one.raw for one in tables.tables):
            return None
        found[holders[0]] = found[holders[0]].replace(stand_in, own)
    return found
