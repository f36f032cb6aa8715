"""The sites of a plan: hosts over libvirt, atlases from files, releases from what is shipped."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.domain import architectures
from host_agent.domain.definition import Definition
from host_agent.errors import UsageError
from host_agent.machine_types import catalogue, packages, release_dates, releases
from host_agent.machine_types import names as type_names
from host_agent.machine_types import offers as offer_lists
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.vendors import FAMILIES, Vendor
from host_agent.migrate.destination import Destination, absent, by_chance
from host_agent.migrate.facts import End
from host_agent.missing import Missing, Reason
from host_agent.plan.facts import Kind, Offers, Site, Way

# The packages beside the shipped atlases' QEMU; with backports it may be the older or the newer.
_LIBVIRT = {
    "debian:bullseye": "7.0.0", "debian:bookworm": "9.0.0", "debian:trixie": "11.3.0",
    "debian:forky": "12.8.0",
}  # fmt: skip
_ARCHITECTURES = "x86_64", "aarch64", "ppc64", "s390x", "riscv64", "loongarch64"


def is_uri(text: str) -> bool:
    """Tell whether a target is a libvirt to be asked."""
    return "://" in text


def of_host(host: Destination, *, local: bool) -> Site:
    """Return a host; its release is known where it is this one, or where its QEMU says it."""
    offers = offer_lists.lists(host.facts.capabilities)
    return Site(
        name=host.end.name,
        kind=Kind.HOST,
        end=host.end,
        offers=offers,
        release=packages.release() if local else _by_types(offers.values()),
    )


def _by_types(offers: Iterable[Offers]) -> str | None:
    """Ubuntu names its newest machine types after the release whose QEMU it is."""
    own = {
        parsed.text
        for offered in offers
        for offer in offered.values()
        if (parsed := type_names.parse(offer.canonical)).vendor is Vendor.UBUNTU
    }
    released = {
        type_names.parse(newest).release
        for family in FAMILIES
        if (newest := type_names.newest(sorted(_of(family, own)))) is not None
    }
    return f"ubuntu:{released.pop()}" if len(released) == 1 else None


def _of(family: str, names: Iterable[str]) -> Iterable[str]:
    return (name for name in names if type_names.family(name) == family)


def named(text: str, on: date) -> Site:
    """Return an atlas's file or a release; raises ``UsageError`` where it is neither."""
    return _of_atlas(text) if _is_file(text) else _of_release(text, on)


def _is_file(text: str) -> bool:
    try:
        # A folder may well be called as the release that it holds.
        return Path(text).is_file()
    except OSError:
        # No file can have such a name, for example because it is too long.
        return False


def _of_atlas(text: str) -> Site:
    atlas = atlas_files.read(Path(text))
    made = atlas.made
    release = None if made.distribution is None else made.distribution.lower().replace(" ", ":")
    return _from_atlases(made.host or text, Kind.ATLAS, {made.architecture: atlas}, release)


def _of_release(text: str, on: date) -> Site:
    known = release_dates.known()
    found = None if isinstance(known, Missing) else releases.find(text, known, on)
    name = text if found is None else f"{found.distribution}:{found.codename}"
    shipped = {
        shipped_name.rpartition(":")[2]: shipped_name
        for shipped_name in atlas_files.shipped()
        if shipped_name.rpartition(":")[0] == name
        or (":" not in name and shipped_name.split(":")[1] == name)
    }
    if shipped:
        title = next(iter(shipped.values())).rpartition(":")[0]
        atlases = {one: atlas_files.read_shipped(file) for one, file in shipped.items()}
        return _from_atlases(title, Kind.RELEASE, atlases, title)
    listed = catalogue.release(name)
    if listed is None:
        releases_there = ", ".join(
            dict.fromkeys(one.rpartition(":")[0] for one in atlas_files.shipped())
        )
        raise UsageError(
            f"{text!r} is no file, no libvirt URI and no release that is known; releases are for "
            f"example {releases_there}, ubuntu:noble; the machine types of another: an atlas of "
            "its QEMU, by samemachine probe --root FOLDER --output FILE"
        )
    return _from_catalogue(listed)


