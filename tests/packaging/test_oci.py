"""The OCI image of the host command: its layout is right, and the command in it runs."""

import gzip
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host_agent import __version__
from tests.lab import needed
from tests.packaging import oci_image

pytestmark = [pytest.mark.long("oci"), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> Path:
    needed.require()
    with needed.shown(request):
        return oci_image.folder()


def blob(image: Path, descriptor: dict[str, Any]) -> bytes:
    """Return what a descriptor is of (descriptor.md); its digest and size are right."""
    algorithm, _, digest = descriptor["digest"].partition(":")
    content: bytes = (image / "layout/blobs" / algorithm / digest).read_bytes()
    assert hashlib.new(algorithm, content).hexdigest() == digest
    assert len(content) == descriptor["size"]
    return content


def test_its_layout_is_as_specified(image: Path) -> None:
    layout = image / "layout"
    version = json.loads((layout / "oci-layout").read_text(encoding="utf-8"))
    assert version == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
    (described,) = index["manifests"]
    named = described["annotations"]["org.opencontainers.image.ref.name"]
    assert named == f"localhost/samemachine:{__version__}"
    assert described["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    manifest = json.loads(blob(image, described))
    assert (index["schemaVersion"], manifest["schemaVersion"]) == (2, 2)
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    config = json.loads(blob(image, manifest["config"]))
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    unpacked = gzip.decompress(blob(image, layer))
    diff_id = f"sha256:{hashlib.sha256(unpacked).hexdigest()}"
    assert config["rootfs"] == {"type": "layers", "diff_ids": [diff_id]}
    assert config["os"] == "linux"
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert len(config["history"]) == 1
    # Nothing lies there that nothing leads to.
    digests = {one["digest"] for one in (described, manifest["config"], layer)}
    found = {f"sha256:{file.name}" for file in (layout / "blobs/sha256").iterdir()}
    assert found == digests


def run(image: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the image as a container would, without a network."""
    return subprocess.run(
        ["unshare", "--net", *oci_image.container(image, image / "root", *arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_command_runs(image: Path) -> None:
    assert run(image, "--version").stdout.split()[-1] == __version__
    done = run(image)
    assert done.returncode == 4
    assert "socket=/run/libvirt/libvirt-sock" in done.stderr
    done = run(image, "audit", "-c", "test:///default")
    assert (done.returncode, "runs no QEMU" in done.stdout) == (3, True)
    assert run(image, "diff", "debian:bookworm", "debian:trixie").returncode == 1


def test_it_holds_nothing_that_is_not_needed(image: Path) -> None:
    root = image / "root"
    assert not list((root / "tmp").iterdir())
    assert not list((root / "var/lib/apt/lists").glob("*Packages*"))
    assert not list((root / "var/cache/apt/archives").glob("*.deb"))
    assert not (root / "usr/bin/qemu-system-x86_64").exists()
    # Who unpacks it without being root makes no devices.
    assert not [*(root / "dev").glob("*")]
    assert (root / "usr/share/doc/samemachine-host/copyright").exists()
