"""Images of UEFI packages: which release has which, and how large they are. Pure.

QEMU opens the image as it starts, as the destination of a live migration too, and refuses one of
another size than the guest brings (QEMU ``migration/ram.c``); libvirt makes a variable store that
is not there from its template. Debian and Ubuntu gave up the images of 2 MB with edk2 2023.11-2.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

_OVMF = "/usr/share/OVMF"
# Of the packages ovmf and qemu-efi-aarch64 of Debian's bullseye, bookworm, trixie and forky, the
# first two have these and the others do not.
GIVEN_UP = frozenset(
    f"{_OVMF}/OVMF_{name}.fd" for name in ("CODE", "CODE.ms", "CODE.secboot", "VARS", "VARS.ms")
)
# All four have these, of one size.
_STAYING = frozenset(
    [
        f"{_OVMF}/OVMF_{name}.fd"
        for name in (
            "CODE_4M",
            "CODE_4M.ms",
            "CODE_4M.secboot",
            "VARS_4M",
            "VARS_4M.ms",
            "VARS_4M.snakeoil",
        )
    ]
    + ["/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"]
    # A machine's flash is 64 MB whatever the image (hw/arm/virt.c).
    + ["/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"]
)
# All four have it, of 2 MB in the first two and of 4 MB in the others.
_GROWN = frozenset({"/usr/share/ovmf/OVMF.fd", "/usr/share/qemu/OVMF.fd"})
_DEBIANS = frozenset({"bullseye", "bookworm", "bookworm-backports", "trixie", "forky"})
_OLD = frozenset(
    {f"debian:{name}" for name in ("bullseye", "bookworm", "bookworm-backports")}
    | {f"ubuntu:{name}" for name in ("focal", "jammy", "mantic")}
)
_NEW = frozenset(
    {f"debian:{name}" for name in ("trixie", "forky")}
    | {f"ubuntu:{name}" for name in ("noble", "oracular", "plucky", "questing", "resolute")}
)
_NEW_LIBVIRT = (10,)
"""All releases with the newer packages have this one or a newer one; backports to others too."""
_PACKAGED = "/usr/"
"""Where packages put files; the operator's own are elsewhere, and stay."""


class Presence(StrEnum):
    """Whether a place has an image."""

    YES = "yes"
    NO = "no"
    GROWN = "grown"
    """It has one of another size."""
    DOUBTFUL = "doubtful"
    """Not known; and the newer packages have it no more, or of another size."""
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is known of a host or a release."""

    release: str | None
    """``debian:trixie``; None: not known."""
    libvirt: tuple[int, ...] | None = None
    listed: Collection[str] = ()
    """What its libvirt lists (domain capabilities, ``<loader>``); more may be there."""
    upgraded: bool = False
    """Whether it is the domains' own host after an upgrade, which leaves the operator's files."""

    @property
    def is_new(self) -> bool | None:
        """Whether its packages are the newer ones; None: not known."""
        if self.release is not None:
            return True if self.release in _NEW else False if self.release in _OLD else None
        return False if self.libvirt is not None and self.libvirt < _NEW_LIBVIRT else None

    @property
    def is_debian(self) -> bool:
        """Whether its very packages were looked at."""
        distribution, _, name = (self.release or "").partition(":")
        return distribution == "debian" and name in _DEBIANS


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that a domain names, and whether it is where the domain is to go."""

    path: str
    there: Presence


def look(path: str, here: Place, there: Place) -> Image:
    """Return whether an image that is here is there as well."""
    return Image(path=path, there=_there(path, here, there))


def _there(path: str, here: Place, there: Place) -> Presence:
    if path in _GROWN:
        if here.is_new is None or there.is_new is None:
            return Presence.DOUBTFUL
        return Presence.YES if here.is_new == there.is_new else Presence.GROWN
    if path in GIVEN_UP:
        if there.is_new is None:
            return Presence.DOUBTFUL
        return Presence.NO if there.is_new else Presence.YES
    # The template of a variable store is of the same package as its image.
    if {path, path.replace("_VARS", "_CODE")} & set(there.listed):
        return Presence.YES
    if path in _STAYING and (there.is_debian or there.is_new):
        return Presence.YES
    if there.upgraded and not path.startswith(_PACKAGED):
        return Presence.YES
    return Presence.NOT_KNOWN
