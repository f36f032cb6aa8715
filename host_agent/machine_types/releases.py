"""Releases of Debian and Ubuntu on a date, and between which of them guests may move. Pure.

The rules are Ubuntu's (wiki.ubuntu.com/QemuKVMMigration and its support matrix): a release to
itself, any release to the one that follows it, an LTS to the next LTS and to the one after; both
ends supported on the day. Debian's, in the same shape: a release to itself and to the next, which
is how Debian itself is upgraded (release notes, "skipping releases is not supported"). When a
release's support ends is never in a table of ours: it comes from distro-info-data.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from host_agent.machine_types import catalogue
from host_agent.machine_types.surroundings import DEBIAN, UBUNTU, Release

__all__ = [
    "DEBIAN", "SHOWN", "UBUNTU", "Cell", "Known", "Matrix", "PathAnswer", "Release", "Supported",
    "TypeEnd", "allowed", "current", "find", "from_lts", "matrix", "of", "of_system", "path",
    "standing", "type_end",
]  # fmt: skip

Known = Sequence[Release]
"""Releases, a distribution's in the order in which they were made."""

SHOWN = {UBUNTU: "Ubuntu", DEBIAN: "Debian"}


class Supported(StrEnum):
    """Whether guests may move from one release to another."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathAnswer:
    """Whether a path is supported, why, and what else there is."""

    origin: str
    target: str
    on: date
    live: bool
    supported: Supported
    why: str
    through: tuple[Release, ...] = ()
    """The way round, both ends included; none where there is none or none is needed."""
    note: str | None = None
    """What is wrong with the way round: a release on it is not supported on the day."""
    remedy: str | None = None


def find(name: str, known: Known, on: date | None = None) -> Release | None:
    """Return a release by ``noble``, ``24.04``, ``ubuntu:noble``, ``debian:12``; None: no such.

    With a day, ``debian:stable``, ``debian:oldstable`` and ``debian:testing`` are known as well.
    """
    distribution, colon, rest = name.lower().partition(":")
    wanted = rest if colon else distribution
    if on is not None and (not colon or distribution == DEBIAN):
        wanted = _debian_word(wanted, known, on) or wanted
    for one in known:
        if colon and one.distribution != distribution:
            continue
        # A bare 12 may be anything.
        if wanted == one.codename or (wanted == one.version and (colon or "." in wanted)):
            return one
    return None


def of_system(name: str, known: Known) -> Release | None:
    """Return the release of a system by its name, ``Ubuntu 24.04`` or ``Debian forky``."""
    distribution, _, version = name.partition(" ")
    if distribution not in SHOWN.values():
        return None
    return find(f"{distribution}:{version}", known)


def _debian_word(word: str, known: Known, on: date) -> str | None:
    debian = [one for one in known if one.distribution == DEBIAN and one.created <= on]
    out = [one for one in debian if one.is_released(on)]
    coming = [one for one in debian if not one.is_released(on)]
    words = {
        "stable": out[-1:], "oldstable": out[-2:-1], "oldoldstable": out[-3:-2],
        "testing": coming[:1],
    }  # fmt: skip
    return next((one.codename for one in words.get(word, ())), None)


def allowed(origin: Release, target: Release, known: Known) -> str | None:
    """Return the rule that allows a path, whatever the day; None: there is none."""
    series = of(known, origin.distribution)
    if origin.distribution != target.distribution:
        return None
    here, there = series.index(origin), series.index(target)
    if here == there:
        return "a release to itself"
    if there == here + 1:
        return "a release to the one that follows it"
    if origin.lts and target.lts:
        lts = [one for one in series if one.lts]
        steps = lts.index(target) - lts.index(origin)
        return {1: "an LTS to the next LTS", 2: "an LTS to the second LTS after it"}.get(steps)
    return None


def of(known: Known, distribution: str) -> Sequence[Release]:
    """Return one distribution's releases, oldest first."""
    return [one for one in known if one.distribution == distribution]


