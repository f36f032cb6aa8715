"""Descriptions of migration states, as QEMU's -dump-vmstate writes them, for tests."""

import json
from collections.abc import Iterator
from typing import Any

from host_agent.atlas import vmstate
from host_agent.atlas.vmstate import Description, Field, VmState

Form = dict[str, Any]


def field(
    name: str,
    size: int = 4,
    *,
    version: int = 0,
    guarded: bool = False,
    number: int | None = None,
    parts: Form | None = None,
) -> Form:
    """Return a field; ``parts`` is the description of what it is made of."""
    form = {"field": name, "version_id": version, "field_exists": guarded, "size": size}
    if number is not None:
        form["num"] = number
    return form if parts is None else form | {"Description": parts}


def description(
    name: str,
    *fields: Form,
    version: int = 1,
    minimum: int = 1,
    subsections: tuple[Form, ...] = (),
) -> Form:
    """Return what is sent of a device or a part."""
    form: Form = {"name": name, "version_id": version, "minimum_version_id": minimum}
    if fields:
        form["Fields"] = list(fields)
    return form if not subsections else form | {"Subsections": list(subsections)}


def dump(**devices: Form) -> str:
    """Return the text; a device's name has ``_`` where a keyword can't have ``-``."""
    return json.dumps(
        {"vmschkmachine": {"Name": "none"}}
        | {
            name.replace("_", "-"): section(name.replace("_", "-"), one)
            for name, one in devices.items()
        }
    )


def section(name: str, of: Form) -> Form:
    """Return the entry of a device."""
    return {
        "Name": name,
        "version_id": of["version_id"],
        "minimum_version_id": of["minimum_version_id"],
        "Description": of,
    }


def state(**devices: Form) -> VmState:
    """Return what is read of such a dump."""
    return vmstate.parse(dump(**devices))


def as_dumped(whole: VmState) -> str:
    """Return a dump of which the same is read."""
    return json.dumps(
        {"vmschkmachine": {"Name": "none"}}
        | {name: section(name, _form(one)) for name, one in whole.devices.items()}
    )


def _form(one: Description) -> Form:
    fields = tuple(_fields(one.fields))
    parts = tuple(map(_form, one.subsections))
    return description(
        one.name, *fields, version=one.version, minimum=one.minimum, subsections=parts
    )


def _fields(fields: tuple[Field, ...]) -> Iterator[Form]:
    for one in fields:
        yield field(
            one.name,
            one.size,
            version=one.version,
            guarded=one.guarded,
            number=one.number,
            parts=None if one.description is None else _form(one.description),
        )
