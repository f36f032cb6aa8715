"""SOURCE and TARGET: a suite, a folder of .deb files laid over one, or an installed root."""

from dataclasses import dataclass, replace
from pathlib import Path

from host_agent import inside_root
from host_agent.atlas import files
from host_agent.atlas.atlas import Atlas
from tests.lab.images import HostImage
from tests.lab.matrix.kinds import X86_64, Kind

SUITES = tuple(X86_64.hosts)
"""Those of which there can be hosts."""
_NEEDED = "usr/bin/qemu-img", "usr/sbin/libvirtd", "usr/bin/virsh", "usr/sbin/ip"
"""What a host is made of (``images``), beside its QEMU."""


class SideError(Exception):
    """It names nothing that can be a host; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two."""

    name: str
    """As it was given."""
    image: HostImage
    suite: str
    kind: Kind = X86_64

    def known(self) -> Atlas:
        """Return the shipped atlas of the suite: what is known of it before."""
        return files.read_shipped(f"debian:{self.suite}:{self.kind.qemu}", states=False)


def side(text: str, kind: Kind = X86_64) -> Side:
    """Return what is meant by ``trixie``, ``trixie+/folder/with/debs`` or ``/an/installed/root``.

    ``kind``: the architecture of its guests. Raises ``SideError``.
    """
    if text.startswith("/"):
        return _installed(text, kind)
    suite, plus, folder = text.partition("+")
    if suite not in kind.hosts:
        raise SideError(
            f"{suite!r} is no suite that can be a host of {kind.architecture} guests; "
            f"there are {', '.join(kind.hosts)}"
        )
    image = kind.hosts[suite]
    if not plus:
        return Side(name=text, image=image, suite=suite, kind=kind)
    packages = tuple(sorted(Path(folder).resolve().glob("*.deb")))
    if not packages:
        raise SideError(f"there is no .deb in {folder}")
    return Side(name=text, image=replace(image, laid_over=packages), suite=suite, kind=kind)


def _installed(text: str, kind: Kind) -> Side:
    root = Path(text).resolve()
    if not root.is_dir():
        raise SideError(f"there is no folder {text}")
    try:
        # Links in it are its own.
        release = inside_root.resolved(root, "/etc/os-release").read_text(encoding="utf-8")
        needed = (kind.binary.lstrip("/"), *_NEEDED)
        lacks = [one for one in needed if not inside_root.resolved(root, f"/{one}").exists()]
    except (OSError, UnicodeDecodeError) as error:
        raise SideError(f"{text} is no root of a Debian: /etc/os-release: {error}") from error
    named = dict(line.partition("=")[::2] for line in release.splitlines())
    suite = named.get("VERSION_CODENAME", "").strip("\"'")
    if suite not in kind.hosts:
        raise SideError(f"{text} is of {suite or 'no'} suite; hosts are of {', '.join(kind.hosts)}")
    if lacks:
        raise SideError(f"{text} has no {', '.join(lacks)}: install them there")
    image = replace(kind.hosts[suite], root=root, more=(), newer=None)
    return Side(name=text, image=image, suite=suite, kind=kind)
