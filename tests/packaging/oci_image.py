"""The OCI image of the host command, made once, and what its layer unpacks to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.checkout import CHECKOUT
from tests.lab import cache, images
from tests.lab.sources import debian_mirror
from tests.packaging import debs

MAKE = CHECKOUT / "packaging/oci/make-image"
EPOCH = 1_700_000_000
_ENTER = """
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
mkdir -p dev proc run sys
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs run run
for folder in $2; do
    mkdir -p ".$folder"
    mount --bind "$folder" ".$folder"
done
shift 2
exec chroot . "$@"
"""


def folder() -> Path:
    """Return a folder with ``image.tar``, the ``layout`` in it, and the ``root`` that it holds."""

    def make(place: Path) -> None:
        done = subprocess.run(
            [
                sys.executable,
                MAKE,
                debs.folder(),
                place / "image.tar",
                "--mirror",
                debian_mirror(),
            ],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"make-image exited {done.returncode}:\n{done.stderr[-4000:]}")
        (place / "layout").mkdir()
        layout = ["tar", "--extract", f"--file={place}/image.tar", f"--directory={place}/layout"]
        subprocess.run(layout, check=True)
        (place / "root").mkdir()
        blobs = (place / "layout/blobs/sha256").iterdir()
        layer = max(blobs, key=lambda file: file.stat().st_size)
        images.run("tar", "-C", place / "root", "--numeric-owner", "-xpzf", layer)

    made_of = cache.key("oci 1", MAKE.read_bytes(), debs.folder().name)
    return cache.build("oci", made_of, make)


def container(
    image: Path, root: str | Path, *arguments: str, volumes: Sequence[str] = ()
) -> list[str]:
    """Return the command that does what a container tool does with an image, as little as it can.

    The image's own environment and command line; processes, mounts and what is written are the
    container's own. ``root``: where its root is, as seen from where this is run; ``volumes``:
    folders that are there under the same name.
    """
    index = json.loads((image / "layout/index.json").read_text(encoding="utf-8"))
    blobs = image / "layout/blobs/sha256"

    def of(descriptor: Mapping[str, str]) -> Any:
        file = blobs / descriptor["digest"].removeprefix("sha256:")
        return json.loads(file.read_text(encoding="utf-8"))

    config = of(of(index["manifests"][0])["config"])["config"]
    command = [*config["Entrypoint"], *(arguments or config["Cmd"])]
    return [
        *("env", "-i", *config["Env"], "HOME=/root"),
        *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"),
        *("sh", "-eu", "-c", _ENTER, "sh", str(root), " ".join(volumes), *command),
    ]
