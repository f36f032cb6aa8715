"""The wheels: what is in them, and that they run on each Python that is promised."""

import json
import subprocess
import time
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from host_agent.guest import link as guest_link
from host_agent.guest.ways import SocketStream
from tests.checkout import CHECKOUT
from tests.lab import needed
from tests.packaging import debian_root, roots, wheels
from tests.packaging.debian_root import DebianRoot
from tests.packaging.roots import RELEASES, Release

TOP = {"contract": "samemachine", "guest": "guest_agent", "host": "host_agent"}
COMMANDS = {"contract": None, "guest": "samemachine-guest", "host": "samemachine"}
SIDES = [(release, side) for release in RELEASES for side in release.sides]
BETWEEN = pytest.mark.long("wheels")
"""Of a Python between the oldest and the newest."""


def rows(wanted: str) -> list[ParameterSet]:
    """The releases on which a side runs, as rows; those between the ends are long."""
    found = [release for release, side in SIDES if side == wanted]
    return [
        pytest.param(
            release,
            release,
            wanted,
            id=release.suite,
            marks=() if release in {found[0], found[-1]} else BETWEEN,
        )
        for release in found
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return wheels.build(tmp_path_factory.mktemp("dist"))


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.mark.parametrize("part", wheels.PARTS)
def test_a_wheel_has_its_own_part_alone(part: str, built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built[part]) as archive:
        names = archive.namelist()
    inside = [name for name in names if ".dist-info/" not in name]
    folder = CHECKOUT / ("proto" if part == "contract" else ".")
    tracked = subprocess.run(
        ["git", "ls-files", TOP[part]], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.split()
    assert sorted(inside) == sorted(tracked)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.parametrize("part", ["guest", "host"])
def test_a_side_needs_what_the_root_says(part: str, built: dict[str, Path]) -> None:
    said = metadata(built[part])
    plain = [name for name in said.get_all("Requires-Dist", []) if "extra ==" not in name]
    version = metadata(built["contract"])["Version"]
    assert sorted(plain) == sorted([f"samemachine=={version}", *wheels.requirements(part)])
    assert said["Requires-Python"] == {"guest": ">=3.9", "host": ">=3.11"}[part]


@pytest.fixture(scope="module")
def root(
    request: pytest.FixtureRequest, built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DebianRoot]:
    """A copy of a release's root without a network, with our wheels at ``/debs``."""
    needed.require()
    with needed.shown(request):
        image = roots.with_wheels(request.param)
    folder, ours = tmp_path_factory.mktemp(request.param.suite), built["guest"].parent
    with debian_root.started(image, ours, ours, folder) as started:
        yield started


def install(root: DebianRoot, release: Release, side: str) -> str:
    """Install a side into a clean environment and return the folder of its commands."""
    place = f"/opt/{side}"
    root.run(f"python3 -m venv {place}")
    found = root.run(f"{place}/bin/python -c 'import sys; print(*sys.version_info[:2])'")
    assert found.split() == release.python.split(".")
    root.run(
        f"{place}/bin/pip install --quiet --no-index --find-links=/debs --find-links=/wheels "
        f"samemachine-{side}"
    )
    root.run(f"{place}/bin/pip check")
    return f"{place}/bin"


@pytest.mark.parametrize(("root", "release", "side"), rows("guest"), indirect=["root"])
def test_the_guest_side_answers(root: DebianRoot, release: Release, side: str) -> None:
    """Installed in a clean environment of that Python, and asked over gRPC from ours."""
    commands = install(root, release, side)
    printed = json.loads(root.run(f"{commands}/samemachine-guest report --group boot"))
    socket = root.path / "run/guest.sock"
    # It ends with the root.
    root.run(f"{commands}/samemachine-guest serve --socket /run/guest.sock >/dev/null 2>&1 &")
    deadline = time.monotonic() + 60
    while not socket.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stream = SocketStream.connect(str(socket))
    report = guest_link.ask(stream, time.monotonic() + 60).report
    stream.close()
    assert report.boot.boot_id == printed["boot"]["boot_id"]
    # dmidecode, the parser from PyPI, was asked as well.
    assert report.HasField("dmi") or any("DMI" in absence.detail for absence in report.absences)


@pytest.mark.parametrize(("root", "release", "side"), rows("host"), indirect=["root"])
def test_the_host_side_audits(root: DebianRoot, release: Release, side: str) -> None:
    """Installed in a clean environment of that Python, over that release's own libvirt."""
    command = f"{install(root, release, side)}/samemachine"
    # libvirt's test driver has one domain, and nothing in it that could be asked.
    printed = root.run(
        f"{command} audit --connect test:///default --format json 2>/dev/null", codes=(3,)
    )
    (domain,) = json.loads(printed)["hosts"][0]["domains"]
    assert domain["name"] == "test"
    # Data that is installed with the package: releases, the output's templates.
    assert "YES" in root.run(f"{command} path debian:bookworm debian:trixie")
    assert "<html" in root.run(f"{command} path --matrix --format html")
