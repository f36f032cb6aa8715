"""Hosts that are mixed for a while: to which type to raise, and above which not yet. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from host_agent.machine_types import names as type_names
from host_agent.machine_types import target
from host_agent.machine_types.target import Target
from host_agent.machine_types.vendors import Vendor
from host_agent.plan.facts import Limit, Offers, Site, Subject


def raised(machine: str, offers: Sequence[Offers], *, bios: bool = False) -> Target:
    """Return the machine type to raise a domain to, so that every site has it.

    Where all that they have in common are called deprecated somewhere, the newest of those.
    """
    found = target.best(machine, offers, bios=bios)
    if found.name is not None:
        return found
    names = [{offer.canonical for offer in one.values()} for one in offers]
    old = target.best(machine, names, bios=bios)
    if old.name is None:
        return found
    family = type_names.family(old.name)
    left = {one for offer in offers for one in _of_family(family or "", offer)} & {
        one.canonical for offer in offers for one in offer.values() if not one.deprecated
    }
    ends = "" if left else f", and with it the family {family} ends"
    notes = (f"{old.name} is deprecated there{ends}", old.note)
    return replace(old, note="; ".join(one for one in notes if one))


def limits(sites: Sequence[Site], subjects: Iterable[Subject]) -> tuple[Limit, ...]:
    """Return above which type of each family nothing may be raised until some sites are gone."""
    found: dict[str, Limit] = {}
    for subject in subjects:
        family = type_names.family(subject.definition.machine or "")
        offers = [site.offered(subject.definition) for site in sites]
        if family is None or family in found or None in offers:
            continue
        limit = _limit(family, sites, [one for one in offers if one is not None])
        if limit is not None:
            found[family] = limit
    return tuple(found.values())


def _limit(family: str, sites: Sequence[Site], offers: Sequence[Offers]) -> Limit | None:
    own = [set(_of_family(family, offer)) for offer in offers]
    common = _newest(set.intersection(*own))
    newest = [_newest(names) for names in own]
    if common is None or all(one == common for one in newest):
        return None
    return Limit(
        family=family,
        newest=common,
        until=tuple(site.name for site, one in zip(sites, newest, strict=True) if one == common),
    )


def _of_family(family: str, offers: Offers) -> Iterator[str]:
    return (
        offer.canonical for offer in offers.values() if type_names.family(offer.canonical) == family
    )


def _newest(names: set[str]) -> str | None:
    """Return the newest that a pool would raise to: without features that nobody asked for."""
    plain = sorted(name for name in names if not type_names.parse(name).features)
    own = [name for name in plain if type_names.parse(name).vendor is not Vendor.UPSTREAM]
    return type_names.newest(own or plain)
