"""What a second QEMU makes of the migration states that a first one sends. Pure.

A stream names a device's section and its version, and the subsections that follow; the fields are
bytes, one after the other (QEMU docs/devel/migration/main.rst, ``migration/vmstate.c:
vmstate_load_state``). So:

- a section of a newer version than is known there, of one older than is taken, or of a name that
  is not known is refused;
- what is always sent and not read there, or the other way round, makes the section end elsewhere,
  and it is refused as well ("Missing section footer");
- a subsection that is not known there is refused, but it is sent only where the device needs it;
- names of fields, and how they are grouped into parts, are no matter.

What is guarded QEMU sends or reads where it is needed by machine type or state: whether both sides
agree on it can't be seen here. Two layouts can also be of one length by luck, so that nothing that
is said of fields is sure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from host_agent.atlas.vmstate import Description, VmState


class Reading(StrEnum):
    """What becomes of it on arrival."""

    REFUSED = "refused"
    """QEMU compares it, and refuses what is sent."""
    MISREAD = "misread"
    """Bytes that are always sent, or read, are others."""
    DEPENDS = "depends"
    """What is not taken there is sent only in some states, or of some machine types."""
    READ = "read"
    """The other QEMU takes what is sent."""


class Kind(StrEnum):
    """Of what a change is."""

    DEVICE = "device"
    NAME = "name"
    VERSION = "version"
    FIELDS = "fields"
    SUBSECTION = "subsection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way in which a device is described otherwise."""

    kind: Kind
    reading: Reading
    what: str
    """In words that fit into "of this device: …"."""


_NOT_DESCRIBED = Change(
    kind=Kind.DEVICE,
    reading=Reading.DEPENDS,
    what="not described there: QEMU there does not have it, has it in a module that is not "
    "installed, or sends nothing of it",
)
_Leaf = tuple[str, int, bool]
"""Name, size in bytes, guarded."""
_SHOWN = 3
_MOST_PAIRS = 10_000
"""How many pairs of fields are held against each other to find what was put in between."""


def changes(old: VmState, new: VmState) -> dict[str, tuple[Change, ...]]:
    """Return for each device that the old one describes how the new one does otherwise."""
    counted = old.counted and new.counted
    found: dict[str, tuple[Change, ...]] = {}
    for device, sent in old.devices.items():
        known = new.devices.get(device) or _renamed(sent, old, new)
        if known is None:
            found[device] = (_NOT_DESCRIBED,)
        elif known != sent:
            of_it = tuple(_between(sent, known, counted))
            if of_it:
                found[device] = of_it
    return found


def _renamed(sent: Description, old: VmState, new: VmState) -> Description | None:
    """Return what the new one describes under another device's name and the same of its own.

    The device's name is not sent, its description's is.
    """
    names = (name for name, one in new.devices.items() if one.name == sent.name)
    return next((new.devices[name] for name in names if name not in old.devices), None)


def _between(sent: Description, known: Description, counted: bool) -> Iterator[Change]:
    if sent.name != known.name:
        yield Change(
            kind=Kind.NAME,
            reading=Reading.REFUSED,
            what=f"sent as {sent.name!r}, known there as {known.name!r}",
        )
    yield from _versions(sent, known, Kind.VERSION, "")
    yield from _fields(sent, known, sent.version, counted, "")
    yield from _subsections(sent, known, counted)


def _versions(sent: Description, known: Description, kind: Kind, of: str) -> Iterator[Change]:
    refused = Reading.DEPENDS if kind is Kind.SUBSECTION else Reading.REFUSED
    if sent.version > known.version:
        what = f"sends version {sent.version}, and {known.version} is the newest there"
    elif sent.version < known.minimum:
        what = f"sends version {sent.version}, and {known.minimum} is the oldest that is taken"
    elif (sent.version, sent.minimum) != (known.version, known.minimum):
        refused = Reading.READ
        what = (
            f"version {sent.version} (from {sent.minimum}) here, {known.version} (from "
            f"{known.minimum}) there"
        )
    else:
        return
    yield Change(kind=kind, reading=refused, what=f"{of}{what}")


def _subsections(sent: Description, known: Description, counted: bool) -> Iterator[Change]:
    ours, theirs = _all_subsections(sent), _all_subsections(known)
    for name, one in ours.items():
        if name not in theirs:
            yield Change(
                kind=Kind.SUBSECTION,
                reading=Reading.DEPENDS,
                what=f"subsection {name}, which is not known there",
            )
            continue
        of = f"subsection {name}: "
        yield from _versions(one, theirs[name], Kind.SUBSECTION, of)
        for change in _fields(one, theirs[name], one.version, counted, of):
            depends = change.reading is not Reading.READ
            yield Change(
                kind=Kind.SUBSECTION,
                reading=Reading.DEPENDS if depends else Reading.READ,
                what=change.what,
            )
    added = [name for name in theirs if name not in ours]
    if added:
        what = f"subsections that are not sent from here: {_some(added)}"
        yield Change(kind=Kind.SUBSECTION, reading=Reading.READ, what=what)


