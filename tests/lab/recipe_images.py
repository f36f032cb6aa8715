"""Guest images made by the recipes in ``packaging/images``, as their users make them."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache, guest_packages, images
from tests.lab.sources import debian_mirror

_FOLDER = images.CHECKOUT / "packaging/images"
_BOOTABLE = ("linux-image-cloud-amd64", "systemd-sysv", "udev", "initramfs-tools")
# What a cloud image has, and what our packages depend on, since the lab's guests have no network.
_CLOUD = (
    *_BOOTABLE, "cloud-init", "qemu-guest-agent", "python3-grpcio", "python3-protobuf", "dmidecode",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeImage:
    """Where an image's kernel, initrd and disk are, as the lab's hosts see them."""

    recipe: str
    folder: str
    seed: str | None = None
    """A second disk."""


def image(recipe: str) -> RecipeImage:
    """Return the image that a recipe makes, built where it is not in the cache."""
    place = cache.build(f"recipe-{recipe}", _key(recipe), _MAKERS[recipe])
    inside = f"/lab/cache/{place.name}"
    seed = f"{inside}/seed.iso" if (place / "seed.iso").exists() else None
    return RecipeImage(recipe=recipe, folder=inside, seed=seed)


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
}
_ON_A_CLOUD_IMAGE = {"cloud-init", "virt-customize"}
RECIPES = tuple(_MAKERS)