def path(origin: str, target: str, known: Known, *, on: date, live: bool) -> PathAnswer:
    """Say whether guests may move from one release to another on a day, live or stopped.

    For a stopped guest the paths are the same, except that an unsupported one is answered by
    raising its machine type.
    """
    one, other = find(origin, known, on), find(target, known, on)
    if one is None or other is None:
        return _unknown(origin, target, known, on=on, live=live)
    supported, why = _judged(one, other, known, on)
    through: tuple[Release, ...] = ()
    note = remedy = None
    if supported is Supported.NO and not _backward(one, other, known):
        through, note = _way_round(one, other, known, on)
    if supported is Supported.NO and not live:
        remedy = _remedy(one, other, known, on)
    return PathAnswer(
        origin=str(one),
        target=str(other),
        on=on,
        live=live,
        supported=supported,
        why=why,
        through=through,
        note=note,
        remedy=remedy,
    )


def _backward(origin: Release, target: Release, known: Known) -> bool:
    series = of(known, origin.distribution)
    return target in series and series.index(target) < series.index(origin)


def _remedy(origin: Release, target: Release, known: Known, on: date) -> str | None:
    """What can be done for a stopped guest (QemuKVMMigration, "Upgrade machine type")."""
    if not target.is_supported(on):
        return None
    if _backward(origin, target, known):
        return (
            "a stopped guest starts there where its machine type is offered, at your own risk: "
            f"samemachine plan --to {target.codename}"
        )
    return (
        f"stop the guest, give it a machine type that {target.codename} offers, start it there: "
        "samemachine upgrade DOMAIN --to TYPE"
    )


def _judged(origin: Release, target: Release, known: Known, on: date) -> tuple[Supported, str]:
    if origin.distribution != target.distribution:
        return Supported.NO, (
            "between distributions: it may work with QEMU's own machine types, and neither "
            "supports it"
        )
    rule = allowed(origin, target, known)
    shown = SHOWN.get(origin.distribution, origin.distribution)
    if _backward(origin, target, known):
        return Supported.NO, f"backward: QEMU and {shown} call that risky and do not support it"
    if rule is None:
        return Supported.NO, f"no path of {shown}'s policy: {_paths(origin, known)}"
    ended = [standing(one, on) for one in dict.fromkeys((origin, target))]
    if any(ended):
        return Supported.NO, f"{rule}, but {' and '.join(filter(None, ended))}"
    both = "it is" if origin == target else "both are"
    return Supported.YES, f"{rule}; {both} supported on {on}"


def _paths(origin: Release, known: Known) -> str:
    targets = [
        one.codename
        for one in of(known, origin.distribution)
        if one != origin and allowed(origin, one, known)
    ]
    kind = "the LTS " if origin.lts else "the interim " if origin.distribution == UBUNTU else ""
    return f"{kind}{origin.codename} goes to {', '.join(targets) or 'none yet'}"


def standing(release: Release, on: date) -> str | None:
    """Why a release is not supported on a day; None: it is."""
    if release.is_supported(on):
        return None
    if release.support_end is not None and on > release.support_end:
        later = [f"{name} until {last}" for name, last in release.extended if on <= last]
        more = f" ({', '.join(later)})" if later else ""
        return f"{release.codename}'s support ended on {release.support_end}{more}"
    when = f" before {release.released}" if release.released else " yet"
    return f"{release.codename} is not released{when}"


def _way_round(
    origin: Release, target: Release, known: Known, on: date
) -> tuple[tuple[Release, ...], str | None]:
    """The way over supported releases, else the policy's way with what is wrong on it."""
    if origin.distribution != target.distribution:
        return (), None
    series = of(known, origin.distribution)
    supported = [one for one in series if one.is_supported(on)]
    # Where the guests are, they are: the rest of the way may still be good.
    for usable in (supported, [origin, *supported], series):
        way = _shortest(origin, target, usable, known)
        if len(way) > 2:
            ended = [told for one in way if (told := standing(one, on)) is not None]
            return way, "; ".join(ended) or None
    return (), None


