"""Two SMBIOS tables → what differs, structure and field. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice

from host_agent.difference import Area, Difference
from host_agent.firmware import smbios
from host_agent.firmware.smbios import END_OF_TABLE, Structure, split
from host_agent.firmware.smbios_fields import changed, type_name, values
from host_agent.printable import shortened

MOST = 48
"""Differences that are told; what a QEMU changes is less."""
BIOS = 0
ABSENT = "absent"
_LONGEST = 300
_MOST_SLOW = 512
"""Pairs of structures of which every value is read; others take only what differs."""


def are_same(tables: bytes, other: bytes) -> bool:
    """Tell whether a guest sees the same in both, byte for byte, but for what is the firmware's.

    The firmware writes a BIOS structure (type 0) of its own where QEMU hands it none, and ends the
    tables with a structure of any handle; so neither tells the machine that QEMU made.
    Raises ``SmbiosError``.
    """
    if tables == other:
        return True
    one, two = _comparable(tables, other)
    return one == two


def _comparable(old: bytes, new: bytes) -> tuple[list[Structure], list[Structure]]:
    one, two = split(old).structures, split(new).structures
    skip = _firmwares_own(one, two) | {END_OF_TABLE}
    return (
        [structure for structure in one if structure.type not in skip],
        [structure for structure in two if structure.type not in skip],
    )


def _firmwares_own(one: Sequence[Structure], two: Sequence[Structure]) -> frozenset[int]:
    """Return the types that only one of the two has because its firmware wrote them."""
    mine, theirs = (any(structure.type == BIOS for structure in side) for side in (one, two))
    return frozenset({BIOS}) if mine != theirs else frozenset()


def entry_points(old: bytes, new: bytes) -> Iterator[Difference]:
    """Yield what differs between two entry points: their kind and version."""
    was, now = (smbios.version(one) or ABSENT for one in (old, new))
    if was != now:
        yield Difference(area=Area.SMBIOS, subject="entry point", field="version", old=was, new=now)


def differences(
    old: bytes, new: bytes, masked: Collection[tuple[int, str]] = ()
) -> tuple[Difference, ...]:
    """Return what differs between two tables; none: they are the same to a guest.

    ``masked`` are fields, by type and name, that are not compared. Structures are held against each
    other by type and by their order within the type. Where more than ``MOST`` things differ, the
    rest is one: how many structures more differ. Raises ``SmbiosError``.
    """
    one, two = _comparable(old, new)
    before, after = _by_type(one), _by_type(two)
    counted = Counter(_order([each.type for each in one], [each.type for each in two]))
    rest = 0
    slow = _MOST_SLOW
    for kind in sorted(before.keys() | after.keys()):
        counted.update(_number(kind, before.get(kind, []), after.get(kind, [])))
        for was, now in zip(before.get(kind, []), after.get(kind, []), strict=False):
            if was == now:
                continue
            found = None if len(counted) > MOST else changed(was, now)
            if found is None and slow and len(counted) <= MOST:
                slow -= 1
                found = _all_values(was, now)
            if found is None:
                rest += 1
            else:
                # The same change in every processor is one change.
                counted.update(_of_structure(kind, found, masked))
    return (*_named(counted), *_cut(len(counted) - MOST, rest))


def _named(counted: Counter[Difference]) -> tuple[Difference, ...]:
    return tuple(
        Difference(
            area=one.area,
            subject=one.subject,
            field=one.field,
            old=one.old,
            new=one.new,
            count=number,
        )
        for one, number in islice(counted.items(), MOST)
    )


def _cut(more: int, structures: int) -> Iterator[Difference]:
    """Say what is not told one by one."""
    if more > 0:
        yield Difference(
            area=Area.SMBIOS,
            subject="and more",
            field="fields, of structures told above",
            old="as they were",
            new="others",
            count=more,
        )
    if structures:
        yield Difference(
            area=Area.SMBIOS,
            subject="and more",
            field="structures",
            old="as they were",
            new="others",
            count=structures,
        )


def _by_type(structures: Iterable[Structure]) -> dict[int, list[Structure]]:
    found: dict[int, list[Structure]] = defaultdict(list)
    for structure in structures:
        found[structure.type].append(structure)
    return found


def _order(old: list[int], new: list[int]) -> Iterator[Difference]:
    """Yield that the same types lie in another order."""
    if old != new and sorted(old) == sorted(new):
        was, now = (", ".join(str(kind) for kind, _ in groupby(side)) for side in (old, new))
        yield Difference(
            area=Area.SMBIOS,
            subject="structures",
            field="order of types",
            old=shortened(was, _LONGEST),
            new=shortened(now, _LONGEST),
        )


def _number(
    kind: int, before: Sequence[Structure], after: Sequence[Structure]
) -> Iterator[Difference]:
    if len(before) != len(after):
        yield Difference(
            area=Area.SMBIOS,
            subject=_subject(kind),
            field="structures",
            old=str(len(before)),
            new=str(len(after)),
        )


def _all_values(old: Structure, new: Structure) -> list[tuple[str, str, str]]:
    one, two = values(old), values(new)
    return [
        (field, was, now)
        for field in one | two
        if (was := one.get(field, ABSENT)) != (now := two.get(field, ABSENT))
    ]


def _of_structure(
    kind: int, found: Sequence[tuple[str, str, str]], masked: Collection[tuple[int, str]]
) -> Iterator[Difference]:
    for field, was, now in found:
        if (kind, field) not in masked:
            yield Difference(
                area=Area.SMBIOS, subject=_subject(kind), field=field, old=was, new=now
            )
    if not found:
        yield Difference(
            area=Area.SMBIOS,
            subject=_subject(kind),
            field="encoding",
            old="the same values",
            new="in other bytes",
        )


def _subject(kind: int) -> str:
    name = type_name(kind)
    return f"type {kind} {name}" if name[:5] != "type " else f"type {kind}"
