"""Guest images made by the recipes in ``packaging/images``, as their users make them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import CHECKOUT
from tests.lab import cache, guest_packages, images
from tests.lab.sources import debian_mirror

_FOLDER = CHECKOUT / "packaging/images"
_BOOTABLE = ("linux-image-cloud-amd64", "systemd-sysv", "udev", "initramfs-tools")
# What a cloud image has, and what our packages depend on, since the lab's guests have no network.
_CLOUD = (
    *_BOOTABLE, "cloud-init", "qemu-guest-agent", "python3-grpcio", "python3-protobuf", "dmidecode",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeImage:
    """Where an image's kernel, initrd and disk are, as the lab's hosts see them."""

    folder: str
    seed: str | None = None
    """A second disk."""


def hindrance(recipe: str) -> str | None:
    """Say why a recipe can't be run here; None: it can."""
    tool, packages = _TOOLS.get(recipe, ("true", ""))
    return None if shutil.which(tool) else f"needs {tool} (Debian: {packages})"


def image(recipe: str) -> RecipeImage:
    """Return the image that a recipe makes, built where it is not in the cache."""
    place = cache.build(f"recipe-{recipe}", _key(recipe), _MAKERS[recipe])
    inside = f"/lab/cache/{place.name}"
    seed = f"{inside}/seed.iso" if (place / "seed.iso").exists() else None
    return RecipeImage(folder=inside, seed=seed)


def _key(recipe: str) -> str:
    files = {
        str(file.relative_to(_FOLDER)): file.read_bytes()
        for file in sorted((_FOLDER / recipe).rglob("*"))
        if file.is_file()
    }
    base = _cloud_image().name if recipe in _ON_A_CLOUD_IMAGE else ""
    return cache.key("recipe 1", base, guest_packages.folder().name, *files, *files.values())


def _mmdebstrap(place: Path) -> None:
    hook = f"--customize-hook={_FOLDER}/mmdebstrap/samemachine-guest"
    _run({"SAMEMACHINE_DEBS": str(guest_packages.folder())}, *_bootstrap(place / "root", hook))
    _pack(place)


def _debootstrap(place: Path) -> None:
    _run(
        {}, str(_FOLDER / "debootstrap/make-root"), str(guest_packages.folder()), "bookworm",
        str(place / "root"), debian_mirror(),
    )  # fmt: skip
    _pack(place)


def _cloud_init(place: Path) -> None:
    _link(place)
    seed = str(place / "seed.iso")
    _run({}, str(_FOLDER / "cloud-init/make-seed"), str(guest_packages.folder()), seed)


def _virt_customize(place: Path) -> None:
    _link(place)
    # The cloud image's own disk stays as it is.
    (place / "disk.raw").unlink()
    images.run("cp", "--sparse=always", _cloud_image() / "disk.raw", place / "disk.raw")
    # It boots a kernel of this machine with the disk; emulated, because the lab asks for no KVM.
    environment = {"LIBGUESTFS_BACKEND": "direct", "LIBGUESTFS_BACKEND_SETTINGS": "force_tcg"}
    folder, disk = str(guest_packages.folder()), str(place / "disk.raw")
    _run(environment, str(_FOLDER / "virt-customize/install"), folder, disk)


def _diskimage_builder(place: Path) -> None:
    environment = {
        "ELEMENTS_PATH": str(_FOLDER / "diskimage-builder"),
        "SAMEMACHINE_DEBS": str(guest_packages.folder()),
        "DIB_RELEASE": "bookworm",
        "DIB_DISTRIBUTION_MIRROR": debian_mirror(),
        # Its own list has the security archive as it was named before bullseye.
        "DIB_APT_SOURCES_CONF": f"default:deb {debian_mirror()} bookworm main",
        "DIB_IMAGE_CACHE": str(place / "cache"),
        "TMP_DIR": str(place),
    }
    # A tar, not a disk with partitions and a boot loader: that takes loop devices.
    _run(
        environment, "disk-image-create", "-t", "tar", "-o", str(place / "image"),
        "debian-minimal", "samemachine-guest",
    )  # fmt: skip
    (place / "root").mkdir()
    images.run("tar", "-C", place / "root", "-xf", place / "image.tar")
    images.run("rm", "-r", place / "image.tar", place / "cache")
    _pack(place)


