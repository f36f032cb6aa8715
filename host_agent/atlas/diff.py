"""Two atlases → what changes for guests, grouped. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from host_agent.atlas import processor, state_diff
from host_agent.atlas.atlas import Atlas, Machine
from host_agent.atlas.state_diff import StateDiff
from host_agent.difference import Difference
from host_agent.firmware import effects, fingerprint_diff
from host_agent.firmware.effects import Touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The same change in several machine types."""

    difference: Difference
    """Of the first type; where the values of others differ, see ``varies``."""
    varies: bool
    """Whether old and new values differ from type to type (sizes of code)."""
    machines: tuple[str, ...]
    touched: Touched


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasDiff:
    """What two atlases have in common, and in what they differ."""

    old: Atlas
    new: Atlas
    gone: tuple[str, ...]
    """Machine types that only the old one has."""
    added: tuple[str, ...]
    equal: tuple[str, ...]
    differing: tuple[str, ...]
    groups: tuple[Group, ...]
    """Most machine types first."""
    not_compared: tuple[tuple[str, str], ...]
    """Machine types that could not be probed on one side, with why."""
    default: tuple[str, str] | None
    """The default machine type before and after, where it changes."""
    aliases: tuple[tuple[str, str, str], ...]
    """Aliases that point elsewhere: alias, before, after."""
    states: StateDiff
    """What is sent of devices in a migration."""

    @property
    def seen(self) -> bool:
        """Whether a guest sees any difference, or can't be started any more."""
        return bool(self.gone or self.groups)


# Values that differ from type to type in one and the same change.
_VARYING = {"code", "contents", "ranges"}


def compare(old: Atlas, new: Atlas, only: Collection[str] = ()) -> AtlasDiff:
    """Compare two atlases, or only the machine types that are named."""
    before = {machine.name: machine for machine in old.machines if not only or machine.name in only}
    after = {machine.name: machine for machine in new.machines if not only or machine.name in only}
    both = [name for name in before if name in after]
    equal: list[str] = []
    differing: list[str] = []
    failed: list[tuple[str, str]] = []
    grouped: dict[Difference | tuple[str, ...], list[tuple[str, Difference]]] = {}
    for name in both:
        found = _differences(before[name], after[name])
        if found is None:
            failed.append((name, _unprobed(before[name], after[name])))
            continue
        (differing if found else equal).append(name)
        for difference in found:
            grouped.setdefault(sameness(difference), []).append((name, difference))
    groups = [
        Group(
            difference=members[0][1],
            varies=len({difference for _, difference in members}) > 1,
            machines=tuple(name for name, _ in members),
            touched=effects.of(members[0][1]),
        )
        for members in grouped.values()
    ]
    return AtlasDiff(
        old=old,
        new=new,
        gone=tuple(name for name in before if name not in after),
        added=tuple(name for name in after if name not in before),
        equal=tuple(equal),
        differing=tuple(differing),
        groups=tuple(sorted(groups, key=lambda group: -len(group.machines))),
        not_compared=tuple(failed),
        default=_default(before, after),
        aliases=_aliases(before, after),
        states=state_diff.compare(old, new, both),
    )


def _differences(old: Machine, new: Machine) -> tuple[Difference, ...] | None:
    """Return what differs between two machine types; None: it is not known of one of them."""
    if old.fingerprint is not None and new.fingerprint is not None:
        return fingerprint_diff.differences(old.fingerprint, new.fingerprint)
    if old.processor is not None and new.processor is not None:
        return tuple(processor.differences(old.processor, new.processor))
    return None


def _unprobed(one: Machine, two: Machine) -> str:
    return "; ".join(
        f"{side}: {machine.error}"
        for side, machine in (("old", one), ("new", two))
        if machine.fingerprint is None
    )


def sameness(difference: Difference) -> Difference | tuple[str, ...]:
    """Return what differences have in common that are one and the same change."""
    if difference.field in _VARYING:
        return difference.area, difference.subject, difference.field
    return difference


def _default(before: dict[str, Machine], after: dict[str, Machine]) -> tuple[str, str] | None:
    one, two = (
        next((machine.name for machine in side.values() if machine.default), None)
        for side in (before, after)
    )
    return (one, two) if one and two and one != two else None


def _aliases(
    before: dict[str, Machine], after: dict[str, Machine]
) -> tuple[tuple[str, str, str], ...]:
    one, two = (
        {machine.alias: machine.name for machine in side.values() if machine.alias}
        for side in (before, after)
    )
    return tuple(
        (alias, one[alias], two[alias])
        for alias in one
        if alias in two and one[alias] != two[alias]
    )
