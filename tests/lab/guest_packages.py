"""The Debian packages of the guest side, built from this checkout as ``make deb`` builds them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.lab import cache

_CHECKOUT = Path(__file__).resolve().parents[2]
# What the host side alone is made of changes more often, and not these packages.
_MADE_OF = (
    "guest_agent", "proto/samemachine", "packaging/debian", "packaging/systemd",
    "packaging/config/guest.conf", "packaging/make-deb", "packaging/dmidecode.txt",
)  # fmt: skip
_NAMES = ("python3-samemachine", "samemachine-guest")


def folder() -> Path:
    """Return a folder with both packages and nothing else."""
    files = {str(file.relative_to(_CHECKOUT)): file.read_bytes() for file in _files()}
    made_of = cache.key("guest packages 1", *files, *files.values())

    def make(place: Path) -> None:
        command = [sys.executable, str(_CHECKOUT / "packaging/make-deb"), "--output", str(place)]
        done = subprocess.run(
            [*command, "--", "--build=binary"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"make-deb exited {done.returncode}:\n{done.stdout[-4000:]}")
        for file in place.iterdir():
            if not (file.suffix == ".deb" and file.name.startswith(_NAMES)):
                file.unlink()

    return cache.build("packages", made_of, make)


def packages() -> Sequence[Path]:
    """Return both packages."""
    return sorted(folder().glob("*.deb"))


def _files() -> Sequence[Path]:
    found = [
        file
        for name in _MADE_OF
        for file in ([_CHECKOUT / name] if (_CHECKOUT / name).is_file() else _below(name))
    ]
    return sorted(found)


def _below(name: str) -> Sequence[Path]:
    return [
        file
        for file in (_CHECKOUT / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    ]