def _shortest(
    origin: Release, target: Release, usable: Sequence[Release], known: Known
) -> tuple[Release, ...]:
    if origin not in usable:
        return ()
    before: dict[Release, Release | None] = {origin: None}
    waiting = deque([origin])
    while waiting:
        here = waiting.popleft()
        for there in usable:
            if there not in before and allowed(here, there, known):
                before[there] = here
                waiting.append(there)
    return tuple(reversed(list(_back(target, before)))) if target in before else ()


def _back(release: Release, before: dict[Release, Release | None]) -> Iterator[Release]:
    here: Release | None = release
    while here is not None:
        yield here
        here = before[here]


def _unknown(origin: str, target: str, known: Known, *, on: date, live: bool) -> PathAnswer:
    lacking = [name for name in (origin, target) if find(name, known, on) is None]
    listed = [one for one in map(catalogue.release, lacking) if one is not None]
    if listed:
        why = f"no support policy for guests between releases of {listed[0].distribution} is known"
        remedy = None
    else:
        why = f"no release {' or '.join(lacking)} is known"
        remedy = _advice(known)
    return PathAnswer(
        origin=origin,
        target=target,
        on=on,
        live=live,
        supported=Supported.UNKNOWN,
        why=why,
        remedy=remedy,
    )


def _advice(known: Known) -> str:
    """What may be meant by a name that no list has; a newer list need not have it either."""
    newest = [
        f"{SHOWN[one]} up to {of(known, one)[-1]}" for one in (UBUNTU, DEBIAN) if of(known, one)
    ]
    return (
        f"name one of those that this host's distro-info-data lists: {', '.join(newest)}; Debian's "
        "and Ubuntu's are all that have such a policy"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeEnd:
    """Until when a distribution keeps the machine types of one of its releases."""

    last: date | None
    """The last day; None: not dated yet."""
    why: str


def type_end(release: Release, known: Known) -> TypeEnd:
    """Say until when the machine types of a release are kept (Ubuntu's policy, "Cleanup").

    Those of an LTS end with its support, those of an interim release with the next LTS: guests come
    there with them, and go on from there with a newer one.
    """
    if release.lts:
        return TypeEnd(last=release.support_end, why=f"with {release.codename}'s support")
    series = of(known, release.distribution)
    later = [one for one in series[series.index(release) + 1 :] if one.lts]
    if not later:
        return TypeEnd(last=None, why="with the next LTS, which has no date yet")
    # The last interim release is still supported when that LTS comes out.
    dates = [one for one in (later[0].released, release.support_end) if one is not None]
    return TypeEnd(last=max(dates, default=None), why=f"with the LTS {later[0].codename}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One path of the matrix."""

    allowed: bool
    """By the policy, whatever the day."""
    supported: bool
    """And both ends are supported on the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The paths between consecutive releases."""

    on: date
    releases: tuple[Release, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """A row for each release that guests come from."""


def matrix(chosen: Sequence[Release], known: Known, on: date) -> Matrix:
    """Return the paths between some releases on a day."""
    return Matrix(
        on=on,
        releases=tuple(chosen),
        rows=tuple(
            tuple(
                Cell(
                    allowed=bool(allowed(origin, target, known)),
                    supported=bool(allowed(origin, target, known))
                    and origin.is_supported(on)
                    and target.is_supported(on),
                )
                for target in chosen
            )
            for origin in chosen
        ),
    )


def from_lts(first: Release, known: Known) -> Sequence[Release]:
    """Return a release and those after it, to the second LTS after it or the last one known."""
    series = of(known, first.distribution)
    chosen, lts = [], 0
    for one in series[series.index(first) :]:
        chosen.append(one)
        lts += one.lts and one != first
        if lts == 2:
            break
    return chosen


def current(known: Known, distribution: str, on: date) -> Sequence[Release]:
    """Return the releases of a day: from the oldest supported to the newest one."""
    series = of(known, distribution)
    there = [number for number, one in enumerate(series) if one.is_supported(on)]
    return series[there[0] : there[-1] + 1] if there else []
