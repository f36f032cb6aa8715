"""What is known of machine types and releases, from data that is shipped. Pure.

The data (``data/machine-types.json``, made by ``packaging/pack-machine-types``) was read from the
sources that it lists: QEMU's and the distributions' source packages and what their hosts printed.
What is not in there is not established, never "no". A table too long for a Python source, it is
read once, when it is first asked for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

UPSTREAM = "upstream"
DATA = "data", "machine-types.json"
_WITHOUT_OWN = frozenset({UPSTREAM, "debian", "fedora", "arch", "nixos"})
"""Distributions that offer QEMU's machine types as they are, and no others."""
_ALONE = frozenset({"rhel"})
"""Distributions that leave QEMU's versioned types out.

Not each of them: RHEL 8 has pc-i440fx-4.2 and -2.11 for guests that came from elsewhere.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseQemu:
    """A distribution's release and its QEMU."""

    distribution: str
    """As os-release(5) has it: ``ubuntu``, ``debian``, ``rhel`` …"""
    name: str
    version: str | None
    """``24.04``; None: the same as its name, or not known."""
    qemu: str | None
    """As it was when it was read: updates raise it, so ask the host. None: not established."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Since which version QEMU has a type, says that it is old, and lacks it."""

    introduced: str | None
    deprecated: str | None
    removed: str | None
    source: str
    """Of the data, or the rule that says it in advance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseType:
    """A machine type as a release offers it."""

    name: str
    base: str | None
    description: str | None
    default: bool
    aliases: tuple[str, ...]
    deprecated: bool | None
    """None: not established."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTypes:
    """The machine types of a release, as far as they are established."""

    distribution: str
    release: str
    architecture: str
    qemu: str
    types: tuple[ReleaseType, ...]
    whole: bool
    """Whether these are all; not so where a release's own types are known from its patches."""
    sources: tuple[str, ...]


@cache
def _data() -> Mapping[str, Any]:
    text = resources.files("host_agent").joinpath(*DATA).read_text(encoding="utf-8")
    data: Mapping[str, Any] = json.loads(text)
    return data


@cache
def releases() -> tuple[ReleaseQemu, ...]:
    """Return all releases, a distribution's oldest first."""
    return tuple(
        ReleaseQemu(
            distribution=one["distribution"],
            name=one["name"],
            version=one.get("version"),
            qemu=one.get("qemu"),
            source=_data()["sources"][one["source"]],
        )
        for one in _data()["releases"]
    )


@cache
def codenames() -> Mapping[str, str]:
    """Return the codenames that Ubuntu's machine types have, with their releases' versions."""
    return {
        one.name: one.version
        for one in releases()
        if one.distribution == "ubuntu" and one.version is not None
    }


def release(name: str) -> ReleaseQemu | None:
    """Return a release by ``noble``, ``ubuntu:noble``, ``ubuntu:24.04``; None: not known."""
    distribution, colon, rest = name.partition(":")
    wanted = rest if colon else name
    for one in releases():
        if colon and one.distribution != distribution:
            continue
        if wanted == one.name or (wanted == one.version and (colon or "." in wanted)):
            return one
    return None


@cache
def _types() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Name → architecture → what is known of the type."""
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    for one in _data()["types"]:
        found.setdefault(one["name"], {})[one["architecture"]] = one
    return found


def names() -> tuple[str, ...]:
    """Return the name of every machine type that is known, in any release."""
    return tuple(_types())


def base(name: str) -> str | None:
    """Return the version of QEMU whose machine a type is; None: not established.

    Where releases differ in that (``pc-i440fx-wily`` was mended), the newest.
    """
    bases = {one.get("base") for one in _types().get(name, {}).values()}
    return bases.pop() if len(bases) == 1 else None


def description(name: str, architecture: str) -> str | None:
    """Return what most releases call a type for people; None: not established."""
    return _types().get(name, {}).get(architecture, {}).get("description")


@cache
def _lifecycles() -> Mapping[str, Lifecycle]:
    return {
        one["name"]: Lifecycle(
            introduced=one.get("introduced"),
            deprecated=one.get("deprecated"),
            removed=one.get("removed"),
            source=_data()["sources"][one["source"]],
        )
        for one in _data()["lifecycles"]
    }


def lifecycle(name: str, version: tuple[int, ...] | None = None) -> Lifecycle | None:
    """Return the life of one of QEMU's own types; None: not known.

    ``version`` is the name's, for a type newer than the data: QEMU says that a type is old after
    three years of releases and removes it after six (docs/about/deprecated.rst; include/hw/boards.h
    ``MACHINE_VER_DEPRECATION``, ``MACHINE_VER_DELETION``).
    """
    known = _lifecycles().get(name)
    if known is not None or version is None:
        return known
    major, minor = version[:2]
    return Lifecycle(
        introduced=".".join(map(str, version)),
        deprecated=f"{major + 3}.{minor}",
        removed=f"{major + 6}.{minor}",
        source="QEMU's rule: old after 3 years, gone after 6",
    )


def builds_upstream(distribution: str) -> bool:
    """Tell whether a distribution offers all of QEMU's own versioned types; RHEL picks a few."""
    return distribution not in _ALONE


def offering(distribution: str, name: str, architecture: str) -> ReleaseTypes | None:
    """Return the machine types of a release; None: nothing of it is established.

    Debian and others offer QEMU's types as they are; Ubuntu its own beside them; RHEL its own only.
    """
    own = _list(distribution, name, architecture)
    listed = release(f"{distribution}:{name}")
    qemu = (own or {}).get("qemu") or (listed.qemu if listed else None)
    upstream = None
    if qemu is not None and distribution not in _ALONE:
        upstream = _list(UPSTREAM, ".".join(qemu.split(".")[:2]), architecture)
    if distribution in _WITHOUT_OWN and own is not None:
        upstream = None
    lists = [one for one in (own, upstream) if one is not None]
    if not lists or qemu is None or (own is None and distribution not in _WITHOUT_OWN):
        return None
    found: dict[str, ReleaseType] = {}
    for one in lists:
        for type_ in one["types"]:
            # A release with types of its own has made one of them the default.
            default = one.get("default") == type_ and one is lists[0]
            # And so with an alias that it gives to one of its own.
            taken = () if one is lists[0] else tuple(lists[0].get("aliases", {}))
            offered = _offered(type_, architecture, one, default=default)
            kept = tuple(alias for alias in offered.aliases if alias not in taken)
            found.setdefault(type_, replace(offered, aliases=kept))
    return ReleaseTypes(
        distribution=distribution,
        release=name,
        architecture=architecture,
        qemu=qemu,
        types=tuple(found.values()),
        whole=distribution in _WITHOUT_OWN,
        sources=tuple(_data()["sources"][number] for one in lists for number in one["sources"]),
    )


def _list(distribution: str, name: str, architecture: str) -> Mapping[str, Any] | None:
    wanted = (distribution, name, architecture)
    for one in _data()["lists"]:
        if (one["distribution"], one["release"], one["architecture"]) == wanted:
            found: Mapping[str, Any] = one
            return found
    return None


def _offered(
    name: str, architecture: str, where: Mapping[str, Any], *, default: bool
) -> ReleaseType:
    old = where.get("deprecated")
    aliases: Mapping[str, list[str]] = where.get("aliases", {})
    return ReleaseType(
        name=name,
        base=base(name),
        description=description(name, architecture),
        default=default,
        aliases=tuple(alias for alias, named in aliases.items() if name in named),
        deprecated=None if old is None else name in old,
    )
