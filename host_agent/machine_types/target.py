"""To which machine type a domain should be raised: the newest that every host offers. Pure.

A type raised too far can never move back, so one that a single host of the pool lacks is no
target. Only within a family: i440fx and q35 are different machines, and a guest's devices sit
elsewhere on them. And never to one that is dropped before the current one: of a distribution's own
types the one that is kept longest is taken.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from host_agent.machine_types.names import (
    MachineName,
    base,
    is_newer,
    kept_until,
    newest,
    parse,
    serves_smbios3_only,
)
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.vendors import Vendor

Choices = Mapping[str, Offer] | Collection[str]
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
    current: str,
    offers: Sequence[Choices],
    *,
    vendors: Sequence[Vendor] | None = None,
    bios: bool = False,
) -> Target:
    """Return the newest type of the current one's family that every host offers.

    Deprecated ones are left out, and those that are older than the current type, can't be held
    against it or are dropped before it. ``vendors``: whose types are wanted, most wanted first;
    None: the distribution's own where every host has such, else QEMU's. ``bios``: the guest boots
    from a BIOS, for which types that serve the entry point ``_SM3_`` only are the last choice.
    ``current`` may be an alias that all hosts agree on.
    """
    resolved = _resolved(current, offers)
    if resolved is None:
        return Target(name=None, why=_unclear(current, offers))
    name = parse(resolved)
    if name.family is None:
        return Target(
            name=None, why=f"{resolved} is of no known scheme of names: nothing can be called newer"
        )
    common = [parse(one) for one in sorted(_common(offers))]
    alike = [one for one in common if one.family == name.family]
    for vendor in vendors if vendors is not None else _wanted(alike):
        own = [
            one
            for one in alike
            if one.vendor is vendor
            and _not_older(one.text, resolved)
            and not _ends_before(one.text, resolved)
        ]
        found = _longest_kept(own, name, bios=bios and not serves_smbios3_only(resolved))
        if found is not None:
            return _target(found, resolved, offers, bios=bios)
    return _none(resolved, alike, offers)


def _longest_kept(own: Sequence[MachineName], current: MachineName, *, bios: bool) -> str | None:
    """Return the best of one vendor's types; None: there is none.

    Plain ones first: what a feature added, newer types have or give otherwise (``_INSTEAD``).
    """
    served = [one for one in own if not serves_smbios3_only(one.text)] if bios else own
    for among in (served, own):
        plain = [one.text for one in among if not one.features]
        alike = [one.text for one in among if one.features == current.features]
        longest = max((kept_until(one) or (0, 0) for one in plain), default=None)
        found = newest([one for one in plain if (kept_until(one) or (0, 0)) == longest])
        if found is not None or alike:
            return found or newest(alike)
    return None


def _ends_before(name: str, current: str) -> bool:
    one, other = kept_until(name), kept_until(current)
    return one is not None and other is not None and one < other


def chosen(current: str, wanted: str, offers: Sequence[Choices], *, bios: bool = False) -> Target:
    """Return the type that was asked for, or why a domain can't be raised to it."""
    resolved, target = _resolved(current, offers), _resolved(wanted, offers)
    if resolved is None or target is None:
        unclear = current if resolved is None else wanted
        return Target(name=None, why=_unclear(unclear, offers))
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
    return Target(name=target, why="as asked for", note=_notes(target, resolved, bios=bios))


def _families(one: str, other: str) -> str:
    return (
        f"{one} and {other} are different machines: buses, disks and network cards would move, and "
        "a guest may not boot. Install it anew on the other, or convert it by hand"
    )


def _resolved(name: str, offers: Sequence[Choices]) -> str | None:
    """Return a type's own name; None: hosts resolve the alias differently, or by chance."""
    meant = {
        one
        for offer in offers
        if isinstance(offer, Mapping) and name in offer
        for one in (offer[name].canonical, *offer[name].twins)
    }
    if not meant:
        return name
    return meant.pop() if len(meant) == 1 else None


def _unclear(alias: str, offers: Sequence[Choices]) -> str:
    for offer in offers:
        if isinstance(offer, Mapping) and alias in offer and offer[alias].twins:
            carriers = " and of ".join(sorted({offer[alias].canonical, *offer[alias].twins}))
            return (
                f'"{alias}" is the alias of {carriers}: which one it means is chance, so name the '
                "type itself"
            )
    return (
        f'"{alias}" is an alias that means different machine types on these hosts: '
        "name the one it stands for"
    )


