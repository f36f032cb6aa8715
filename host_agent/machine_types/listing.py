"""The machine types of a host, an atlas or a release, with what is known of each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from host_agent.atlas.atlas import Atlas
from host_agent.domain import architectures
from host_agent.machine_types import catalogue, releases
from host_agent.machine_types import offers as offer_lists
from host_agent.machine_types.catalogue import ReleaseTypes
from host_agent.machine_types.names import MachineName, base, listing, parse
from host_agent.machine_types.releases import DEBIAN, Known, Release
from host_agent.machine_types.vendors import FAMILIES, Vendor

# By QEMU's word for the target. Without a machine libvirt takes these where they are
# (src/qemu/qemu_capabilities.c, preferredMachines), whatever QEMU's own default is.
_LIBVIRTS_DEFAULT = {
    "x86_64": "pc", "i386": "pc", "aarch64": "virt", "arm": "virt", "ppc64": "pseries",
    "s390x": "s390-ccw-virtio", "riscv64": "virt", "riscv32": "virt", "loongarch64": "virt",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One machine type, as one place offers it."""

    name: str
    vendor: Vendor
    base: str | None
    """Version of QEMU whose machine it is; None: not established."""
    default: bool
    aliases: tuple[str, ...]
    deprecated: bool | None
    """As the place says; None: it does not say."""
    removed: str | None
    """When it goes, in words: ``QEMU 11.1``, ``with noble's support``; None: nobody has said."""
    support_ends: date | None
    """Last day on which who offers it vouches for it; None: nobody does, or no date is set."""
    domains: tuple[str, ...] = ()
    """Names of the domains that have it, in the active or the persistent XML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeList:
    """All that one place offers."""

    place: str
    """Whose list it is, for people."""
    architecture: str
    types: tuple[Listed, ...]
    notes: tuple[str, ...]
    """What is wrong with the list, or not known of it, in sentences."""
    unlisted: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Machine types that are used and not offered, with the domains."""


def of_release(found: ReleaseTypes, known: Known) -> TypeList:
    """Return the list of a release in the catalogue."""
    release = releases.find(f"{found.distribution}:{found.release}", known)
    title = str(release) if release else found.release
    notes = []
    if not found.whole:
        notes.append(
            "not complete: read from the release's packages; a host, or an atlas of it, has all"
        )
    return TypeList(
        place=f"{found.distribution} {title}, QEMU {found.qemu}",
        architecture=found.architecture,
        types=_sorted(
            _listed(
                one.name,
                default=one.default,
                aliases=one.aliases,
                deprecated=one.deprecated,
                known=known,
                here=release,
            )
            for one in found.types
        ),
        notes=(*notes, *_twins({name.name: name.aliases for name in found.types})),
    )


def of_atlas(atlas: Atlas, known: Known) -> TypeList:
    """Return the list of a probed QEMU, which is complete."""
    made = atlas.made
    here = releases.of_system(made.distribution, known) if made.distribution else None
    defaults = [one.name for one in atlas.machines if one.default]
    notes = [*_twins({one.name: (one.alias,) if one.alias else () for one in atlas.machines})]
    if len(defaults) > 1:
        notes.append(f"{len(defaults)} types are the default: {', '.join(defaults)}")
    return TypeList(
        place=f"{atlas.title.rpartition(',')[0]}, {made.distribution or made.host}",
        architecture=made.architecture,
        types=_sorted(
            _listed(
                one.name,
                default=one.default,
                aliases=(one.alias,) if one.alias else (),
                deprecated=one.deprecated,
                known=known,
                here=here,
            )
            for one in atlas.machines
        ),
        notes=tuple(notes),
    )


