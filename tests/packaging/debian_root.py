"""A clean Debian root to install into: as small as it gets, with apt, and without a network.

What our packages depend on lies in apt's cache, as if it had been downloaded a moment ago, so that
``apt install`` does what it does at a user's, only faster.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab import cache, overlay, pace
from tests.lab.host import ENVIRONMENT
from tests.lab.namespaces import Namespaces
from tests.lab.sources import debian_mirror

_PREPARE = """
mkdir -p debs older
mount --bind {debs} debs
mount --bind {older} older
"""
_DOWNLOAD = (
    'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq --yes --no-install-recommends --download-only '
    "install {packages}"
)
_NOT_OURS = (
    # Folders of the running system and of the test.
    "dev", "proc", "sys", "run", "tmp", "debs", "older",
    # What every installation writes, ours or not.
    "etc/ld.so.cache", "var/cache/apt", "var/cache/debconf", "var/cache/ldconfig", "var/lib/apt",
    "var/lib/dpkg", "var/log",
)  # fmt: skip
"""Not looked at when a test asks what was left."""


def image(suite: str, packages: list[str]) -> Path:
    """Return the root folder of a release, built where it is not in the cache."""
    hook = _DOWNLOAD.format(packages=" ".join(packages))

    def make(place: Path) -> None:
        done = subprocess.run(
            [
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                "--skip=cleanup/apt",
                '--aptopt=Acquire::Check-Valid-Until "false"',
                f"--customize-hook={hook}",
                suite,
                str(place / "root"),
                debian_mirror(),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"mmdebstrap exited {done.returncode}:\n{done.stderr[-4000:]}")

    made_of = cache.key("clean 1", suite, hook)
    return cache.build(f"clean-{suite}", made_of, make) / "root"


class DebianRoot:
    """A copy of the root; its commands see the packages in ``/debs`` and ``/older``."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces

    @property
    def path(self) -> Path:
        """The root folder, as seen from outside."""
        return Path(f"/proc/{self._namespaces.pid}/root")

    def run(self, command: str, *, codes: tuple[int, ...] = (0,)) -> str:
        """Run a shell command, and return all that it prints."""
        done = subprocess.run(
            self._namespaces.command("env", "--chdir=/", "sh", "-c", command),
            env=ENVIRONMENT | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=pace.stretched(120),
            check=False,
        )
        assert done.returncode in codes, f"{command} exited {done.returncode}:\n{done.stdout}"
        return done.stdout

    def apt(self, command: str) -> str:
        """Run apt-get, which asks nothing and downloads nothing."""
        return self.run(f"apt-get --quiet --yes --no-install-recommends {command}")

    def files(self) -> set[str]:
        """Return all files and folders but for what every program may write."""
        prune = " -o ".join(f"-path /{name}" for name in _NOT_OURS)
        return set(self.run(f"find / -xdev \\( {prune} \\) -prune -o -print").splitlines())


@contextlib.contextmanager
def started(root: Path, debs: Path, older: Path, folder: Path) -> Iterator[DebianRoot]:
    """Start a copy of a root; it is gone afterwards."""
    stage = folder / "stage"
    stage.mkdir()
    script = overlay.script(stage, root, size="4g", prepare=_PREPARE.format(debs=debs, older=older))
    namespaces = Namespaces(("net", "mount", "uts", "ipc", "pid"), script, folder / "log")
    try:
        copy = DebianRoot(namespaces)
        deadline = time.monotonic() + pace.stretched(10)
        while not (copy.path / overlay.READY).exists():
            assert namespaces.alive, namespaces.log()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the root does not start: {namespaces.log()}")
            time.sleep(0.01)
        yield copy
    finally:
        namespaces.close()
