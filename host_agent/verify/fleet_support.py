"""Where a fleet stands: on which releases, with which machine types, how long those last. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from host_agent.machine_types import listing, releases
from host_agent.machine_types.releases import SHOWN, Known, Matrix, Release
from host_agent.machine_types.vendors import Vendor
from host_agent.records.audited import AuditedHost


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The paths between the releases of one distribution, and who stands on which of them."""

    matrix: Matrix
    hosts: Mapping[Release, tuple[str, ...]]
    """Names, by release."""
    domains: Mapping[Release, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedType:
    """A machine type that domains have."""

    name: str
    vendor: Vendor
    base: str | None
    """Version of QEMU whose machine it is; None: not established."""
    removed: str | None
    """When it goes, in words; None: nobody has said."""
    support_ends: date | None
    """The first day on which one of its hosts' distributions vouches for it no longer, less one."""
    domains: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSupport:
    """All of it, on a day."""

    on: date
    standings: tuple[Standing, ...]
    elsewhere: tuple[str, ...]
    """Hosts of which the release is not known."""
    types: tuple[UsedType, ...]
    """Most domains first."""


def of(hosts: Sequence[AuditedHost], known: Known, on: date) -> FleetSupport:
    """Return where hosts stand on a day; ``known``: the releases that are known."""
    release = {id(host): _release(host, known) for host in hosts}
    return FleetSupport(
        on=on,
        standings=tuple(
            _standing(distribution, hosts, release, known, on)
            for distribution in SHOWN
            if any(one and one.distribution == distribution for one in release.values())
        ),
        elsewhere=tuple(host.name for host in hosts if release[id(host)] is None),
        types=tuple(_types(hosts, release, known)),
    )


def _release(host: AuditedHost, known: Known) -> Release | None:
    return releases.of_system(host.distribution, known) if host.distribution else None


def _standing(
    distribution: str,
    hosts: Sequence[AuditedHost],
    release: Mapping[int, Release | None],
    known: Known,
    on: date,
) -> Standing:
    """Show the releases of the day, and those that hosts have: none between them is left out."""
    series = releases.of(known, distribution)
    here = [host for host in hosts if release[id(host)] in series]
    shown = {*releases.current(known, distribution, on)}
    shown |= {one for host in here if (one := release[id(host)]) is not None}
    places = [series.index(one) for one in shown]
    chosen = series[min(places) : max(places) + 1]
    return Standing(
        matrix=releases.matrix(chosen, known, on),
        hosts={
            one: tuple(host.name for host in here if release[id(host)] == one) for one in chosen
        },
        domains={
            one: sum(len(host.domains) for host in here if release[id(host)] == one)
            for one in chosen
        },
    )


def _types(
    hosts: Sequence[AuditedHost], release: Mapping[int, Release | None], known: Known
) -> Iterable[UsedType]:
    users: dict[str, list[AuditedHost]] = {}
    for host in hosts:
        for domain in host.domains:
            if domain.machine:
                users.setdefault(domain.machine, []).append(host)
    for name, used in sorted(users.items(), key=lambda item: (-len(item[1]), item[0])):
        told = [
            listing.listed(name, known, one)
            for one in dict.fromkeys(release[id(host)] for host in used)
        ]
        ends = [one.support_ends for one in told if one.support_ends is not None]
        yield UsedType(
            name=name,
            vendor=told[0].vendor,
            base=told[0].base,
            removed=told[0].removed,
            support_ends=min(ends, default=None),
            domains=len(used),
            hosts=tuple(dict.fromkeys(host.name for host in used)),
        )
