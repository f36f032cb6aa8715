"""What the lab's images are made of, and how: hosts, the guest, and the agent installed in it."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.checkout import CHECKOUT
from tests.lab import cache, guest_packages
from tests.lab.sources import debian_mirror

DATA = Path(__file__).parent / "guest_image"

_LIBVIRT = (
    "qemu-system-x86", "qemu-utils", "libvirt-daemon-system", "libvirt-clients",
    "libvirt-daemon-driver-qemu", "iproute2", "ovmf", "seabios", "ipxe-qemu", "python3", "procps",
)  # fmt: skip
# Bullseye has none.
_TPM = ("swtpm", "swtpm-tools")
_GUEST = (
    "linux-image-cloud-amd64", "systemd-sysv", "udev", "python3", "python3-grpcio",
    "python3-protobuf", "dmidecode", "qemu-guest-agent", "kmod", "initramfs-tools",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HostImage:
    """A distribution release as a host, with its own QEMU and libvirt."""

    suite: str
    own_python: bool
    """Whether samemachine runs there with the release's own Python and libraries."""
    more: Sequence[str] = ()
    """Packages of QEMU for other architectures, and of TPMs."""
    newer: str | None = None
    """A suite whose QEMU packages lie in ``NEWER``, to be installed by a test."""
    upgraded: bool = False
    """Whether those are installed."""
    only_for: str | None = None
    """What few tests need it for; it is built when one of them starts it."""
    laid_over: Sequence[Path] = ()
    """Packages that are installed over those of the release."""
    root: Path | None = None
    """A system that is there already; it is never written to."""


BOOKWORM = HostImage(
    suite="bookworm",
    own_python=False,
    more=("qemu-system-arm", "qemu-system-ppc", *_TPM),
    newer="bookworm-backports",
)
BACKPORTS = replace(BOOKWORM, upgraded=True)
TRIXIE = HostImage(suite="trixie", own_python=True, more=("qemu-system-s390x", *_TPM))
# For guests of all architectures. In bookworm the package of all the rest has 46 MB.
MANY_BOOKWORM = HostImage(
    suite="bookworm",
    own_python=False,
    only_for="architectures",
    more=("qemu-system-arm", "qemu-system-misc", "qemu-system-ppc", "qemu-efi-aarch64"),
)
MANY_TRIXIE = HostImage(
    suite="trixie",
    own_python=True,
    only_for="architectures",
    more=(
        "qemu-system-arm",
        "qemu-system-misc",
        "qemu-system-ppc",
        "qemu-system-riscv",
        "qemu-system-s390x",
        "qemu-efi-aarch64",
        "qemu-efi-riscv64",
    ),
)
# Its Python is too old for the host side, and its C library for another Python: it is looked at
# from its neighbours.
BULLSEYE = HostImage(suite="bullseye", own_python=False)
FORKY = HostImage(suite="forky", own_python=True, more=_TPM)
NEWER = "/newer"
# As a user does it: apt installs local files. What they depend on is there already.
_INSTALL = """
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir={root},upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cp {packages} /mnt/root/tmp
chroot /mnt/root sh -eu -c '
apt-get -qq install --yes --no-install-recommends /tmp/*.deb
rm /tmp/*.deb
{more}'
mkfs.ext4 -q -d /mnt/root {disk} {size}
"""
_LAY_OVER = """
cp -a {base} {root}
mkdir {root}/laid-over
cp {packages} {root}/laid-over
chroot {root} sh -eu -c 'dpkg --install /laid-over/*.deb'
"""
# Lets the agent see a new host's tables; the drop-in is the package's own.
_REFRESH = """
dropins=/etc/systemd/system/samemachine-guest.service.d
install -D -m 644 -t $dropins /usr/share/samemachine-guest/refresh-fw-cfg.conf
"""
_DOWNLOAD = """--customize-hook=
echo "deb {mirror} {suite} main" >"$1/etc/apt/sources.list.d/newer.list"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt-get -qq clean
apt-get -qq update
apt-get -qq --yes --download-only --no-install-recommends -t {suite} install {packages}
mkdir "$1{place}"
mv "$1"/var/cache/apt/archives/*.deb "$1{place}"
rm "$1/etc/apt/sources.list.d/newer.list"
"""


def host_root(image: HostImage) -> Path:
    """Return the root folder of a host, built where it is not in the cache."""
    if image.root is not None:
        return image.root
    if image.laid_over:
        return _with_packages(replace(image, laid_over=()), image.laid_over)
    if image.upgraded:
        base = replace(image, upgraded=False)
        newer = (host_root(base) / NEWER.lstrip("/")).glob("*.deb")
        return _with_packages(base, sorted(newer))
    packages = (*_LIBVIRT, *(libraries() if image.own_python else ()), *image.more)
    hooks = _hooks(image)
    recipe = cache.key("host 1", image.suite, *packages, *hooks)

    def make(place: Path) -> None:
        mmdebstrap(image.suite, packages, place / "root", *hooks)

    name = "-".join(filter(None, ("host", image.suite, image.only_for)))
    return cache.build(name, recipe, make) / "root"


