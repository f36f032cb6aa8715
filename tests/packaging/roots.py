"""Clean roots of Debian releases with their own Python, and copies of them to install into."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache, images
from tests.lab.host import ENVIRONMENT
from tests.lab.namespaces import Namespaces
from tests.packaging import wheels

_INIT = """
mount --make-rprivate /
mount -t tmpfs -o mode=755,size=4g stage {stage}
mkdir {stage}/upper {stage}/work {stage}/root
cd {stage}
mount -t overlay overlay -o lowerdir={image},upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 run run
mkdir -p .{place} .old
mount --bind {folder} .{place}
pivot_root . .old
umount -l /.old
echo ready >/run/root-ready
while :; do sleep 3600 & wait $!; done
"""
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


class Root:
    """A copy of a root, to run commands in; what they change is gone with it."""

    def __init__(self, inside: Namespaces) -> None:
        self._inside = inside

    def path(self, name: str) -> Path:
        """Return a file of it, as seen from outside."""
        return Path(f"/proc/{self._inside.pid}/root") / name.lstrip("/")

    def run(
        self, *command: str, check: bool = True, timeout: float = 200
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        done = subprocess.run(
            self.command(*command), env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", check=False, timeout=timeout,
        )  # fmt: skip
        if check:
            assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a command in it."""
        # nsenter's own working folder is one of the old root.
        return self._inside.command("env", "--chdir=/", *command)


@contextmanager
def copy(image: Path, folder: Path, shown: Path, place: str) -> Iterator[Root]:
    """A copy of the root ``image`` that shows the folder ``shown`` at ``place``, without network.

    ``folder`` is for what it needs outside.
    """
    stage = folder / "stage"
    stage.mkdir()
    script = _INIT.format(stage=stage, image=image, folder=shown, place=place)
    inside = Namespaces(("net", "mount", "uts", "ipc", "pid"), script, folder / "root.log")
    root = Root(inside)
    try:
        while not root.path("run/root-ready").exists():
            assert inside.alive, inside.log()
        yield root
    finally:
        inside.close()
