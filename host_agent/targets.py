"""To which machine type a domain should be raised: the newest that every host offers. Pure.

A type raised too far can never move back, so one that a single host of the pool lacks is no
target. Only within a family: i440fx and q35 are different machines, and a guest's devices sit
elsewhere on them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from host_agent.capabilities import Offer
from host_agent.machine_types import MachineName, Vendor, base, is_newer, newest, parse

Offers = Mapping[str, Offer] | Collection[str]
"""What one host offers: its own list, or names alone (then nothing is known to be deprecated)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A machine type to raise a domain to, or why there is none."""

    name: str | None
    """The type's own name; the current one where that is the newest already."""
    why: str
    """One sentence, as it is shown."""
    note: str | None = None
    """What to know beside it, such as a feature that the target lacks."""

    def raises(self, current: str) -> bool:
        """Tell whether there is something to raise."""
        return self.name is not None and self.name != current


def best(
    current: str, offers: Sequence[Offers], *, vendors: Sequence[Vendor] | None = None
) -> Target:
    """Return the newest type of the current one's family that every host offers.

    Deprecated ones are left out, and those that are older than the current type or can't be held
    against it. ``vendors``: whose types are wanted, most wanted first; None: the distribution's own
    where every host has such, else QEMU's. ``current`` may be an alias that all hosts agree on.
    """
    resolved = _resolved(current, offers)
    if resolved is None:
        return Target(
            name=None,
            why=f'"{current}" is an alias that means different machine types on these hosts: '
            "name the one it stands for",
        )
    name = parse(resolved)
    if name.family is None:
        return Target(
            name=None, why=f"{resolved} is of no known scheme of names: nothing can be called newer"
        )
    common = [parse(one) for one in sorted(_common(offers))]
    alike = [one for one in common if one.family == name.family]
    for vendor in vendors if vendors is not None else _wanted(alike):
        own = [one for one in alike if one.vendor is vendor and _not_older(one.text, resolved)]
        for features, note in _features(name):
            found = newest([one.text for one in own if one.features == features])
            if found is not None:
                return _target(found, resolved, len(offers), note)
    return _none(resolved, alike, offers)


def chosen(current: str, wanted: str, offers: Sequence[Offers]) -> Target:
    """Return the type that was asked for, or why a domain can't be raised to it."""
    resolved, target = _resolved(current, offers), _resolved(wanted, offers)
    if resolved is None or target is None:
        unclear = current if resolved is None else wanted
        return Target(
            name=None, why=f'"{unclear}" is an alias that means different types on these hosts'
        )
    one, other = parse(resolved), parse(target)
    if one.family and other.family and one.family != other.family:
        return Target(name=None, why=_families(one.family, other.family))
    for number, offer in enumerate(offers, 1):
        if target not in _own_names(offer):
            which = "the host does" if len(offers) == 1 else f"host {number} of {len(offers)} does"
            return Target(name=None, why=f"{which} not offer {target}")
    if target == resolved:
        return Target(name=target, why=f"{target} is what it is already")
    newer = is_newer(target, resolved)
    if newer is None and (one.family is None or other.family is None):
        unknown = resolved if one.family is None else target
        return Target(
            name=None, why=f"{unknown} is of no known scheme of names: nothing can be called newer"
        )
    if newer is False and is_newer(resolved, target):
        return Target(
            name=None,
            why=f"{target} is older than {resolved}: a guest that knows the newer machine may not "
            "start on it",
        )
    lost = [feature for feature in one.features if feature not in other.features]
    return Target(
        name=target,
        why="as asked for",
        note=f"{target} has no {', '.join(lost)}" if lost else None,
    )


def _families(one: str, other: str) -> str:
    return (
        f"{one} and {other} are different machines: buses, disks and network cards would move, and "
        "a guest may not boot. Install it anew on the other, or convert it by hand"
    )


def _resolved(name: str, offers: Sequence[Offers]) -> str | None:
    """Return a type's own name; None: hosts resolve the alias differently."""
    meant = {
        offer[name].canonical for offer in offers if isinstance(offer, Mapping) and name in offer
    }
    if not meant:
        return name
    return meant.pop() if len(meant) == 1 else None


def _own_names(offer: Offers) -> set[str]:
    if isinstance(offer, Mapping):
        return {one.canonical for one in offer.values()} | {
            name for name, one in offer.items() if one.canonical == name
        }
    return set(offer)


def _common(offers: Sequence[Offers]) -> set[str]:
    """Return the types that every host offers and none calls deprecated."""
    if not offers:
        return set()
    names = set.intersection(*(_own_names(offer) for offer in offers))
    old = {
        one.canonical
        for offer in offers
        if isinstance(offer, Mapping)
        for one in offer.values()
        if one.deprecated
    }
    return names - old


def _wanted(alike: Sequence[MachineName]) -> Sequence[Vendor]:
    """A distribution that has its own types vouches for those, not for QEMU's."""
    own = {one.vendor for one in alike} - {Vendor.UPSTREAM, Vendor.OPAQUE}
    return (*sorted(own), Vendor.UPSTREAM)


def _not_older(name: str, current: str) -> bool:
    if name == current:
        return True
    newer = is_newer(name, current)
    if newer:
        return True
    if newer is None:
        return False
    # Of two vendors and equally old: the move to the distribution's own type is none backward.
    return parse(name).vendor is not parse(current).vendor and base(name) == base(current)


def _features(current: MachineName) -> Sequence[tuple[tuple[str, ...], str | None]]:
    """A type with the same features, else one without: a feature nobody asked for is a change."""
    if not current.features:
        return (((), None),)
    lost = ", ".join(current.features)
    return (current.features, None), ((), f"no newer type has {lost}: the guest loses it")


def _target(found: str, current: str, hosts: int, note: str | None) -> Target:
    everywhere = "the host offers" if hosts == 1 else f"all {hosts} hosts offer"
    if found == current:
        return Target(name=found, why=f"{found} is the newest that {everywhere} already")
    return Target(name=found, why=f"newest that {everywhere}", note=note)


def _none(current: str, alike: Sequence[MachineName], offers: Sequence[Offers]) -> Target:
    family = parse(current).family
    if not offers:
        return Target(name=None, why="no host's machine types are known")
    if not alike:
        return Target(name=None, why=f"no {family} type is offered by every host")
    last = newest([one.text for one in alike if one.vendor is alike[0].vendor]) or alike[-1].text
    return Target(
        name=None,
        why=f"every {family} type that all hosts offer is older than {current} or can't be held "
        f"against it (up to {last})",
    )
