"""What the QEMU of a site shows guests, from the nearest source there is.

This host's own QEMU is asked. Of another host there may be an atlas in a file; without one a
shipped atlas of the same version speaks for it, of which the package's option ROMs are not.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from host_agent.atlas import files as atlas_files
from host_agent.atlas.atlas import Atlas
from host_agent.difference import Difference
from host_agent.domain import architectures
from host_agent.domain.definition import Definition
from host_agent.errors import HostAgentError
from host_agent.firmware import fingerprint_diff
from host_agent.firmware.fingerprint import Fingerprint
from host_agent.migrate.forecast import Ask
from host_agent.missing import Missing, Reason
from host_agent.plan.facts import Kind, Site

Needs = Mapping[tuple[str, str], Collection[str]]
"""(architecture, emulator) → machine types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An atlas that speaks for a site."""

    atlas: Atlas
    own: bool
    """Whether it is of the site's very package, so that its ROMs are the site's."""
    how: str
    """What it is, in words."""


class Atlases:
    """The atlases of one site."""

    def __init__(self, site: Site, ask: Ask | None, given: Atlas | None = None) -> None:
        """``ask``: the site is this host and its QEMU may be asked."""
        self._site = site
        self._ask = ask
        self._given = given
        self._found: dict[tuple[str, str], Found | Missing] = {}

    def prepare(self, needs: Needs) -> None:
        """Get what will be asked for: an emulator is started for all its machine types at once."""
        for key, machines in needs.items():
            self._found[key] = self._get(*key, machines)

    def all(self) -> Iterable[Found]:
        """Return the atlases that there are."""
        return (one for one in self._found.values() if isinstance(one, Found))

    def of(self, definition: Definition) -> Found | Missing:
        """Return what speaks for a domain's emulator; it was prepared for."""
        return self._found[definition.architecture, definition.emulator or ""]

    def _get(self, architecture: str, emulator: str, machines: Collection[str]) -> Found | Missing:
        site = self._site
        if site.kind is not Kind.HOST:
            atlas = site.atlases.get(architecture)
            if atlas is not None:
                return Found(atlas=atlas, own=True, how=f"{site.name}: {atlas.title}")
            return Missing(
                reason=Reason.ABSENT,
                sentence=f"there is no atlas of {site.name}",
                remedy="samemachine probe --root FOLDER --output FILE, then --to FILE",
            )
        asked = self._asked(architecture, emulator, machines)
        return asked or self._shipped(architecture)

    def _asked(self, architecture: str, emulator: str, machines: Collection[str]) -> Found | None:
        site, word = self._site, architectures.kept_as(architecture)
        if self._given is not None and self._given.made.architecture == word:
            return Found(
                atlas=self._given, own=True, how=f"{site.name}: {self._given.title}, from a file"
            )
        offered = site.offers.get((architecture, emulator), {})
        there = {offer.canonical for offer in offered.values()} & set(machines)
        if self._ask is None or not there:
            return None
        try:
            atlas = self._ask(emulator, tuple(sorted(there)))
        except HostAgentError:
            return None
        return Found(atlas=atlas, own=True, how=f"{site.name}: {atlas.title}, asked")

    def _shipped(self, architecture: str) -> Found | Missing:
        site = self._site
        version = site.end.qemu or ""
        found = atlas_files.nearest_named(architecture, version)
        if found is None:
            return Missing(
                reason=Reason.ABSENT,
                sentence=f"there is no atlas of {site.name}, and none of QEMU {version} is shipped",
                remedy="there: samemachine probe --output FILE; then here: --atlas FILE",
            )
        name, atlas = found
        return Found(
            atlas=atlas,
            own=False,
            how=f"{site.name}: as {name.rpartition(':')[0]}'s QEMU {atlas.made.qemu}",
        )


def changes(
    here: Found | Missing, there: Found | Missing, machine: str, other: str
) -> tuple[Difference, ...] | Missing:
    """Return what a guest finds as ``other`` there that is not as it is as ``machine`` here."""
    one, two = _fingerprint(here, machine), _fingerprint(there, other)
    if isinstance(one, Missing):
        return one
    if isinstance(two, Missing):
        return two
    return fingerprint_diff.differences(one, two)


def roms(found: Found | Missing, machine: str) -> frozenset[str]:
    """Return the option ROMs whose sizes an atlas has for a machine type, as blocks' names end."""
    fingerprint = _fingerprint(found, machine)
    if isinstance(fingerprint, Missing):
        return frozenset()
    return frozenset(name.rpartition("/")[2] for name in fingerprint.memory_blocks)


def _fingerprint(found: Found | Missing, machine: str) -> Fingerprint | Missing:
    if isinstance(found, Missing):
        return found
    named = (one for one in found.atlas.machines if machine in {one.name, one.alias})
    known = next(named, None)
    if known is None:
        return Missing(
            reason=Reason.ABSENT, sentence=f"{found.atlas.title} has no {machine} in its atlas"
        )
    if known.fingerprint is None:
        return Missing(
            reason=Reason.FAILED,
            sentence=f"{machine} of {found.atlas.title} could not be probed: {known.error}",
        )
    return known.fingerprint
