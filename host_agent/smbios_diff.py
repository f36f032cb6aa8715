"""Two SMBIOS tables → what differs, structure and field. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

from host_agent.model import Area, Difference
from host_agent.smbios import END_OF_TABLE, Structure, split
from host_agent.smbios_fields import type_name, values

BIOS = 0
ABSENT = "absent"


def comparable(tables: bytes, other: bytes) -> bytes:
    """Return the tables without what the other side leaves to the firmware.

    The firmware writes a BIOS structure (type 0) of its own where QEMU hands it none, and ends the
    tables with a structure of any handle; so neither tells the machine that QEMU made.
    Raises ``SmbiosError``.
    """
    skip = firmwares_own(tables, other) | {END_OF_TABLE}
    return b"".join(
        structure.build() for structure in split(tables).structures if structure.type not in skip
    )


def firmwares_own(tables: bytes, other: bytes) -> frozenset[int]:
    """Return the types that only one of the two has because its firmware wrote them."""
    one, two = (
        any(structure.type == BIOS for structure in split(side).structures)
        for side in (tables, other)
    )
    return frozenset({BIOS}) if one != two else frozenset()


def differences(
    old: bytes, new: bytes, masked: Collection[tuple[int, str]] = ()
) -> tuple[Difference, ...]:
    """Return what differs between two tables; none: they are the same to a guest.

    ``masked`` are fields, by type and name, that are not compared. Structures are held against each
    other by type and by their order within the type. Raises ``SmbiosError``.
    """
    skip = firmwares_own(old, new) | {END_OF_TABLE}
    sides = [
        [structure for structure in split(side).structures if structure.type not in skip]
        for side in (old, new)
    ]
    before, after = map(_by_type, sides)
    found = list(_order(*([structure.type for structure in side] for side in sides)))
    for kind in sorted(before.keys() | after.keys()):
        found += _of_type(kind, before.get(kind, []), after.get(kind, []), masked)
    counted = Counter(found)
    # The same change in every processor is one change.
    return tuple(
        Difference(
            area=one.area, subject=one.subject, field=one.field, old=one.old, new=one.new,
            count=number,
        )
        for one, number in counted.items()
    )  # fmt: skip


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
            area=Area.SMBIOS, subject="structures", field="order of types", old=was, new=now
        )


def _of_type(
    kind: int, before: list[Structure], after: list[Structure], masked: Collection[tuple[int, str]]
) -> Iterator[Difference]:
    subject = f"type {kind} {type_name(kind)}" if type_name(kind)[:5] != "type " else f"type {kind}"
    if len(before) != len(after):
        yield Difference(
            area=Area.SMBIOS, subject=subject, field="structures",
            old=str(len(before)), new=str(len(after)),
        )  # fmt: skip
    for old, new in zip(before, after, strict=False):
        if old.build() == new.build():
            continue
        one, two = values(old), values(new)
        changed = False
        for field in one | two:
            was, now = one.get(field, ABSENT), two.get(field, ABSENT)
            if was != now:
                changed = True
                if (kind, field) not in masked:
                    yield Difference(
                        area=Area.SMBIOS, subject=subject, field=field, old=was, new=now
                    )
        if not changed:
            yield Difference(
                area=Area.SMBIOS, subject=subject, field="encoding",
                old="the same values", new="in other bytes",
            )  # fmt: skip
