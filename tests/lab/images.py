"""What the lab's images are made of, and how: hosts, the guest's root disk, the agent's disk."""

import importlib.util
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache
from tests.lab.sources import debian_mirror

CHECKOUT = Path(__file__).resolve().parents[2]
_DATA = Path(__file__).parent / "guest_image"

_LIBVIRT = (
    "qemu-system-x86", "qemu-utils", "libvirt-daemon-system", "libvirt-clients",
    "libvirt-daemon-driver-qemu", "iproute2", "ovmf", "seabios", "ipxe-qemu", "python3", "procps",
)  # fmt: skip
_PYTHON = (
    "python3-libvirt", "python3-grpcio", "python3-protobuf", "python3-lxml", "python3-click",
    "python3-pyelftools", "python3-rich", "python3-sqlalchemy", "python3-distro-info",
    "python3-jinja2",
)  # fmt: skip
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
    """Packages of QEMU for other architectures."""
    newer: str | None = None
    """A suite whose QEMU packages lie in ``NEWER``, to be installed by a test."""


BOOKWORM = HostImage(
    suite="bookworm", own_python=False, more=("qemu-system-arm", "qemu-system-ppc"),
    newer="bookworm-backports",
)  # fmt: skip
TRIXIE = HostImage(suite="trixie", own_python=True)
# Its Python is too old for the host side, and its C library for another Python: it is looked at
# from its neighbours.
BULLSEYE = HostImage(suite="bullseye", own_python=False)
FORKY = HostImage(suite="forky", own_python=True)
NEWER = "/newer"
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
    packages = (*_LIBVIRT, *(_PYTHON if image.own_python else ()), *image.more)
    hooks = _hooks(image)
    recipe = cache.key("host 1", image.suite, *packages, *hooks)

    def make(place: Path) -> None:
        mmdebstrap(image.suite, packages, place / "root", *hooks)

    return cache.build(f"host-{image.suite}", recipe, make) / "root"


def _hooks(image: HostImage) -> Sequence[str]:
    if image.newer is None:
        return ()
    return [
        _DOWNLOAD.format(
            mirror=debian_mirror(), suite=image.newer, place=NEWER,
            packages="qemu-system-x86 qemu-utils " + " ".join(image.more),
        )
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestImage:
    """Files for booting a guest directly, without a boot loader."""

    kernel: Path
    initrd: Path
    disk: Path


def guest() -> GuestImage:
    """Return the guest's kernel, initrd and root disk, built where they are not in the cache."""
    files = {file.name: file.read_bytes() for file in sorted(_DATA.iterdir())}
    recipe = cache.key("guest 2", *_GUEST, *files, *files.values())
    place = cache.build("guest", recipe, _make_guest)
    return GuestImage(kernel=place / "kernel", initrd=place / "initrd", disk=place / "disk.raw")


def agent_disk() -> Path:
    """Return a small disk with the guest agent of this checkout, for the guest to mount."""
    files = dict(_agent_files())
    recipe = cache.key("agent 1", *(f"{name}\0".encode() + files[name] for name in sorted(files)))

    def make(place: Path) -> None:
        for name, content in files.items():
            file = place / "files" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        run("mkfs.ext4", "-q", "-L", "samemachine", "-d", place / "files", place / "disk.raw", "8M")
        shutil.rmtree(place / "files")

    return cache.build("agent", recipe, make) / "disk.raw"


def _agent_files() -> Mapping[str, bytes]:
    """The packages of the guest side, and the parser that Debian does not have."""
    specification = importlib.util.find_spec("dmidecode")
    if specification is None or specification.origin is None:
        raise LookupError("the environment has no dmidecode; run make venv")
    files = {"dmidecode.py": Path(specification.origin).read_bytes()}
    for package in (CHECKOUT / "guest_agent", CHECKOUT / "proto" / "samemachine"):
        for file in sorted(package.rglob("*.py")):
            files[f"{file.relative_to(package.parent)}"] = file.read_bytes()
    return files


def _make_guest(place: Path) -> None:
    root = place / "root"
    hooks = [f"--customize-hook=copy-in {file} /tmp" for file in sorted(_DATA.iterdir())]
    hooks.append('--customize-hook=chroot "$1" sh -eu /tmp/set-up.sh')
    mmdebstrap("bookworm", _GUEST, root, *hooks)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    (initrd,) = (root / "boot").glob("initrd.img-*")
    shutil.copy(kernel, place / "kernel")
    shutil.copy(initrd, place / "initrd")
    for file in (kernel, initrd):
        file.unlink()
    run("mkfs.ext4", "-q", "-d", root, place / "disk.raw", "1200M")
    shutil.rmtree(root)


def mmdebstrap(suite: str, packages: Sequence[str], place: Path, *options: str) -> None:
    """Make the root folder ``place`` of a release with these packages and no documentation."""
    run(
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
        # Documentation is a third of the files.
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", '--aptopt=Apt::Install-Recommends "false"',
        # An archive that stands still (a snapshot) is signed, but for a time that is over.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        *options, suite, place, debian_mirror(),
    )  # fmt: skip


def run(*command: str | Path) -> None:
    """Run a command; raises ``RuntimeError`` with what it printed where it fails."""
    done = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{command[0]} exited {done.returncode}:\n{done.stdout[-4000:]}")
