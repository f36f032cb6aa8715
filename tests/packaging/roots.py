"""Clean roots of Debian releases with their own Python, and what our wheels need from PyPI."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache, images
from tests.packaging import wheels

# Built once in the root, where the compiler then goes again: its libvirt stays.
_BUILD_LIBVIRT_PYTHON = """--customize-hook=
chroot "$1" sh -eu -c '
python3 -m venv /tmp/build
/tmp/build/bin/pip install -q --no-index --find-links /wheels setuptools wheel
cd /wheels
/tmp/build/bin/pip wheel -q --no-index --no-build-isolation --no-deps -w . libvirt*.tar.gz
rm -r libvirt*.tar.gz /tmp/build
apt-get -qq purge --autoremove gcc pkg-config python3-dev libvirt-dev >/dev/null
'"""
_COMPILER = ("gcc", "libc6-dev", "pkg-config", "python3-dev", "libvirt-dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A Debian release and its Python."""

    suite: str
    python: str
    sides: Sequence[str]
    """Which of our sides run on that Python."""


RELEASES = (
    Release(suite="bullseye", python="3.9", sides=("guest",)),
    Release(suite="bookworm", python="3.11", sides=("guest", "host")),
    Release(suite="trixie", python="3.13", sides=("guest", "host")),
    Release(suite="forky", python="3.14", sides=("guest", "host")),
)


def with_wheels(release: Release) -> Path:
    """Return a root with venv, dmidecode, and ``/wheels``: all that our sides need from PyPI."""
    host = "host" in release.sides
    packages = ["python3-venv", "dmidecode"]
    packages += ["libvirt0", "distro-info-data", *_COMPILER] if host else []
    wanted = [name for side in release.sides for name in wheels.requirements(side)]
    recipe = cache.key("python 1", release.suite, *packages, *wanted, _BUILD_LIBVIRT_PYTHON)

    def make(place: Path) -> None:
        wheels.download(release.sides, release.python, place / "wheels")
        hooks = [f'--customize-hook=cp -r "{place}/wheels" "$1/wheels"']
        hooks += [_BUILD_LIBVIRT_PYTHON] if host else []
        images.mmdebstrap(release.suite, packages, place / "root", *hooks)

    return cache.build(f"python-{release.suite}", recipe, make) / "root"
