"""SOURCE and TARGET: a suite, or a folder of .deb files laid over one."""

from dataclasses import dataclass, replace
from pathlib import Path

from host_agent.atlas import files
from host_agent.atlas.atlas import Atlas
from tests.lab import images
from tests.lab.images import HostImage

SUITES = {
    "bookworm": images.BOOKWORM,
    "trixie": images.TRIXIE,
    "forky": images.FORKY,
}
"""Suites whose Python runs samemachine, or one that is handed to them."""


class SideError(Exception):
    """It names nothing that can be a host; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two."""

    name: str
    """As it was given."""
    image: HostImage
    suite: str

    def known(self) -> Atlas:
        """Return the shipped atlas of the suite: what is known of it before."""
        return files.read_shipped(f"debian:{self.suite}", states=False)


def side(text: str) -> Side:
    """Return what is meant by ``trixie``, or by ``trixie+/folder/with/debs``."""
    suite, plus, folder = text.partition("+")
    if suite not in SUITES:
        raise SideError(f"{suite!r} is no suite that can be a host; there are {', '.join(SUITES)}")
    if not plus:
        return Side(name=text, image=SUITES[suite], suite=suite)
    packages = tuple(sorted(Path(folder).resolve().glob("*.deb")))
    if not packages:
        raise SideError(f"there is no .deb in {folder}")
    return Side(name=text, image=replace(SUITES[suite], laid_over=packages), suite=suite)
