"""``same-network``: does the guest have the network interfaces of the baseline, where they were?"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, Kind, groups, judged, same_boot
from host_agent.finding import Finding

if TYPE_CHECKING:
    # Few domains have a baseline.
    from host_agent.evidence.hardware import NetworkInterface

ID = "same-network"

_Key = tuple[str, str]


def check(case: Case) -> Finding:
    """Compare permanent MAC addresses and what carries them (guest.proto, ``Network``).

    A guest may take an interface on another slot for a new card: its name, and with Windows its
    static address, hang on the slot. Names are compared only over a boot; within one it is the
    guest that renames.
    """
    both = groups(ID, case, "network interfaces", lambda hardware: hardware.network)
    if isinstance(both, Finding):
        return both
    then, now = both
    found = list(_changes(then, now))
    if same_boot(case) is False:
        found += _renamed(then, now)
    number = f"{len(now)} network interface" + ("" if len(now) == 1 else "s")
    return judged(ID, case, found, f"the guest has the same {number}")


def _changes(
    then: "tuple[NetworkInterface, ...]", now: "tuple[NetworkInterface, ...]"
) -> Iterator[Change]:
    before, after = (Counter(map(_key, side)) for side in (then, now))
    gone, new = before - after, after - before
    # An address that the guest made itself tells nothing: the place must do.
    for _, old, other in _pairs(gone, new, 1):
        if not (old[0] and other[0]):
            gone[old] -= 1
            new[other] -= 1
    # The same card elsewhere, then another card in the same place; each only where it is certain.
    for part, words in (
        (0, "{0} moved {1} -> {2}"),
        (1, "the interface at {0} had {1}, has {2}"),
    ):
        for key, old, other in _pairs(gone, new, part):
            gone[old] -= 1
            new[other] -= 1
            sentence = words.format(key, old[1 - part], other[1 - part])
            yield Change(
                sentence=sentence,
                old=f"{_mac(old)} at {old[1]}",
                new=f"{_mac(other)} at {other[1]}",
            )
    for word, side in (("gone", gone), ("new", new)):
        for left in sorted(side.elements()):
            name = f"{_mac(left)} at {left[1]}"
            yield Change(
                sentence=f"{name} is {word}",
                old=name if word == "gone" else f"{name}: absent",
                new=name if word == "new" else f"{name}: absent",
            )


def _pairs(gone: Counter[_Key], new: Counter[_Key], part: int) -> list[tuple[str, _Key, _Key]]:
    """Return the keys that one part alone tells apart on both sides."""
    left, come = _by_part(gone, part), _by_part(new, part)
    return [
        (name, olds[0], come[name][0])
        for name, olds in left.items()
        if name and len(olds) == len(come.get(name, ())) == 1
    ]


def _by_part(side: Counter[_Key], part: int) -> dict[str, list[_Key]]:
    found: dict[str, list[_Key]] = {}
    for key in side.elements():
        found.setdefault(key[part], []).append(key)
    return found


def _renamed(
    then: "tuple[NetworkInterface, ...]", now: "tuple[NetworkInterface, ...]"
) -> Iterator[Change]:
    before, after = (Counter(map(_key, side)) for side in (then, now))
    names = {_key(one): one.name for one in then}
    for one in now:
        key = _key(one)
        if before[key] == after[key] == 1 and names[key] != one.name:
            yield Change(
                sentence=f"{_mac(key)} is now named {one.name}, was {names[key]}",
                old=f"{_mac(key)} named {names[key]}",
                new=f"{_mac(key)} named {one.name}",
                kind=Kind.GUESTS,
            )


def _key(one: "NetworkInterface") -> _Key:
    """Return MAC, empty where the guest made it itself, and place."""
    return "" if one.permanent_unknown else one.mac, one.parent


def _mac(key: _Key) -> str:
    return key[0] or "an interface with a made-up address"