def _from_atlases(name: str, kind: Kind, atlases: Mapping[str, Atlas], release: str | None) -> Site:
    offers: dict[tuple[str, str], Offers] = {}
    by_word: dict[str, Atlas] = {}
    for architecture, atlas in atlases.items():
        offered = _offers((one.name, (one.alias,), one.deprecated) for one in atlas.machines)
        for word in architectures.spoken_for(architecture):
            offers[word, ""] = offered
            by_word[word] = atlas
    versions = {atlas.made.qemu for atlas in atlases.values()}
    return Site(
        name=name,
        kind=kind,
        offers=offers,
        release=release,
        atlases=by_word,
        end=End(
            name=name,
            uuid=None,
            qemu=versions.pop() if len(versions) == 1 else None,
            libvirt=_LIBVIRT.get(name) if kind is Kind.RELEASE else None,
        ),
    )


def _from_catalogue(listed: catalogue.ReleaseQemu) -> Site:
    name = f"{listed.distribution}:{listed.name}"
    found = {
        architecture: offering
        for architecture in _ARCHITECTURES
        if (offering := catalogue.offering(listed.distribution, listed.name, architecture))
    }
    if not found:
        raise UsageError(
            f"the machine types of {name} are not known: make an atlas of its QEMU with "
            "samemachine probe --root FOLDER --output FILE, and plan --to that"
        )
    return Site(
        name=name,
        kind=Kind.RELEASE,
        release=name,
        end=End(name=name, uuid=None, qemu=listed.qemu),
        whole=all(one.whole for one in found.values()),
        offers={
            (word, ""): _offers(
                (one.name, one.aliases, bool(one.deprecated)) for one in offering.types
            )
            for architecture, offering in found.items()
            for word in architectures.spoken_for(architecture)
        },
    )


def _offers(machines: Iterable[tuple[str, Iterable[str | None], bool]]) -> dict[str, Offer]:
    """Return offers by name, aliases too, from (name, aliases, deprecated)."""
    found: dict[str, Offer] = {}
    called: dict[str, list[str]] = {}
    for name, aliases, deprecated in machines:
        found[name] = Offer(
            canonical=name, deprecated=deprecated, most_vcpus=type_names.most_vcpus(name)
        )
        for one in aliases:
            if one:
                called.setdefault(one, []).append(name)
    for alias, (first, *others) in called.items():
        found.setdefault(alias, replace(found[first], twins=tuple(others)))
    return found


def offer(site: Site, definition: Definition) -> Offer | Missing:
    """Return a domain's machine type as an atlas or a release has it."""
    name, offered = definition.machine, site.offered(definition)
    if name is None:
        return Missing(reason=Reason.UNSUPPORTED, sentence="the domain names no machine type")
    if offered is None:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence=f"its machine types for {definition.architecture} guests are not known",
            remedy="make an atlas of its QEMU: samemachine probe --output FILE",
        )
    if name in offered:
        found = offered[name]
        return by_chance(name, found) if found.twins else found
    if site.whole or _is_elsewhere(site, name):
        return absent(name)
    return Missing(
        reason=Reason.UNSUPPORTED,
        sentence=f"whether it has {name} is not established",
        remedy="ask a host of that release: samemachine plan --to URI",
    )


def _is_elsewhere(site: Site, name: str) -> bool:
    """Tell whether a release can't have a type, though its own are not all established.

    Another distribution's own types are in its packages only. QEMU's are listed by its version,
    where a distribution leaves none of them out.
    """
    vendor, distribution = type_names.parse(name).vendor, (site.release or "").split(":")[0]
    if not distribution:
        return False
    if vendor is Vendor.UPSTREAM:
        return catalogue.builds_upstream(distribution)
    return vendor is not Vendor.OPAQUE and vendor != distribution


def way(source: Site, target: Site, on: date) -> Way:
    """Say whether guests may move live between the releases of two sites."""
    known = release_dates.known()
    if isinstance(known, Missing):
        return Way(source=source.name, supported=None, why=known.sentence)
    if source.release is None or target.release is None:
        unseen = dict.fromkeys(one.name for one in (source, target) if one.release is None)
        return Way(
            source=source.name,
            supported=None,
            why=f"the release of {' and '.join(unseen)} can't be seen from here; look it up: "
            "samemachine path FROM TO",
        )
    answer = releases.path(source.release, target.release, known, on=on, live=True)
    supported = {releases.Supported.YES: True, releases.Supported.NO: False}
    return Way(
        source=source.name,
        supported=supported.get(answer.supported),
        why=answer.why,
        around=tuple(one.codename for one in answer.through),
    )
