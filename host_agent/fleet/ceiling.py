"""The machine type above which nothing may be raised: the newest that every host offers. Pure.

A domain that is raised above it can't go to every host of the fleet any more, and not back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from host_agent.machine_types import target
from host_agent.machine_types.names import is_newer, newest, parse
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.vendors import Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What some hosts offer alike."""

    architecture: str
    names: frozenset[str]
    """Own names, no aliases."""
    deprecated: frozenset[str]
    hosts: int
    """How many they are."""
    host: str
    """One of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """Of one family of one vendor's types on one architecture."""

    architecture: str
    family: str
    vendor: str
    name: str | None
    """The newest that every host offers and none calls deprecated; None: there is none."""
    wanted: str | None
    """What an upgrade of most of the domains would take, by how long types are kept; None: none."""
    bound_by: int
    """How many hosts offer nothing newer of it."""
    host: str
    """One of them; empty: there is none."""
    hosts: int
    """How many hosts there are of this architecture."""
    above: int
    """Domains whose type is newer: they can't go everywhere."""
    below: int
    """Domains that may still be raised to it."""


def ceilings(offered: Sequence[Offered], domains: Mapping[str, int]) -> tuple[Ceiling, ...]:
    """Return them, of those families of which there are domains.

    ``domains``: how many there are of each machine type.
    """
    found = []
    for architecture in sorted({one.architecture for one in offered}):
        here = [one for one in offered if one.architecture == architecture]
        there = {_kind(name) for one in here for name in one.names} & set(map(_kind, domains))
        for family, vendor in sorted(there, key=str):
            if family is not None:
                found.append(_ceiling(architecture, family, vendor, here, domains))
    return tuple(found)


def _kind(name: str) -> tuple[str | None, Vendor]:
    known = parse(name)
    return known.family, known.vendor


def _ceiling(
    architecture: str,
    family: str,
    vendor: Vendor,
    offered: Sequence[Offered],
    domains: Mapping[str, int],
) -> Ceiling:
    kind = family, vendor
    own = [{name for name in one.names - one.deprecated if _kind(name) == kind} for one in offered]
    name = newest(sorted(set.intersection(*own)))
    bounding = [
        one
        for one, names in zip(offered, own, strict=True)
        if name is None or not any(is_newer(each, name) for each in names)
    ]
    mine = {each: number for each, number in domains.items() if _kind(each) == kind}
    return Ceiling(
        architecture=architecture,
        family=family,
        vendor=str(vendor),
        name=name,
        wanted=target.best(max(mine, key=lambda one: (mine[one], one)), _choices(offered)).name,
        bound_by=sum(one.hosts for one in bounding),
        host=min((one.host for one in bounding), default=""),
        hosts=sum(one.hosts for one in offered),
        above=sum(number for each, number in mine.items() if name and is_newer(each, name)),
        below=sum(number for each, number in mine.items() if name and is_newer(name, each)),
    )


def _choices(offered: Sequence[Offered]) -> list[Mapping[str, Offer]]:
    return [
        {name: Offer(canonical=name, deprecated=name in one.deprecated) for name in one.names}
        for one in offered
    ]
