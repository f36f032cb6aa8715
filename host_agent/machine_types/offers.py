"""The host's capabilities XML → its UUID and machine types (libvirt docs/formatcaps.rst). Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from lxml import etree

from host_agent import untrusted_xml
from host_agent.domain import architectures
from host_agent.untrusted_xml import XmlError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A machine type as a host offers it."""

    canonical: str
    """Its own name."""
    deprecated: bool
    most_vcpus: int | None = None
    """How many vCPUs it may have; None: not known."""
    twins: tuple[str, ...] = ()
    """Of an alias: the other types that carry it too, so that which one it means is chance."""


__all__ = [
    "Aliases", "Lists", "Offer", "Twins", "aliases", "architecture", "emulators", "host_uuid",
    "lists", "offers", "twins",
]  # fmt: skip

Aliases = Mapping[tuple[str, str], Mapping[str, str]]
"""(architecture, emulator) → alias → the machine type's own name."""


def aliases(xml: str) -> Aliases:
    """Return the aliases of each emulator; none where the XML can't be parsed.

    A ``<machine canonical='pc-i440fx-7.2'>pc</machine>`` is an alias on this host today.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for key, machine in _machines(xml):
        names = found.setdefault(key, {})
        canonical = machine.get("canonical")
        if canonical is not None:
            names[(machine.text or "").strip()] = canonical
    return _for_both(found)


def offers(xml: str, architecture: str, emulator: str) -> Mapping[str, Offer] | None:
    """Return the machine types of one emulator by name, aliases too; None: it is not listed."""
    return lists(xml).get((architecture, emulator))


Lists = Mapping[tuple[str, str], Mapping[str, Offer]]
"""(architecture, emulator) → name or alias → the machine type."""


def lists(xml: str) -> Lists:
    """Return the machine types of each emulator by name, aliases too.

    A type that is listed by its aliases alone is there by its own name as well, and of a type that
    is listed several times the strictest counts.
    """
    own: dict[tuple[str, str], dict[str, Offer]] = {}
    called: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    for key, machine in _machines(xml):
        name = (machine.text or "").strip()
        canonical = machine.get("canonical", name)
        most = machine.get("maxCpus", "")
        known = own.setdefault(key, {}).get(canonical, Offer(canonical=canonical, deprecated=False))
        own[key][canonical] = Offer(
            canonical=canonical,
            deprecated=known.deprecated or machine.get("deprecated") == "yes",
            most_vcpus=int(most) if re.fullmatch(r"[0-9]{1,7}", most) else known.most_vcpus,
        )
        if name != canonical:
            called.setdefault(key, {}).setdefault(name, {})[canonical] = None
    for key, names in called.items():
        for alias, carriers in names.items():
            first, *others = carriers
            own[key].setdefault(alias, replace(own[key][first], twins=tuple(others)))
    return _for_both(own)


Twins = Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]
"""(architecture, emulator) → alias → the several machine types that carry it."""


def twins(xml: str) -> Twins:
    """Return the aliases that several machine types of one emulator carry, with those types.

    QEMU allows it (Ubuntu 24.04 had ``q35`` twice); which type the alias then means is chance.
    """
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for key, machine in _machines(xml):
        canonical = machine.get("canonical")
        if canonical is not None:
            carriers = found.setdefault(key, {})
            carriers.setdefault((machine.text or "").strip(), set()).add(canonical)
    several = {
        key: {alias: tuple(sorted(names)) for alias, names in carriers.items() if len(names) > 1}
        for key, carriers in found.items()
    }
    return _for_both(several)


def architecture(xml: str) -> str | None:
    """Return the host's own architecture; None where it has none."""
    root = _root(xml)
    return (root.findtext("host/cpu/arch") or "").strip() or None if root is not None else None


def emulators(xml: str, architecture: str) -> tuple[str, ...]:
    """Return the emulators of an architecture that have a list of machine types, each once."""
    found = [emulator for (name, emulator), _ in _machines(xml) if name == architecture]
    return tuple(dict.fromkeys(found))


def host_uuid(xml: str) -> str | None:
    """Return libvirt's UUID of the host; None where it has none."""
    root = _root(xml)
    return (root.findtext("host/uuid") or "").strip() or None if root is not None else None


def _for_both(found: Mapping[tuple[str, str], T]) -> dict[tuple[str, str], T]:
    """Add what an emulator offers to guests of another byte order.

    One binary is QEMU's ppc64, and libvirt lists it for ppc64 and ppc64le by a name each; a domain
    may have either.
    """
    listed = {name for name, _ in found}
    more = {
        (other, emulator): offered
        for (name, emulator), offered in found.items()
        for other in architectures.alike(name)[1:]
        if other in listed
    }
    return more | dict(found)


def _machines(xml: str) -> Iterator[tuple[tuple[str, str], etree._Element]]:
    """Yield each machine type with its (architecture, emulator)."""
    root = _root(xml)
    for arch in root.iterfind("guest/arch") if root is not None else ():
        common = arch.findtext("emulator", "")
        for owner in (arch, *arch.iterfind("domain")):
            emulator = owner.findtext("emulator", common).strip()
            for machine in owner.iterfind("machine"):
                yield (arch.get("name", ""), emulator), machine


def _root(xml: str) -> etree._Element | None:
    try:
        return untrusted_xml.parse(xml)
    except XmlError:
        return None
