"""What a guest may find otherwise after its boot on the target: what two atlases foretell. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from host_agent.atlas import diff
from host_agent.atlas.atlas import Atlas
from host_agent.difference import Area, Difference, Effect, in_one
from host_agent.firmware import effects

_FIRMWARES_OWN = "type 0 "
"""The structure that a firmware writes of itself, where QEMU hands it none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What differs between two QEMUs, of one machine type."""

    differences: tuple[Difference, ...]
    source: str
    """Which atlases say so."""

    @property
    def refusing(self) -> tuple[str, ...]:
        """What a live migration is refused for."""
        return tuple(
            str(one) for one in self.differences if effects.of(one).effect is Effect.BREAKING
        )


def of(old: Atlas, new: Atlas, machine: str) -> Expected | None:
    """Return what two atlases say of a machine type; None: they can't be compared in it."""
    if old.made.conditions != new.made.conditions:
        return None
    found = diff.compare(old, new, (machine,))
    if machine not in {*found.equal, *found.differing}:
        return None
    return Expected(
        differences=tuple(in_one(group.difference) for group in found.groups),
        source=f"{old.title} -> {new.title}",
    )


def beyond(
    found: Iterable[Difference], expected: Expected, *, uefi: bool = False
) -> tuple[str, ...]:
    """Return what a guest found that nothing foretells.

    Of SMBIOS each value must be as foretold. Of ACPI atlases know machines with other devices, so
    a table that is foretold to differ may do so in any way. ``uefi``: its firmware is of another
    package than QEMU, which no atlas knows, and so is what it writes of itself.
    """
    values = {str(one) for one in expected.differences}
    tables = {one.subject[:4] for one in expected.differences if one.area is Area.ACPI}
    firmware = uefi or any(one.area is Area.FIRMWARE for one in expected.differences)

    def foretold(one: Difference) -> bool:
        if one.area is Area.ACPI:
            return one.subject[:4] in tables
        if one.area is Area.SMBIOS and one.subject.startswith(_FIRMWARES_OWN):
            return firmware
        return str(in_one(one)) in values

    return tuple(str(one) for one in found if not foretold(one))


def unforeseen(shown: Expected, known: Expected) -> tuple[str, ...]:
    """Return what two packages show otherwise than what is known of their releases.

    Either way: a difference that is new, and one that is gone.
    """
    ours, theirs = ({str(one) for one in side.differences} for side in (shown, known))
    new = (str(one) for one in shown.differences if str(one) not in theirs)
    gone = (f"no more: {one}" for one in known.differences if str(one) not in ours)
    return (*new, *gone)
