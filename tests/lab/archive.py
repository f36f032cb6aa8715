"""A Debian archive of a few packages: what our packages need on a host of the lab, and ssh."""

import subprocess
from pathlib import Path

from tests.lab import cache, images
from tests.lab.sources import debian_mirror
from tests.packaging import debs

_PACKAGES = ("openssh-server", "python3-apt")
_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Of the host's own, apt sees nothing but which packages are there.
_FETCH = """
mkdir -p state/lists/partial cache
echo 'deb [signed-by={keys}] {mirror} {suite} main' >sources.list
apt='apt-get -qq --yes --no-install-recommends
 -o Dir::State={place}/state -o Dir::State::status={root}/var/lib/dpkg/status
 -o Dir::Cache={place}/cache -o Dir::Etc::SourceList={place}/sources.list -o Dir::Etc::SourceParts=-
 -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root'
mkdir -p cache/archives/partial
$apt update
$apt --download-only install {packages}
mv cache/archives/*.deb .
rm -r state cache sources.list
"""


def folder(image: images.HostImage) -> Path:
    """Return a folder with the packages that a host of this image lacks, and their index."""
    root = images.host_root(image)
    packages = " ".join((*_PACKAGES, *debs.dependencies()))

    def make(place: Path) -> None:
        script = _FETCH.format(
            keys=_KEYS,
            mirror=debian_mirror(),
            suite=image.suite,
            place=place,
            root=root,
            packages=packages,
        )
        images.run("sh", "-eu", "-c", f"cd {place}\n{script}")
        index(place)

    made_of = cache.key("archive 1", root.parent.name, packages, _FETCH)
    return cache.build(f"archive-{image.suite}", made_of, make)


def index(place: Path) -> None:
    """Write the index of a folder with packages."""
    done = subprocess.run(
        ["dpkg-scanpackages", "."], cwd=place, capture_output=True, text=True, check=True
    )
    (place / "Packages").write_text(done.stdout, encoding="utf-8")
