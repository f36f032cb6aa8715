"""What is said of migration states, held against QEMU's own ``vmstate-static-checker.py``.

Both compare the shipped atlases with each other. QEMU's goes by names, of which a stream has none
but those of sections and subsections; what is said of versions, names and subsections must be the
same, and nothing may be said of a device that it finds nothing wrong with.
"""

import hashlib
import itertools
import re
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from host_agent.atlas import files as atlas_files
from host_agent.atlas import vmstate_diff
from host_agent.atlas.vmstate import VmState
from host_agent.atlas.vmstate_diff import Change, Kind, Reading
from tests.lab import cache
from tests.lab.sources import debian_mirror
from tests.vmstate_builder import as_dumped

pytestmark = pytest.mark.long("vmstate")

_SOURCE = "pool/main/q/qemu/qemu_10.0.13+ds.orig.tar.xz"
_SHA256 = "6a0888e806c2ffc0c5f0733e974f9aea55491950d3c47c98669c8b236dde59ae"
_CHECKER = "scripts/vmstate-static-checker.py"
_RELEASES = "bullseye", "bookworm", "trixie", "forky"
# QEMU 5.2 for ppc64 does not say what it sends.
_PAIRS = [
    (old, new, architecture)
    for architecture in ("x86_64", "aarch64", "ppc64")
    for old, new in itertools.permutations(_RELEASES, 2)
    if architecture != "ppc64" or "bullseye" not in {old, new}
]
# Versions of fields and parts are said as well, but not sent.
_OF_DEVICE = re.compile(r'Section "([^"]+)" (version error|Section "\1" .* minimum version error)')
_SAID = re.compile(r'Section "(?P<device>[^"]+)"')


@pytest.fixture(scope="module")
def checker() -> Path:
    """QEMU's program, of Debian's source package; it is run, and nothing of it is kept here."""

    def make(place: Path) -> None:
        archive = place / "source.tar.xz"
        with urllib.request.urlopen(f"{debian_mirror()}/{_SOURCE}", timeout=60) as answer:
            archive.write_bytes(answer.read())
        if hashlib.sha256(archive.read_bytes()).hexdigest() != _SHA256:
            raise ValueError(f"{_SOURCE} is another file")
        # From front to end: to go back in such an archive is to unpack it anew, a gigabyte.
        with tarfile.open(archive, "r|xz") as source:
            member = next(one for one in source if one.name.endswith(_CHECKER))
            file = source.extractfile(member)
            assert file is not None
            (place / "checker.py").write_bytes(file.read())
        archive.unlink()

    try:
        return cache.build("vmstate-checker", cache.key(_SHA256), make) / "checker.py"
    except (OSError, LookupError, urllib.error.URLError) as error:
        pytest.skip(f"QEMU's source can't be had from Debian's archive: {error}")


def states(release: str, architecture: str) -> VmState:
    found = atlas_files.read_shipped(f"debian:{release}:{architecture}").states
    assert found is not None
    return found


def complaints(checker: Path, old: VmState, new: VmState, folder: Path) -> list[tuple[str, str]]:
    """Return (device, line) of all that QEMU's program says."""
    for name, of in (("old", old), ("new", new)):
        (folder / name).write_text(as_dumped(of), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, checker, "-s", folder / "old", "-d", folder / "new"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stderr == ""
    found = []
    for line in done.stdout.splitlines():
        match = _SAID.match(line)
        if match:
            found.append((match["device"], line))
    return found


def has(changes: tuple[Change, ...], kind: Kind, *readings: Reading, words: str = "") -> bool:
    return any(
        one.kind is kind and one.reading in readings and words in one.what for one in changes
    )


@pytest.mark.parametrize(("old", "new", "architecture"), _PAIRS)
def test_it_says_the_same(
    checker: Path, tmp_path: Path, old: str, new: str, architecture: str
) -> None:
    ours, theirs = states(old, architecture), states(new, architecture)
    said = complaints(checker, ours, theirs, tmp_path)
    found = vmstate_diff.changes(ours, theirs)
    complained = {device for device, _ in said}
    for device, changes in found.items():
        # QEMU's does not look at what is read there after all that is sent.
        worse = [
            one
            for one in changes
            if one.reading is not Reading.READ and "not sent from here" not in one.what
        ]
        assert not worse or device in complained, (device, worse)
    for device, line in said:
        changes, own = found.get(device, ()), ours.devices[device].name
        if "does not exist in dest" in line:
            names = {one.name for one in theirs.devices.values()}
            assert has(changes, Kind.DEVICE, Reading.DEPENDS) or own in names, line
        elif (match := re.search(r'Subsection "([^"]+)" not found', line)) is not None:
            assert has(changes, Kind.SUBSECTION, Reading.DEPENDS, words=match[1]), line
        elif 'Entry "Subsections" missing' in line:
            assert has(changes, Kind.SUBSECTION, Reading.DEPENDS), line
        elif _OF_DEVICE.match(line):
            assert has(changes, Kind.VERSION, Reading.REFUSED), line
        elif f'Description "{own}" missing, got' in line:
            # A part may have the device's own name, which is not sent.
            named = theirs.devices[device].name == own
            assert named or has(changes, Kind.NAME, Reading.REFUSED), line