def of_host(
    place: str,
    xml: str,
    architecture: str,
    emulator: str,
    *,
    used: Mapping[str, Sequence[str]],
    known: Known,
    here: Release | None,
) -> TypeList | None:
    """Return the list of one of a host's emulators; None: its capabilities don't have it.

    ``used``: machine type or alias → the domains that have it; ``here``: the host's release, None
    where that is not to be seen.
    """
    offers = offer_lists.offers(xml, architecture, emulator)
    if offers is None:
        return None
    aliases: dict[str, list[str]] = {}
    users: dict[str, set[str]] = {}
    for name, one in offers.items():
        if name != one.canonical:
            aliases.setdefault(one.canonical, []).append(name)
    for name, domains in used.items():
        meant = offers[name].canonical if name in offers else name
        users.setdefault(meant, set()).update(domains)
    own = {one.canonical for one in offers.values()}
    default = _LIBVIRTS_DEFAULT.get(architectures.qemus(architecture))
    twins = offer_lists.twins(xml).get((architecture, emulator), {})
    return TypeList(
        place=place,
        architecture=architecture,
        types=_sorted(
            _listed(
                name,
                aliases=tuple(sorted(aliases.get(name, ()))),
                known=known,
                default=default in aliases.get(name, ()),
                deprecated=name in offers and offers[name].deprecated,
                here=here,
                domains=tuple(sorted(users.get(name, ()))),
            )
            for name in own
        ),
        notes=tuple(_twin(alias, names) for alias, names in sorted(twins.items())),
        unlisted=tuple(
            (name, tuple(sorted(domains)))
            for name, domains in sorted(users.items())
            if name not in own
        ),
    )


def _twins(named: Mapping[str, Iterable[str]]) -> Iterable[str]:
    carriers: dict[str, list[str]] = {}
    for name, aliases in named.items():
        for alias in aliases:
            carriers.setdefault(alias, []).append(name)
    return [_twin(alias, names) for alias, names in sorted(carriers.items()) if len(names) > 1]


def _twin(alias: str, names: Sequence[str]) -> str:
    return (
        f'"{alias}" is the alias of {" and of ".join(sorted(names))}: '
        "which one it means is chance, so name the type itself"
    )


def listed(name: str, known: Known, here: Release | None) -> Listed:
    """Return what is known of a machine type where it is used; ``here``: that host's release."""
    return _listed(name, default=False, aliases=(), deprecated=None, known=known, here=here)


def _listed(
    name: str,
    *,
    default: bool,
    aliases: tuple[str, ...],
    deprecated: bool | None,
    known: Known,
    here: Release | None,
    domains: tuple[str, ...] = (),
) -> Listed:
    parts = parse(name)
    based = base(name)
    removed, ends = _end(parts, known, here)
    return Listed(
        name=name,
        vendor=parts.vendor,
        base=".".join(map(str, based)) if based else catalogue.base(name),
        default=default,
        aliases=aliases,
        deprecated=deprecated,
        removed=removed,
        support_ends=ends,
        domains=domains,
    )


def _end(parts: MachineName, known: Known, here: Release | None) -> tuple[str | None, date | None]:
    """When a type goes, and until when it is vouched for where it is offered."""
    if parts.vendor in {Vendor.UPSTREAM, Vendor.PROXMOX}:
        life = catalogue.lifecycle(parts.text, parts.version)
        # Ubuntu, which has its own, offers these as they are, without guarantees.
        ends = here.support_end if here is not None and here.distribution == DEBIAN else None
        return (f"QEMU {life.removed}" if life and life.removed else None), ends
    if parts.vendor is Vendor.UBUNTU:
        release = releases.find(f"ubuntu:{parts.release}", known)
        if release is not None:
            end = releases.type_end(release, known)
            dates = (end.last, here.support_end if here is not None else None)
            return _sooner(parts, end.why), min(
                (one for one in dates if one is not None), default=None
            )
    return None, None


def _sooner(parts: MachineName, why: str) -> str:
    """When one of Ubuntu's types goes: QEMU drops some of them before Ubuntu would.

    Those of pseries and s390-ccw-virtio are registered with QEMU's macro MACHINE_VER_DELETION of
    what they are based on; those of pc are not (define-ubuntu-machine-types.patch).
    """
    based = base(parts.text)
    if based is None or parts.family not in {"pseries", "s390-ccw-virtio"}:
        return why
    version = ".".join(map(str, based))
    life = catalogue.lifecycle(f"{parts.family}-{version}", based)
    return f"{why}, or QEMU {life.removed}" if life and life.removed else why


def _sorted(types: Iterable[Listed]) -> tuple[Listed, ...]:
    """By family, upstream's before a distribution's own, oldest first; opaque ones at the end."""

    def key(one: Listed) -> tuple[object, ...]:
        parts = parse(one.name)
        if parts.family is None:
            return (len(FAMILIES), 0, (), one.name)
        own = parts.vendor is not Vendor.UPSTREAM
        return (FAMILIES.index(parts.family), own, listing(one.name), one.name)

    return tuple(sorted(types, key=key))
