"""The architectures of which a matrix has guests: their machine types, their hosts, their guest."""

from collections.abc import Mapping
from dataclasses import dataclass

from host_agent.domain import architectures
from tests.lab import images
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.foreign_images import ARCHITECTURES
from tests.lab.guest import GuestOptions
from tests.lab.images import HostImage

_CARD = (
    "<interface type='user'><mac address='52:54:00:aa:10:03'/><model type='virtio'/></interface>"
)
"""That of a guest of another architecture, whose place a card on the lab's network takes."""
_HOSTS = {
    "bookworm": images.BOOKWORM,
    "bookworm-backports": images.BACKPORTS,
    "trixie": images.TRIXIE,
    "forky": images.FORKY,
}
"""Suites whose Python runs samemachine, or one that is handed to them."""
_MANY = {"bookworm": images.MANY_BOOKWORM, "trixie": images.MANY_TRIXIE}


class KindError(Exception):
    """There are no guests of an architecture; the sentence says which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One architecture."""

    architecture: str
    """libvirt's word."""
    qemu: str
    """QEMU's."""
    types: tuple[str, ...]
    """Patterns of its versioned machine types."""
    hosts: Mapping[str, HostImage]
    """Suite → what has its QEMU."""
    seconds: float = 200
    """What a boot may take on a machine that is not slow."""

    @property
    def binary(self) -> str:
        """The path of its QEMU."""
        return f"/usr/bin/qemu-system-{self.qemu}"

    def options(self, name: str, machine: str, card: str) -> GuestOptions:
        """Return a guest of it, with a network card of this XML."""
        if self.architecture in architectures.X86:
            return GuestOptions(
                name=name,
                machine=machine,
                edit=lambda xml: xml.replace("</devices>", f"{card}</devices>"),
            )
        return ForeignOptions(
            name=name,
            machine=machine,
            architecture=self.architecture,
            uefi=bool(ARCHITECTURES[self.architecture].uefi),
            edit=lambda xml: xml.replace(_CARD, card),
        )


X86_64 = Kind(
    architecture="x86_64",
    qemu="x86_64",
    types=("pc-i440fx-*", "pc-q35-*"),
    hosts=_HOSTS,
    seconds=60,
)
KINDS = (
    X86_64,
    Kind(architecture="aarch64", qemu="aarch64", types=("virt-*",), hosts=_MANY),
    Kind(architecture="ppc64le", qemu="ppc64", types=("pseries-*",), hosts=_MANY),
    Kind(architecture="s390x", qemu="s390x", types=("s390-ccw-virtio-*",), hosts=_MANY),
)


def of(word: str) -> Kind:
    """Return the kind that libvirt's, QEMU's or Debian's word means; raises ``KindError``."""
    meant = architectures.libvirts(word)
    for kind in KINDS:
        if kind.architecture == meant:
            return kind
    there = ", ".join(kind.architecture for kind in KINDS)
    raise KindError(f"there are no guests of {word!r}; there are of {there}")