def _all_subsections(one: Description) -> dict[str, Description]:
    """Return those of a description and of its parts, by name; a part's follow the part."""
    found: dict[str, Description] = {}
    for part in one.subsections:
        found |= {part.name: part} | _all_subsections(part)
    for field in one.fields:
        if field.description is not None:
            found |= _all_subsections(field.description)
    return found


def _leaves(
    one: Description, version: int, counted: bool, guarded: bool = False
) -> Iterator[_Leaf]:
    """Yield what is sent, or read, of a description at a version.

    A part is sent and read at each side's own version of it (``VMS_STRUCT``), which is not sent.
    Of what is guarded the guard alone decides (``vmstate_field_exists``).
    """
    for field in one.fields:
        if field.version > version and not field.guarded:
            continue
        number = 1 if field.number is None or not counted else field.number
        unsure = guarded or field.guarded
        if field.description is None:
            yield field.name, field.size * number, unsure
        else:
            part = field.description
            for name, size, maybe in _leaves(part, part.version, counted, unsure):
                yield f"{field.name}.{name}", size, maybe


def _fields(
    sent: Description, known: Description, version: int, counted: bool, of: str
) -> Iterator[Change]:
    """Compare byte for byte what is sent with what is read of this version."""
    ours, theirs = list(_leaves(sent, version, counted)), list(_leaves(known, version, counted))
    for one, two in _blocks(ours, theirs):
        reading = _reading(one, two, counted)
        if reading is not None:
            yield Change(kind=Kind.FIELDS, reading=reading, what=f"{of}{_told(one, two)}")


def _blocks(ours: list[_Leaf], theirs: list[_Leaf]) -> Iterator[tuple[list[_Leaf], list[_Leaf]]]:
    """Yield what differs: what is sent here, and what is read there in its place."""
    first = 0
    while first < min(len(ours), len(theirs)) and ours[first][1:] == theirs[first][1:]:
        first += 1
    ours, theirs = ours[first:], theirs[first:]
    while ours and theirs and ours[-1][1:] == theirs[-1][1:]:
        ours, theirs = ours[:-1], theirs[:-1]
    if len(ours) * len(theirs) > _MOST_PAIRS:
        yield ours, theirs
        return
    pairs = SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes()
    for kind, from_, to, there, until in pairs:
        if kind != "equal":
            yield ours[from_:to], theirs[there:until]


def _reading(sent: list[_Leaf], read: list[_Leaf], counted: bool) -> Reading | None:
    """Say what becomes of a block; None: nothing differs that can be told."""
    if [one[1:] for one in sent] == [one[1:] for one in read]:
        return None
    everything = [*sent, *read]
    if not any(size for _, size, _ in everything):
        return None
    if [one[1] for one in sent] == [one[1] for one in read]:
        # Only whether they are guarded differs: a guard came, or went with what it was for.
        return Reading.READ
    always = [one for one in everything if not one[2]]
    if len(always) == len(everything) and _is_as_long(sent, read, counted):
        return None
    if any(guarded for _, _, guarded in read):
        return Reading.READ
    return Reading.MISREAD if always else Reading.DEPENDS


def _is_as_long(sent: list[_Leaf], read: list[_Leaf], counted: bool) -> bool:
    if sum(size for _, size, _ in sent) == sum(size for _, size, _ in read):
        return True
    # Where a dump does not count them, five of one byte look like one.
    return (
        not counted
        and len(sent) == len(read)
        and all(
            ours != theirs and one and two and max(one, two) % min(one, two) == 0
            for (ours, one, _), (theirs, two, _) in zip(sent, read, strict=True)
        )
    )


def _told(sent: list[_Leaf], read: list[_Leaf]) -> str:
    if not read:
        return f"not read there: {_some([_sized(one) for one in sent])}"
    if not sent:
        return f"not sent from here, but read there: {_some([_sized(one) for one in read])}"
    return (
        f"{_some([_sized(one) for one in sent])} here, {_some([_sized(one) for one in read])} there"
    )


def _sized(leaf: _Leaf) -> str:
    name, size, guarded = leaf
    return f"{name} ({f'{size} bytes' if size != 1 else '1 byte'}{', guarded' if guarded else ''})"


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
