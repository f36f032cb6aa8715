"""Names of machine types: their parts, which family they are of, which of two is newer. Pure.

Names are opaque until the grammar below knows them: an unknown one is compared as a string, never
guessed. A codename counts only where the catalogue knows the release. What a name is based on
comes from the catalogue, never from its codename: ``pc-i440fx-focal`` is QEMU's 4.0,
``pc-q35-focal`` its 4.2.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from host_agent.machine_types import catalogue
from host_agent.machine_types.vendors import FAMILIES, FAMILY, SCHEMES, Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineName:
    """A machine type's name in its parts; ``str()`` puts them together again."""

    text: str
    vendor: Vendor
    family: str | None = None
    """One of ``FAMILIES``; None: opaque."""
    version: tuple[int, ...] | None = None
    """QEMU's version, where the name has it: (7, 2), (4, 0, 1)."""
    release: str | None = None
    """The distribution's: a codename, or RHEL's version."""
    features: tuple[str, ...] = ()
    """What was added beside the type as it is: ``hpb``, ``maxcpus``, ``sxxm``, ``pxe``."""
    increment: str | None = None
    """What was added within a release, as the name has it: ``v2``, ``1``, ``pve1``."""

    def __str__(self) -> str:
        """Return the name, from its parts."""
        if self.vendor is Vendor.OPAQUE:
            return self.text
        version = ".".join(map(str, self.version)) if self.version else None
        if self.vendor is Vendor.PROXMOX:
            tail = f"+{self.increment}" + "".join(f".{one}" for one in self.features)
            return f"{_head(self)}-{version}{tail}"
        release = self.release and _PREFIXES[self.vendor] + self.release
        parts = (_head(self), version, release, *self.features, self.increment)
        return "-".join(part for part in parts if part)

    @property
    def number(self) -> int:
        """The increment as a number; 0: none."""
        return int((self.increment or "0").removeprefix("pve").removeprefix("v"))


_PREFIXES = {scheme.vendor: scheme.prefix for scheme in SCHEMES}


@lru_cache(maxsize=4096)
def parse(name: str) -> MachineName:
    """Return the parts of a machine type's name; of an unknown scheme: vendor ``OPAQUE``."""
    for scheme in SCHEMES:
        found = scheme.pattern.fullmatch(name)
        if found is not None:
            return _named(name, found.groupdict(), scheme.vendor)
    return MachineName(text=name, vendor=Vendor.OPAQUE)


def _named(name: str, parts: dict[str, str | None], vendor: Vendor) -> MachineName:
    release, old = parts.get("release"), parts.get("old")
    if vendor is Vendor.UBUNTU and release not in catalogue.codenames():
        return MachineName(text=name, vendor=Vendor.OPAQUE)
    if vendor is Vendor.RHEL and old:
        return MachineName(text=name, vendor=vendor, family="pc-i440fx", release=old)
    version = old or parts.get("version")
    return MachineName(
        text=name,
        vendor=vendor,
        family=parts["family"] or "pc-i440fx",
        release=release,
        version=_numbers(version) if version else None,
        features=tuple(filter(None, (parts.get("features") or "").split("-"))),
        increment=parts.get("increment"),
    )


def _head(name: MachineName) -> str:
    if name.family == "pc-i440fx" and name.vendor is Vendor.UPSTREAM and name.version:
        return "pc" if name.version < (1, 4) else name.family
    if name.vendor is Vendor.RHEL and (name.release or "").startswith("6."):
        return ""
    return name.family or ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def family(name: str) -> str | None:
    """Return the family of a machine type; None: the name is opaque."""
    return parse(name).family


def base(name: str) -> tuple[int, int] | None:
    """Return the version (major, minor) of QEMU whose machine a type is; None: not established."""
    known = parse(name).version or _known_base(name)
    return (known[0], known[1]) if known else None


def _known_base(name: str) -> tuple[int, ...] | None:
    found = catalogue.base(canonical(name))
    return _numbers(found) if found else None


Order = tuple[tuple[int, ...], tuple[int, ...], int]


def order(name: str) -> Order | None:
    """Return a key by which types of one family are sorted, oldest first; None: not known.

    By what a type is based on, then its release, then its increment. A feature beside a type
    (``-hpb``) makes it no newer.
    """
    parts = parse(name)
    based = parts.version or _known_base(name)
    if parts.vendor is Vendor.OPAQUE or based is None:
        return None
    return based, _released(parts), parts.number


def listing(name: str) -> tuple[str, Order]:
    """Return a key for lists that people read: also where no order is known.

    Types whose base is not established (RHEL's) stand in the order of their releases.
    """
    parts = parse(name)
    return parts.family or "~", order(name) or ((), _released(parts), parts.number)


