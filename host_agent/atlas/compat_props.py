"""Properties that a machine type sets so that devices stay as they were. Pure.

QEMU 9.1 and newer tell them (``query-machines`` with ``compat-props``, ``qapi/machine.json``). A
property may be set several times; the last one counts (``qom/object.c:
object_apply_global_props``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from host_agent.printable import printable

MOST = 4096
"""Properties of one machine type; the most measured are 229."""
_RANGES = re.compile(r"[0-9]{1,6}(-[0-9]{1,6})?(,[0-9]{1,6}(-[0-9]{1,6})?)*|", re.ASCII)
_PARTS = 3


class CompatPropsError(ValueError):
    """The form is none of properties; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Property:
    """What a machine type sets of a device model."""

    model: str
    """The model's name, or that of a kind of models: ``virtio-pci``."""
    name: str
    value: str

    def __str__(self) -> str:
        """Return for example ``scsi-block.migrate-pr=off``."""
        return f"{self.model}.{self.name}={self.value}"


Properties = tuple[Property, ...]
"""Sorted, each once."""


def of_qmp(entries: Any) -> Properties:
    """Read what QMP says of one machine type; raises ``CompatPropsError``."""
    if not isinstance(entries, list) or len(entries) > MOST:
        raise CompatPropsError("QEMU's properties of a machine type are no list, or too many")
    found: dict[tuple[str, str], str] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            raise CompatPropsError("a property of a machine type is none")
        model, name, value = (_text(entry.get(key)) for key in ("qom-type", "property", "value"))
        found[model, name] = value
    properties = (
        Property(model=one, name=name, value=value) for (one, name), value in found.items()
    )
    return tuple(sorted(properties))


def differing(
    old: Properties, new: Properties
) -> tuple[tuple[Property | None, Property | None], ...]:
    """Return (before, after) of each property that is not set alike; None: not set."""
    before, after = (
        {(one.model, one.name): one for one in properties} for properties in (old, new)
    )
    return tuple(
        (before.get(key), after.get(key))
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    )


class Table:
    """The properties of many machine types as a form: each distinct one once."""

    def __init__(self) -> None:
        self._places: dict[Property, int] = {}

    def form(self, properties: Properties) -> str:
        """Return one type's properties, by their places in the list: ``0-17,20``."""
        places = sorted(self._places.setdefault(one, len(self._places)) for one in properties)
        ranges: list[list[int]] = []
        for place in places:
            if ranges and place == ranges[-1][1] + 1:
                ranges[-1][1] = place
            else:
                ranges.append([place, place])
        return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)

    def rows(self) -> list[list[str]]:
        """Return the list."""
        return [[one.model, one.name, one.value] for one in self._places]


def rows_of(form: Any) -> Properties:
    """Read the list of all properties; raises ``CompatPropsError``."""
    if not isinstance(form, list):
        raise CompatPropsError("its properties are no list")
    rows = []
    for row in form:
        if not isinstance(row, list) or len(row) != _PARTS:
            raise CompatPropsError("a property of it is none")
        model, name, value = map(_text, row)
        rows.append(Property(model=model, name=name, value=value))
    return tuple(rows)


def of_form(ranges: Any, rows: Properties) -> Properties:
    """Read one type's properties; raises ``CompatPropsError``."""
    if not isinstance(ranges, str) or not _RANGES.fullmatch(ranges):
        raise CompatPropsError("a machine type's properties are none")
    found: set[Property] = set()
    for one in filter(None, ranges.split(",")):
        low, _, high = one.partition("-")
        first, last = int(low), int(high or low)
        if last >= len(rows) or last - first >= MOST or len(found) > MOST:
            raise CompatPropsError("a machine type has properties that are not listed, or too many")
        found.update(rows[first : last + 1])
    return tuple(sorted(found))


def of_model(properties: Properties, models: Iterable[str]) -> Properties:
    """Return those that are set of one of these models themselves."""
    wanted = set(models)
    return tuple(one for one in properties if one.model in wanted)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise CompatPropsError("a property's model, name or value is no text")
    return printable(value)
