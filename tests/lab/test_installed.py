"""The host's Debian package as it is installed, on a real host with a real guest."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.checkout import CHECKOUT
from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.packaging import debs

PACKAGES = ("python3-samemachine", "samemachine-host")


@pytest.fixture(scope="module")
def installed(host_b: Host) -> Iterator[Host]:
    """The host has all libraries from Debian; ours is added, and goes again."""
    place = host_b.root / "root"
    files = [deb for deb in debs.packages() if deb.name.startswith(PACKAGES)]
    # The lab's own configuration stands where the package's will.
    configuration = host_b.root / "etc/samemachine/host.toml"
    kept = configuration.read_text(encoding="utf-8")
    configuration.unlink()
    for file in files:
        shutil.copy(file, place)
    host_b.run("dpkg", "--install", *(f"/root/{file.name}" for file in files))
    yield host_b
    host_b.run("dpkg", "--remove", *PACKAGES)
    for file in files:
        (place / file.name).unlink()
    configuration.write_text(kept, encoding="utf-8")


@pytest.fixture(scope="module")
def guest(host_b: Host) -> Iterator[Guest]:
    guest = host_b.guest(GuestOptions(name="packaged", machine="pc-q35-10.0"))
    guest.start().wait_ready()
    yield guest
    guest.remove()


def audit(host: Host, guest: Guest, *before: str) -> dict[str, Any]:
    """Audit the guest with nothing of earlier audits kept."""
    host.run("rm", "-rf", "/var/cache/samemachine")
    # A cold guest's first answer takes its time where it is emulated.
    command = ("samemachine", "audit", guest.name, "--timeout", pace.words(60), "--format", "json")
    done = host.run(*before, *command, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (domain,) = json.loads(done.stdout)["hosts"][0]["domains"]
    assert (domain["verdict"], domain["depth"]) == ("verified", "guest")
    return {one["check"]: one["outcome"] for one in domain["findings"]}


def test_an_audit_by_the_package(installed: Host, guest: Guest) -> None:
    # A probe, from the package's own folder.
    assert audit(installed, guest)["exact"] == "pass"


def test_the_daemons_rights_are_enough(installed: Host, guest: Guest) -> None:
    unit = (CHECKOUT / "packaging/systemd/samemachine.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^CapabilityBoundingSet=(.+)$", unit, re.MULTILINE)
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in line.split())
    bounded = ("setpriv", "--no-new-privs", "--inh-caps=-all", f"--bounding-set=-all,{kept}")
    assert audit(installed, guest, *bounded) == audit(installed, guest)