def is_newer(one: str, other: str) -> bool | None:
    """Tell whether a type is newer than another; None: they can't be held against each other.

    Types of one vendor go by the vendor's releases, of two by what they are based on. Equal ones,
    or those that differ in a feature only, are not newer.
    """
    left, right = parse(one), parse(other)
    if left.family is None or left.family != right.family:
        return None
    if left.vendor is right.vendor:
        keys = [(part.version or (), _released(part), part.number) for part in (left, right)]
        if left.vendor is Vendor.UBUNTU:
            # The form with the version and the one without it are of the same releases.
            keys = [((), released, number) for _, released, number in keys]
        return keys[0] > keys[1]
    bases = base(one), base(other)
    if bases[0] is None or bases[1] is None:
        return None
    return bases[0] > bases[1]


def newest(names: Sequence[str]) -> str | None:
    """Return the newest of types that can all be held against each other; None: there is none."""
    best: str | None = None
    for name in names:
        if best is None or is_newer(name, best):
            best = name
    return best


def _released(parts: MachineName) -> tuple[int, ...]:
    """A distribution's release as numbers; of upstream: none."""
    if parts.vendor is Vendor.UBUNTU:
        return _numbers(catalogue.codenames()[parts.release or ""])
    return _numbers(parts.release) if parts.release else ()


_LIKE_UBUNTU = re.compile(rf"(?:{FAMILY})-[a-z]{{4,}}(?:-[a-z0-9]+)*")
_PVE = re.compile(r"\+pve[0-9]+(?:\.pxe)?$")


def is_machine_type(text: str) -> bool:
    """Tell whether a string has the form of a versioned machine type's name.

    Also that of a release which is not known yet, for strings of which nothing else is known.
    """
    return parse(text).vendor is not Vendor.OPAQUE or bool(_LIKE_UBUNTU.fullmatch(text))


def canonical(name: str) -> str:
    """Return the name as QEMU looks it up: Proxmox's ``+pveN`` is cut off before that."""
    return _PVE.sub("", name)


def upstream_version(name: str) -> tuple[int, int] | None:
    """Return (major, minor) of an upstream name such as ``pc-q35-7.2``; None for any other."""
    parts = parse(name)
    return base(name) if parts.vendor is Vendor.UPSTREAM else None


_SUPPORTED_YEARS = 5


def kept_until(name: str) -> tuple[int, int] | None:
    """Return when a distribution drops one of its types, to hold two against each other.

    Ubuntu's policy (QemuKVMMigration, "Cleanup"): those of an LTS end with its support, which is
    five years (April of even years is an LTS), those of another release with the next LTS. By the
    names alone, as (year, month) of two digits; what counts on a day is ``releases.type_end``.
    None: nobody has set an end.
    """
    parts = parse(name)
    if parts.vendor is not Vendor.UBUNTU:
        return None
    year, month = _released(parts)[:2]
    if year % 2 == 0 and month == 4:
        return year + _SUPPORTED_YEARS, month
    return year + 1 + (year + 1) % 2, 4


def serves_smbios3_only(name: str) -> bool:
    """Tell whether a PC type gives its guest the entry point ``_SM3_`` and no other.

    QEMU ``hw/i386/pc_piix.c``, ``pc_q35.c``: ``default_smbios_ep_type`` is 64-bit in 8.1 and 8.2,
    and as fits from 9.0 on (measured). Windows on a BIOS looks for ``_SM_`` alone: it reads no UUID
    and no serial number then.
    """
    return family(name) in {"pc-i440fx", "pc-q35"} and base(name) in {(8, 1), (8, 2)}


# hw/i386/pc_q35.c, measured as libvirt's maxCpus over QEMU 7.2.22, 10.0.13 and 11.1.2.
_Q35_VCPUS = (((9, 0), 4096), ((8, 1), 1024), ((2, 8), 288), ((0, 0), 255))


def most_vcpus(name: str) -> int | None:
    """Return how many vCPUs QEMU's own x86 types may have; None: not established."""
    version, kind = upstream_version(name), family(name)
    if version is None or kind not in {"pc-i440fx", "pc-q35"}:
        return None
    if kind == "pc-i440fx":
        return 255
    return next(most for since, most in _Q35_VCPUS if version >= since)


def is_versioned_family(name: str) -> bool:
    """Tell whether QEMU keeps machine types of this name as they were, version by version."""
    return name.startswith(tuple(f"{one}-" for one in FAMILIES))


def rhel_description(name: str) -> str | None:
    """Return the description that RHEL's x86 machine types put in the place of the name.

    i440fx has a space after RHEL, q35 a hyphen (patches "Add x86_64 machine types" of qemu-kvm).
    """
    parts = parse(name)
    if parts.vendor is not Vendor.RHEL:
        return None
    if name.startswith("rhel"):
        return f"RHEL {parts.release} PC"
    forms = {
        "pc-i440fx": "RHEL {} PC (i440FX + PIIX, 1996)",
        "pc-q35": "RHEL-{} PC (Q35 + ICH9, 2009)",
    }
    form = forms.get(parts.family or "")
    return form.format(parts.release) if form else None


def is_ubuntu(name: str) -> bool:
    """Tell whether the name is one of Ubuntu's scheme, of a release that is known."""
    return parse(name).vendor is Vendor.UBUNTU
