"""SOURCE and TARGET: a suite, a folder of .deb files laid over one, or an installed root."""

from dataclasses import dataclass, replace
from pathlib import Path

from host_agent import inside_root
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
_NEEDED = (
    "usr/bin/qemu-system-x86_64", "usr/bin/qemu-img", "usr/sbin/libvirtd", "usr/bin/virsh",
    "usr/sbin/ip",
)  # fmt: skip
"""What a host is made of (``images``)."""


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
    """Return what is meant by ``trixie``, ``trixie+/folder/with/debs`` or ``/an/installed/root``.

    Raises ``SideError``.
    """
    if text.startswith("/"):
        return _installed(text)
    suite, plus, folder = text.partition("+")
    if suite not in SUITES:
        raise SideError(f"{suite!r} is no suite that can be a host; there are {', '.join(SUITES)}")
    if not plus:
        return Side(name=text, image=SUITES[suite], suite=suite)
    packages = tuple(sorted(Path(folder).resolve().glob("*.deb")))
    if not packages:
        raise SideError(f"there is no .deb in {folder}")
    return Side(name=text, image=replace(SUITES[suite], laid_over=packages), suite=suite)


def _installed(text: str) -> Side:
    root = Path(text).resolve()
    if not root.is_dir():
        raise SideError(f"there is no folder {text}")
    try:
        # Links in it are its own.
        release = inside_root.resolved(root, "/etc/os-release").read_text(encoding="utf-8")
        lacks = [one for one in _NEEDED if not inside_root.resolved(root, f"/{one}").exists()]
    except (OSError, UnicodeDecodeError) as error:
        raise SideError(f"{text} is no root of a Debian: /etc/os-release: {error}") from error
    named = dict(line.partition("=")[::2] for line in release.splitlines())
    suite = named.get("VERSION_CODENAME", "").strip("\"'")
    if suite not in SUITES:
        raise SideError(f"{text} is of {suite or 'no'} suite; hosts are of {', '.join(SUITES)}")
    if lacks:
        raise SideError(f"{text} has no {', '.join(lacks)}: install them there")
    image = replace(SUITES[suite], root=root, more=(), newer=None)
    return Side(name=text, image=image, suite=suite)