def _with_packages(image: HostImage, packages: Sequence[Path]) -> Path:
    base = host_root(image)
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in packages]

    def make(place: Path) -> None:
        files = " ".join(shlex.quote(str(file)) for file in packages)
        script = _LAY_OVER.format(base=base, root=place / "root", packages=files)
        run("unshare", "--mount", "--propagation=private", "sh", "-eu", "-c", script)

    recipe = cache.key("laid over 1", base.parent.name, _LAY_OVER, *digests)
    return cache.build(f"laid-over-{image.suite}", recipe, make) / "root"


def root_on_hosts(image: HostImage) -> str:
    """Return the root folder of a host's system, as each of the lab's hosts sees it."""
    root = host_root(image)
    if image.root is not None:
        return f"/lab/root-{cache.key(str(root))}"
    return f"/lab/cache/{root.relative_to(cache.directory())}"


def libraries() -> Sequence[str]:
    """Return the Debian packages of libraries that our host package depends on."""
    control = (CHECKOUT / "packaging/debian/control").read_text(encoding="utf-8")
    (host,) = (part for part in control.split("\n\n") if "Package: samemachine-host\n" in part)
    depends = host.partition("\nDepends:\n")[2].partition("\nRecommends:")[0]
    named = re.findall(r"^ (python3-[a-z0-9-]+)", depends, re.MULTILINE)
    return sorted(set(named) - {"python3-samemachine"})


def _hooks(image: HostImage) -> Sequence[str]:
    if image.newer is None:
        return ()
    return [
        _DOWNLOAD.format(
            mirror=debian_mirror(),
            suite=image.newer,
            place=NEWER,
            packages="qemu-system-x86 qemu-utils " + " ".join(image.more),
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestImage:
    """Files for booting a guest directly, without a boot loader."""

    kernel: Path
    initrd: Path
    disk: Path


def guest() -> GuestImage:
    """Return the guest: a root that boots fast, with our packages installed into it."""
    base = bootable("guest", _GUEST)
    packages = guest_packages.packages()
    recipe = cache.key("agent 3", base.name, guest_packages.folder().name, _INSTALL, _REFRESH)

    def make(place: Path) -> None:
        install(packages, base / "root", place / "disk.raw", size="1200M", more=_REFRESH)

    place = cache.build("agent", recipe, make)
    return GuestImage(kernel=base / "kernel", initrd=base / "initrd", disk=place / "disk.raw")


def install(packages: Sequence[Path], root: Path, disk: Path, *, size: str, more: str = "") -> None:
    """Make a disk of a root and of packages that are installed into it, as a layer of its own.

    So a change of the packages builds no root. ``more`` is run in it by a shell afterwards.
    """
    script = _INSTALL.format(
        disk=disk,
        root=root,
        packages=" ".join(str(file) for file in packages),
        size=size,
        more=more,
    )
    run("unshare", "--mount", "--propagation=private", "sh", "-eu", "-c", script)


def data_disk() -> Path:
    """Return an empty disk, which every guest has as its second one."""

    def make(place: Path) -> None:
        (place / "disk.raw").touch()
        os.truncate(place / "disk.raw", 8 << 20)

    return cache.build("data", cache.key("data 1"), make) / "disk.raw"


def bootable(name: str, packages: Sequence[str]) -> Path:
    """Return a folder with ``root``, Debian 12 with these packages, its ``kernel`` and ``initrd``.

    It boots fast, and nothing of ours is in it.
    """
    files = {file.name: file.read_bytes() for file in sorted(DATA.iterdir())}
    recipe = cache.key("guest 3", *packages, *files, *files.values())

    def make(place: Path) -> None:
        root = place / "root"
        hooks = [f"--customize-hook=copy-in {file} /tmp" for file in sorted(DATA.iterdir())]
        hooks.append('--customize-hook=chroot "$1" sh -eu /tmp/set-up.sh')
        mmdebstrap("bookworm", packages, root, *hooks)
        take_kernel(root, place)

    return cache.build(name, recipe, make)


def take_kernel(root: Path, place: Path) -> None:
    """Move the only kernel of a root, and its initrd, to ``place``."""
    for pattern, name in (("vmlinuz-*", "kernel"), ("initrd.img-*", "initrd")):
        (file,) = (root / "boot").glob(pattern)
        shutil.move(file, place / name)


def mmdebstrap(suite: str, packages: Sequence[str], place: Path, *options: str) -> None:
    """Make the root folder ``place`` of a release with these packages and no documentation."""
    run(
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        # Documentation is a third of the files.
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        '--aptopt=Apt::Install-Recommends "false"',
        # An archive that stands still (a snapshot) is signed, but for a time that is over.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *options,
        suite,
        place,
        debian_mirror(),
    )


def run(*command: str | Path) -> None:
    """Run a command; raises ``RuntimeError`` with what it printed where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} exited {done.returncode}:\n{done.stdout[-4000:]}")
