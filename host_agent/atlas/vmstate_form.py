"""Descriptions of migration states as a form for files: each distinct one once. Pure.

::

    {"descriptions": [[name, version, minimum, [field, ...], [subsection, ...]], ...],
     "devices": {name: description}}

A description is referred to by its place in the list, where it stands after all its parts. A field
is a line, ``SIZE[xNUMBER] [vVERSION] [?] NAME``: ``?`` where it is guarded; ``#PLACE`` instead of a
size where it is made of parts.
"""

import re
from collections.abc import Mapping
from typing import Any

from host_agent.atlas.vmstate import (
    MOST_DEVICES,
    Description,
    Field,
    Pool,
    VmState,
    VmStateError,
    int_of,
    size_of,
    text_of,
)

_FIELD = re.compile(
    r"(?P<part>#?)(?P<size>[0-9]{1,15})(?:x(?P<number>-?[0-9]{1,10}))?"
    r"(?: v(?P<version>-?[0-9]{1,10}))?(?P<guarded> \?)? (?P<name>.*)",
    re.ASCII,
)
_MOST = 64 * MOST_DEVICES
_PARTS = 5


def to_form(state: VmState) -> dict[str, Any]:
    """Return the form, the same for the same state."""
    places: dict[int, int] = {}
    rows: list[list[Any]] = []

    def placed(one: Description) -> int:
        if id(one) not in places:
            fields = [_line(field, placed) for field in one.fields]
            subsections = [placed(part) for part in one.subsections]
            rows.append([one.name, one.version, one.minimum, fields, subsections])
            places[id(one)] = len(rows) - 1
        return places[id(one)]

    devices = {name: placed(one) for name, one in sorted(state.devices.items())}
    return {"descriptions": rows, "devices": devices}


def _line(field: Field, placed: Any) -> str:
    size = str(field.size) if field.description is None else f"#{placed(field.description)}"
    return "".join(
        (
            size,
            "" if field.number is None else f"x{field.number}",
            f" v{field.version}" if field.version else "",
            " ?" if field.guarded else "",
            f" {field.name}",
        )
    )


def from_form(form: Any) -> VmState:
    """Read the form; raises ``VmStateError``."""
    if not isinstance(form, dict):
        raise VmStateError("its migration states are no object")
    rows, devices = form.get("descriptions"), form.get("devices")
    if not isinstance(rows, list) or not isinstance(devices, dict) or len(rows) > _MOST:
        raise VmStateError("its migration states are no list, or too many")
    pool = Pool()
    made: list[Description] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != _PARTS:
            raise VmStateError("a description of a migration state is none")
        name, version, minimum, fields, subsections = row
        if not isinstance(fields, list) or not isinstance(subsections, list):
            raise VmStateError("a description of a migration state has no fields")
        made.append(
            pool.description(
                text_of(name),
                int_of(version),
                int_of(minimum),
                tuple(_field(line, made) for line in fields),
                tuple(_part(place, made) for place in subsections),
            )
        )
    return pool.whole(_devices(devices, made))


def _devices(form: Mapping[Any, Any], made: list[Description]) -> dict[str, Description]:
    return {text_of(name): _part(place, made) for name, place in form.items()}


def _part(place: Any, made: list[Description]) -> Description:
    # Only what stands before it: so nothing is part of itself.
    if type(place) is not int or not 0 <= place < len(made):
        raise VmStateError("a part of a migration state is none")
    return made[place]


def _field(line: Any, made: list[Description]) -> Field:
    found = _FIELD.fullmatch(line) if isinstance(line, str) else None
    if found is None:
        raise VmStateError("a field of a migration state is none")
    size, number = int(found["size"]), found["number"]
    part = bool(found["part"])
    return Field(
        name=text_of(found["name"]),
        version=int_of(int(found["version"] or 0)),
        guarded=found["guarded"] is not None,
        size=0 if part else size_of(size),
        number=None if number is None else int_of(int(number)),
        description=_part(size, made) if part else None,
    )
