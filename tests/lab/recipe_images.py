"""Guest images made by the recipes in ``packaging/images``, as their users make them."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import CHECKOUT
from tests.lab import cache, guest_packages, image_tools, images
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
    return cache.key("recipe 2", base, guest_packages.folder().name, *files, *files.values())


def _mmdebstrap(place: Path) -> None:
    hook = f"--customize-hook={_FOLDER}/mmdebstrap/samemachine-guest"
    _run({"SAMEMACHINE_DEBS": str(guest_packages.folder())}, *_bootstrap(place / "root", hook))
    _pack(place)


def _debootstrap(place: Path) -> None:
    _run(
        {},
        str(_FOLDER / "debootstrap/make-root"),
        str(guest_packages.folder()),
        "bookworm",
        str(place / "root"),
        debian_mirror(),
    )
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
    image_tools.VIRT_CUSTOMIZE.run(
        place,
        {"/recipe": _FOLDER / "virt-customize", "/debs": guest_packages.folder()},
        "/place",
        "/recipe/install",
        "/debs",
        "/place/disk.raw",
        # Emulated, because the lab asks for no KVM.
        LIBGUESTFS_BACKEND="direct",
        LIBGUESTFS_BACKEND_SETTINGS="force_tcg",
    )


def _diskimage_builder(place: Path) -> None:
    # A tar, not a disk with partitions and a boot loader: that takes loop devices.
    image_tools.DISKIMAGE_BUILDER.run(
        place,
        {"/elements": _FOLDER / "diskimage-builder", "/debs": guest_packages.folder()},
        "/place",
        "disk-image-create",
        "-t",
        "tar",
        "-o",
        "/place/image",
        "debian-minimal",
        "samemachine-guest",
        ELEMENTS_PATH="/elements",
        SAMEMACHINE_DEBS="/debs",
        DIB_RELEASE="bookworm",
        DIB_DISTRIBUTION_MIRROR=debian_mirror(),
        # Its own list has the security archive as it was named before bullseye.
        DIB_APT_SOURCES_CONF=f"default:deb {debian_mirror()} bookworm main",
        DIB_IMAGE_CACHE="/place/cache",
        TMP_DIR="/place",
        DIB_NO_TMPFS="1",
    )
    # The tar is without these two, and a guest mounts there.
    for folder in ("proc", "sys"):
        (place / "root" / folder).mkdir(parents=True)
    images.run("tar", "-C", place / "root", "-xf", place / "image.tar")
    images.run("rm", "-r", place / "image.tar", place / "cache")
    _pack(place)


def _mkosi(place: Path) -> None:
    recipe = "/checkout/packaging/images/mkosi"
    (place / "work").mkdir()
    # A folder, not a disk with a boot loader; and one archive, since a mirror may have no other.
    image_tools.MKOSI.run(
        place,
        {recipe: _FOLDER / "mkosi", "/checkout/build/deb": guest_packages.folder()},
        recipe,
        "mkosi",
        "--release=bookworm",
        "--format=directory",
        "--bootable=no",
        f"--local-mirror={debian_mirror()}",
        "--output-dir=/place",
        "--workspace-dir=/place/work",
        "--package-cache-dir=/place/work",
        "build",
    )
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
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(_BOOTABLE)}",
        '--aptopt=Apt::Install-Recommends "false"',
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *options,
        "bookworm",
        str(root),
        debian_mirror(),
    ]


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
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
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
