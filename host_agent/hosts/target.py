"""One host that is to be asked. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One host that is to be asked."""

    name: str
    """What the inventory calls it."""
    uri: str
    """libvirt's connection."""
    groups: frozenset[str] = frozenset()
    seconds: float | None = None
    """How long it may give no sign of life; None: as long as any other."""
