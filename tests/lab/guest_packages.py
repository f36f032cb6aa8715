"""The Debian packages of the guest side, built from this checkout as ``make deb`` builds them."""

from collections.abc import Sequence
from pathlib import Path

from tests.lab import cache, make_deb

# Neither what the host side alone is made of, nor the manual: they change more often, and nothing
# of them is used in a guest.
_MADE_OF = (
    "guest_agent", "proto/samemachine", "packaging/debian", "packaging/systemd",
    "packaging/config/guest.conf", "packaging/make-deb", "packaging/dmidecode.txt",
)  # fmt: skip
_NAMES = ("python3-samemachine", "samemachine-guest")


def folder() -> Path:
    """Return a folder with both packages and nothing else."""
    files = make_deb.made_of(_MADE_OF)

    def make(place: Path) -> None:
        make_deb.run(place, "--", "--build=binary")
        for file in place.iterdir():
            if not (file.suffix == ".deb" and file.name.startswith(_NAMES)):
                file.unlink()

    return cache.build("packages", cache.key("guest packages 1", *files, *files.values()), make)


def packages() -> Sequence[Path]:
    """Return both packages."""
    return sorted(folder().glob("*.deb"))
