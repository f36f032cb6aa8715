"""A host that boots: libvirt, QEMU and our package under Debian's own systemd, as a guest."""

import os
from pathlib import Path

from tests.lab import cache, images
from tests.packaging import debs

_PACKAGES = (
    "linux-image-cloud-amd64", "systemd-sysv", "udev", "kmod", "initramfs-tools",
    "qemu-guest-agent", "libvirt-daemon-system", "libvirt-clients", "qemu-system-x86", "seabios",
)  # fmt: skip
_OURS = ("python3-samemachine", "samemachine-host")


def folder() -> str:
    """Return the image's folder as the lab's hosts see it, built where it is not in the cache."""
    base = images.bootable("booted-host-root", (*_PACKAGES, *debs.dependencies()))
    packages = [deb for deb in debs.packages() if deb.name.startswith(_OURS)]

    def make(place: Path) -> None:
        images.install(packages, base / "root", place / "disk.raw", size="3G")
        for name in ("kernel", "initrd"):
            os.link(base / name, place / name)

    made_of = cache.key("booted host 1", base.name, debs.folder().name)
    return f"/lab/cache/{cache.build('booted-host', made_of, make).name}"
