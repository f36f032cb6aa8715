"""Two atlases → what the migration states of devices are to the other QEMU, grouped. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from host_agent.atlas import compat_props, vmstate_diff
from host_agent.atlas.atlas import Atlas, Machine
from host_agent.atlas.compat_props import Property
from host_agent.atlas.vmstate_diff import Change, Kind, Reading

_OF_MIGRATION = re.compile("migrat|vmstate")
"""Properties that say of themselves that they are about what is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateGroup:
    """The same change of several device models."""

    change: Change
    models: tuple[str, ...]
    machines: tuple[str, ...]
    """Machine types that have one of these models of their own accord."""
    held_by: tuple[Property, ...]
    """What one of the two QEMUs sets of these models for some of the types: it may be the reason,
    or keep the change from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyGroup:
    """A property that the two QEMUs do not set alike for some machine types."""

    old: Property | None
    """None: it is not set."""
    new: Property | None
    machines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDiff:
    """What two atlases say of migration states."""

    groups: tuple[StateGroup, ...] = ()
    """What is refused first."""
    gone: tuple[str, ...] = ()
    """Models that only the old one describes."""
    added: tuple[str, ...] = ()
    properties: tuple[PropertyGroup, ...] = ()
    not_compared: tuple[str, ...] = ()
    """What could not be compared, in sentences."""


def compare(old: Atlas, new: Atlas, both: Collection[str]) -> StateDiff:
    """Compare the states of all devices, and what is set of them for these machine types."""
    pairs = [
        (one, two)
        for one in old.machines
        if one.name in both and (two := new.machine(one.name)) is not None
    ]
    lacking = tuple(_lacking(old, new, pairs))
    properties = tuple(_properties(pairs))
    if old.states is None or new.states is None:
        return StateDiff(properties=properties, not_compared=lacking)
    before, after = old.states.devices, new.states.devices
    differing = vmstate_diff.changes(old.states, new.states)
    return StateDiff(
        groups=tuple(_groups(differing, pairs)),
        gone=tuple(
            name for name, of in differing.items() if any(one.kind is Kind.DEVICE for one in of)
        ),
        added=tuple(name for name in after if name not in before),
        properties=properties,
        not_compared=lacking,
    )


_Pairs = list[tuple[Machine, Machine]]


def _lacking(old: Atlas, new: Atlas, pairs: _Pairs) -> Iterator[str]:
    sides = ("old", old), ("new", new)
    for side, atlas in sides:
        if atlas.states is None:
            why = atlas.states_error or "make it again: samemachine probe --output FILE"
            yield f"migration states: the {side} atlas has none; {why}"
    for _, atlas in sides:
        if old.states and new.states and atlas.states and not atlas.states.counted:
            yield f"lengths of arrays in migration states: QEMU {atlas.made.qemu} tells none"
    for at, (side, atlas) in enumerate(sides):
        if pairs and all(pair[at].properties is None for pair in pairs):
            yield (
                "properties that a machine type holds devices by: QEMU "
                f"{atlas.made.qemu} of the {side} atlas does not tell them"
            )


def _groups(differing: Mapping[str, tuple[Change, ...]], pairs: _Pairs) -> Iterator[StateGroup]:
    found: dict[Change, list[str]] = {}
    for model, changes in differing.items():
        for change in changes:
            if change.kind is not Kind.DEVICE:
                found.setdefault(change, []).append(model)
    worst = list(Reading)
    for change, models in sorted(found.items(), key=lambda item: worst.index(item[0].reading)):
        yield StateGroup(
            change=change,
            models=tuple(models),
            machines=tuple(
                one.name for one, _ in pairs if one.devices and one.devices & set(models)
            ),
            held_by=tuple(sorted({held for pair in pairs for held in holding(*pair, models)})),
        )


def holding(old: Machine, new: Machine, models: Collection[str]) -> Iterator[Property]:
    """Yield what a machine type sets of these models in one QEMU and not alike in the other.

    Of a QEMU that does not tell what it sets, what the other one sets of migrations alone.
    """
    both = old.properties is not None and new.properties is not None
    pairs = compat_props.differing(old.properties or (), new.properties or ())
    for before, after in pairs:
        told = after or before
        if told is not None and told.model in models and (both or is_of_migration(told)):
            yield told


def is_of_migration(told: Property) -> bool:
    """Tell whether a property is named after what is sent."""
    return _OF_MIGRATION.search(told.name) is not None


def _properties(pairs: _Pairs) -> Iterator[PropertyGroup]:
    found: dict[tuple[Property | None, Property | None], list[str]] = {}
    for one, two in pairs:
        if one.properties is not None and two.properties is not None:
            for change in compat_props.differing(one.properties, two.properties):
                found.setdefault(change, []).append(one.name)
    for (before, after), machines in found.items():
        yield PropertyGroup(old=before, new=after, machines=tuple(machines))