# Debian 12 has an mkosi of other settings: the one of Debian 13 runs in a root of its own.
_MKOSI = (
    "mkosi", "reprepro", "apt", "debian-archive-keyring", "systemd", "systemd-repart", "e2fsprogs",
    "cpio", "kmod", "zstd", "uidmap", "util-linux",
)  # fmt: skip
_IN_MKOSI = """
mount --make-rprivate /
mount --bind {root} {root}
cd {root}
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs run run
mkdir -p checkout/packaging/images/mkosi checkout/build/deb place .old
mount --bind {recipe} checkout/packaging/images/mkosi
mount --bind {debs} checkout/build/deb
mount --bind {place} place
cp /etc/resolv.conf etc/resolv.conf
pivot_root . .old
umount -l .old
cd /checkout/packaging/images/mkosi
mkdir /place/work
# A folder, not a disk with a boot loader; and one archive, since a mirror may have no other.
mkosi --release=bookworm --format=directory --bootable=no --local-mirror={mirror} \\
    --output-dir=/place --workspace-dir=/place/work --package-cache-dir=/place/work build
"""


def _mkosi(place: Path) -> None:
    def make(place: Path) -> None:
        images.mmdebstrap("trixie", _MKOSI, place / "root")

    tool = cache.build("mkosi", cache.key("mkosi 1", *_MKOSI), make)
    script = _IN_MKOSI.format(
        root=tool / "root", recipe=_FOLDER / "mkosi", debs=guest_packages.folder(), place=place,
        mirror=debian_mirror(),
    )  # fmt: skip
    _run({}, "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", script)
    (place / "samemachine-guest").rename(place / "root")
    images.run("rm", "-r", place / "work")
    _pack(place)


def _cloud_image() -> Path:
    """Return a cloud image as a distribution makes it: nothing of ours in it."""

    def make(place: Path) -> None:
        _run({}, *_bootstrap(place / "root", f"--include={','.join(_CLOUD)}"))
        _pack(place)

    return cache.build("cloud-image", cache.key("cloud 1", *_CLOUD), make)


def _bootstrap(root: Path, *options: str) -> list[str]:
    return [
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_BOOTABLE)}",
        '--aptopt=Apt::Install-Recommends "false"', '--aptopt=Acquire::Check-Valid-Until "false"',
        *options, "bookworm", str(root), debian_mirror(),
    ]  # fmt: skip


def _pack(place: Path) -> None:
    """Make of ``root`` what a guest boots: kernel, initrd, disk."""
    images.take_kernel(place / "root", place)
    images.run("mkfs.ext4", "-q", "-d", place / "root", place / "disk.raw", "2G")
    images.run("rm", "-r", place / "root")


def _link(place: Path) -> None:
    for file in _cloud_image().iterdir():
        os.link(file, place / file.name)


def _run(environment: Mapping[str, str], *command: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{command[0]} exited {done.returncode}:\n{done.stdout[-4000:]}")


_MAKERS: Mapping[str, Callable[[Path], None]] = {
    "mmdebstrap": _mmdebstrap,
    "debootstrap": _debootstrap,
    "cloud-init": _cloud_init,
    "mkosi": _mkosi,
    "virt-customize": _virt_customize,
    "diskimage-builder": _diskimage_builder,
}
_ON_A_CLOUD_IMAGE = {"cloud-init", "virt-customize"}
RECIPES = tuple(_MAKERS)
# Not in tests/lab/packages.txt: the second boots a kernel of this machine, which it must have.
_TOOLS = {
    "virt-customize": ("virt-customize", "guestfs-tools, linux-image-cloud-amd64"),
    "diskimage-builder": ("disk-image-create", "python3-diskimage-builder, debootstrap, sudo"),
}