def _own_names(offer: Choices) -> set[str]:
    if isinstance(offer, Mapping):
        return {one.canonical for one in offer.values()} | {
            name for name, one in offer.items() if one.canonical == name
        }
    return set(offer)


def _common(offers: Sequence[Choices]) -> set[str]:
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


# What a feature added beside a type, and what does the same where a type lacks it.
_INSTEAD = {
    # define-ubuntu-machine-types.patch (LP 1776189); libvirt 8.7, formatdomain, "maxphysaddr".
    "hpb": "the host's address width is given by <maxphysaddr mode='passthrough'/> in <cpu>",
    # hw/ppc/spapr.c: spapr_machine_3_1_class_options, what it takes back.
    "sxxm": "types based on 4.0 and newer have its mitigations themselves",
}
_MANY_VCPUS = (8, 1)


def _lacks(feature: str, target: str) -> str:
    instead = _INSTEAD.get(feature)
    if feature == "maxcpus" and parse(target).family == "pc-q35":
        # LP 2012763; hw/i386/pc_q35.c.
        has = (base(target) or (0, 0)) >= _MANY_VCPUS
        instead = "it has 1,024 vCPUs itself" if has else "it has 288 vCPUs at most"
    return f"{target} has no {feature}: {instead or 'the guest loses it'}"


def _notes(target: str, current: str, *, bios: bool) -> str | None:
    """Say what to know of a target beside its name; None: nothing."""
    if target == current:
        return None
    one, other = parse(current), parse(target)
    notes = [_lacks(lost, target) for lost in one.features if lost not in other.features]
    if _ends_before(target, current):
        notes.append(f"{target} is dropped before {current}")
    if bios and serves_smbios3_only(target) and not serves_smbios3_only(current):
        notes.append(
            f"{target} serves the SMBIOS entry point _SM3_ only: on a BIOS Windows reads no UUID "
            "and no serial number then, and licences fail"
        )
    return "; ".join(notes) or None


def _target(found: str, current: str, offers: Sequence[Choices], *, bios: bool) -> Target:
    everywhere = "the host offers" if len(offers) == 1 else f"all {len(offers)} hosts offer"
    kept = "" if kept_until(found) is None else " of those that are kept longest"
    if bios and not serves_smbios3_only(found) and base(found) is not None:
        shunned = [one for one in _common(offers) if _only_for_uefi(one, found)]
        kept += (
            f" and serve a BIOS guest the entry point _SM_ ({', '.join(sorted(shunned))} would not)"
            if shunned
            else ""
        )
    if found == current:
        return Target(name=found, why=f"{found} is the newest that {everywhere}{kept} already")
    return Target(
        name=found, why=f"newest that {everywhere}{kept}", note=_notes(found, current, bios=bios)
    )


def _only_for_uefi(name: str, found: str) -> bool:
    one, other = parse(name), parse(found)
    if one.features or one.vendor is not other.vendor or not serves_smbios3_only(name):
        return False
    return bool(is_newer(name, found))


def _none(current: str, alike: Sequence[MachineName], offers: Sequence[Choices]) -> Target:
    family = parse(current).family or ""
    if not offers:
        return Target(name=None, why="no host's machine types are known")
    if not alike:
        last = _of_family(set.intersection(*(_own_names(offer) for offer in offers)), family)
        if last:
            return Target(
                name=None,
                why=f"the family {family} ends there: all of it that every host offers is "
                f"deprecated ({', '.join(last)}); a guest stays as it is, or is installed anew on "
                "another machine",
            )
        return Target(name=None, why=f"no {family} type is offered by every host")
    last = [newest([one.text for one in alike if one.vendor is alike[0].vendor]) or alike[-1].text]
    return Target(
        name=None,
        why=f"every {family} type that all hosts offer is older than {current}, is dropped before "
        f"it or can't be held against it (up to {last[0]})",
    )


def _of_family(names: set[str], family: str) -> list[str]:
    return sorted(name for name in names if parse(name).family == family)
