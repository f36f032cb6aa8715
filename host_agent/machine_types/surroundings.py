"""Where a domain is: what its host offers, which release that is, and what day it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from host_agent.machine_types.offers import Offer
from host_agent.missing import Missing

UBUNTU, DEBIAN = "ubuntu", "debian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release of a distribution, with its dates."""

    distribution: str
    codename: str
    version: str
    """``24.04``, ``12``."""
    lts: bool
    created: date
    released: date | None
    """None: no date is set."""
    eol: date | None
    """Last day of the support that every user has; None: not set."""
    extended: tuple[tuple[str, date], ...] = ()
    """Support after that: its name and last day."""

    def __str__(self) -> str:
        """Return for example ``noble (24.04 LTS)``."""
        return f"{self.codename} ({self.version}{' LTS' if self.lts else ''})"

    @property
    def support_end(self) -> date | None:
        """The last day of the support that counts; None: not set.

        Debian's LTS reaches every user; Ubuntu's ESM those who subscribe, so it does not count.
        """
        if self.distribution == DEBIAN:
            return dict(self.extended).get("LTS", self.eol)
        return self.eol

    def is_released(self, on: date) -> bool:
        """Tell whether it is out on a day."""
        return self.released is not None and self.released <= on

    def is_supported(self, on: date) -> bool:
        """Tell whether it gets updates on a day; Debian's testing does from its first day."""
        out = self.created <= on if self.distribution == DEBIAN else self.is_released(on)
        return out and (self.support_end is None or on <= self.support_end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a host is to a domain, on the day on which it is looked at."""

    today: date
    offers: Mapping[str, Offer] | Missing
    """What the domain's emulator offers, by name, aliases too."""
    here: Release | Missing
    """The host's own release."""
    releases: tuple[Release, ...] | Missing
    """All of Debian's and Ubuntu's."""
    qemu: str
    """Version of the QEMU that is installed."""
    twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Aliases that several of its machine types carry, with those types."""
