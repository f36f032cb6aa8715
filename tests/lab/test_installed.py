"""The host's Debian package as it is installed, on a real host with a real guest."""

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.packaging import debs

PACKAGES = ("python3-samemachine", "samemachine-host")

pytestmark = pytest.mark.skipif(
    shutil.which("dpkg-buildpackage") is None or shutil.which("dh_python3") is None,
    reason="dpkg-dev, debhelper and dh-python are needed: make system",
)


@pytest.fixture
def installed(host_b: Host) -> Iterator[Host]:
    """The host has all libraries from Debian; ours is added, and goes again."""
    place = host_b.root / "root"
    files = [deb for deb in debs.packages() if deb.name.startswith(PACKAGES)]
    for file in files:
        shutil.copy(file, place)
    host_b.run("dpkg", "--install", *(f"/root/{file.name}" for file in files))
    yield host_b
    host_b.run("dpkg", "--remove", *PACKAGES)
    for file in files:
        (place / file.name).unlink()


@pytest.fixture
def guest(host_b: Host) -> Iterator[Guest]:
    guest = host_b.guest(GuestOptions(name="packaged", machine="pc-q35-10.0"))
    guest.start().wait_ready(240)
    yield guest
    guest.remove()


def test_an_audit_by_the_package(installed: Host, guest: Guest) -> None:
    done = installed.run("samemachine", "audit", guest.name, "--format", "json", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (domain,) = json.loads(done.stdout)["hosts"][0]["domains"]
    assert (domain["verdict"], domain["depth"]) == ("verified", "guest")
    (exact,) = (one for one in domain["findings"] if one["check"] == "exact")
    # A probe, from the package's own folder.
    assert exact["outcome"] == "pass", exact
