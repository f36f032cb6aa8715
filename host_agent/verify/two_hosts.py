"""Two hosts held against each other: what a guest of one finds different on the other. Pure.

What the QEMU of a host shows is taken from an atlas, its own or one of the same series of QEMU;
where there is none, it is not known.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from host_agent.atlas import diff
from host_agent.atlas.atlas import Atlas
from host_agent.atlas.diff import AtlasDiff, Group
from host_agent.difference import Effect
from host_agent.records.audited import AuditedHost


class Same(StrEnum):
    """What a machine type is on two hosts."""

    EQUAL = "the same"
    DIFFERS = "differs"
    ONLY_FIRST = "only on the first"
    ONLY_SECOND = "only on the second"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePair:
    """One machine type, as it is used here and there."""

    name: str
    one: int
    """Domains that have it."""
    other: int
    same: Same
    effects: tuple[Effect, ...] = ()
    """Whom its differences touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is said of a host, of both."""

    name: str
    one: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsDiff:
    """What differs between two hosts."""

    one: str
    other: str
    facts: tuple[Fact, ...]
    types: tuple[TypePair, ...]
    """Those that domains of either have: most domains first."""
    groups: tuple[Group, ...]
    """What differs in them."""
    sources: tuple[str | None, str | None]
    """By which atlas; None: there is none."""


def most_apart(hosts: Sequence[AuditedHost]) -> tuple[AuditedHost, AuditedHost] | None:
    """Return the hosts with the oldest and with the newest QEMU; None: there are no two."""
    if len(hosts) < 2:
        return None
    ranked = sorted(hosts, key=lambda host: _version(host.hypervisor))
    return ranked[0], ranked[-1]


def _version(text: str) -> tuple[int, ...]:
    # Bounded: a number of many digits is no version.
    return tuple(int(part) for part in text[:40].split(".")[:4] if part.isdecimal())


def architecture(host: AuditedHost) -> str | None:
    """Return the architecture that most domains have; None: there are no domains."""
    found = Counter(one.architecture for one in host.domains if one.architecture)
    return found.most_common(1)[0][0] if found else None


def compare(
    one: AuditedHost, other: AuditedHost, atlases: tuple[Atlas | None, Atlas | None]
) -> HostsDiff:
    """Compare two hosts by what is known of their QEMU."""
    here, there = (
        Counter(domain.machine for domain in host.domains if domain.machine)
        for host in (one, other)
    )
    used = sorted({*here, *there}, key=lambda name: (-here[name] - there[name], name))
    before, after = atlases
    found = diff.compare(before, after, used) if before and after and used else None
    return HostsDiff(
        one=one.name,
        other=other.name,
        facts=(
            Fact(name="system", one=one.distribution or "?", other=other.distribution or "?"),
            Fact(name=one.driver, one=one.hypervisor, other=other.hypervisor),
            Fact(name="package", one=one.package or "?", other=other.package or "?"),
            Fact(name="libvirt", one=one.libvirt, other=other.libvirt),
        ),
        types=tuple(
            TypePair(
                name=name,
                one=here[name],
                other=there[name],
                same=_same(name, found),
                effects=_effects(name, found),
            )
            for name in used
        ),
        groups=() if found is None else found.groups,
        sources=(before.title if before else None, after.title if after else None),
    )


def _same(name: str, found: AtlasDiff | None) -> Same:
    if found is None:
        return Same.UNKNOWN
    for same, names in (
        (Same.EQUAL, found.equal),
        (Same.DIFFERS, found.differing),
        (Same.ONLY_FIRST, found.gone),
        (Same.ONLY_SECOND, found.added),
    ):
        if name in names:
            return same
    return Same.UNKNOWN


def _effects(name: str, found: AtlasDiff | None) -> tuple[Effect, ...]:
    touched = (
        {one.touched.effect for one in found.groups if name in one.machines} if found else set()
    )
    return tuple(effect for effect in Effect if effect in touched)
