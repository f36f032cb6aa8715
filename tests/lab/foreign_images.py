"""Guests of other architectures, made without running any of their code on this machine.

Packages of Debian are unpacked (mmdebstrap's variant ``extract`` runs none of their scripts) and
packed as the initramfs in which the guest lives. The guest agent in it is the one of our packages.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache, guest_packages, images

_FILES = Path(__file__).parent / "foreign_image"
# Started as in the quick guest, by the same scripts.
_SHARED = ("quick-init", "quick-agent", "quick-shutdown")
_PACKAGES = ("busybox-static", "kmod", "python3", "python3-grpcio", "python3-protobuf")
# Runs the commands of tests.
_AGENT_OF_QEMU = "qemu-guest-agent"
_APPLETS = (
    "cat", "dmesg", "echo", "grep", "ip", "kill", "ln", "ls", "mkdir", "mount", "setsid", "sh",
    "sha256sum", "sleep", "sync", "uname",
)  # fmt: skip
_MODULES = "virtio_pci", "virtio_console", "virtio_blk", "virtio_net"
# Of no use to a guest that is asked and nothing else: most of what is unpacked.
_LEFT_OUT = (
    "boot", "usr/share", "usr/include", "usr/lib/systemd", "usr/lib/udev", "usr/lib/*/gconv",
    "usr/lib/*/perl*", "usr/lib/*/libperl*", "usr/bin/perl*", "var/cache", "var/lib",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An architecture of Debian's."""

    debian: str
    """Debian's word for it."""
    kernel: str
    """The package of its kernel."""
    suite: str = "bookworm"
    modules: Sequence[str] = _MODULES
    """What is to be loaded; what the kernel has built in is passed over."""
    qemu: str
    """QEMU's word for it."""
    machine: str
    """A machine type that every host of the lab has."""
    console: str
    """Its kernel's name of the first serial line."""
    features: str = ""
    """Of the domain XML: a machine has to have what its kernel looks for."""
    cpu: str = ""
    """Of the domain XML: the default is another one with each QEMU."""
    uefi: str = ""
    """Of the domain XML: the images of its UEFI firmware, where it has one."""


# By libvirt's word for it.
ARCHITECTURES: Mapping[str, Foreign] = {
    "aarch64": Foreign(
        debian="arm64",
        kernel="linux-image-cloud-arm64",
        modules=(*_MODULES, "qemu_fw_cfg"),
        qemu="aarch64",
        machine="virt-7.2",
        console="ttyAMA0",
        cpu="<cpu mode='custom'><model>cortex-a57</model></cpu>",
        uefi="<loader readonly='yes' type='pflash'>/usr/share/AAVMF/AAVMF_CODE.fd</loader>"
        "<nvram template='/usr/share/AAVMF/AAVMF_VARS.fd'/>",
    ),
    "i686": Foreign(
        debian="i386",
        kernel="linux-image-686",
        modules=(*_MODULES, "qemu_fw_cfg"),
        qemu="i386",
        machine="pc-i440fx-7.2",
        console="ttyS0",
        features="<features><acpi/><apic/></features>",
    ),
    "riscv64": Foreign(
        debian="riscv64",
        kernel="linux-image-riscv64",
        suite="trixie",
        modules=(*_MODULES, "qemu_fw_cfg"),
        qemu="riscv64",
        machine="virt",
        console="ttyS0",
        uefi="<loader readonly='yes' type='pflash'>"
        "/usr/share/qemu-efi-riscv64/RISCV_VIRT_CODE.fd</loader>"
        "<nvram template='/usr/share/qemu-efi-riscv64/RISCV_VIRT_VARS.fd'/>",
    ),
    "s390x": Foreign(
        debian="s390x",
        kernel="linux-image-s390x",
        modules=("virtio_console", "virtio_blk", "virtio_net"),
        qemu="s390x",
        machine="s390-ccw-virtio-7.2",
        console="ttysclp0",
    ),
    "ppc64le": Foreign(
        debian="ppc64el",
        kernel="linux-image-powerpc64le",
        qemu="ppc64",
        machine="pseries-7.2",
        console="hvc0",
        cpu="<cpu mode='custom'><model>POWER9</model></cpu>",
    ),
}


def image(architecture: str) -> Path:
    """Return a folder with ``kernel`` and ``initrd``, built where it is not in the cache."""
    base = _base(architecture)
    packages = guest_packages.packages()
    recipe = cache.key("foreign agent 2", base.name, guest_packages.folder().name)

    def make(place: Path) -> None:
        os.link(base / "kernel", place / "kernel")
        for package in packages:
            images.run("dpkg-deb", "--extract", package, place / "agent")
        # Unit and rule, of no use here: a folder would take the place of the root's link.
        shutil.rmtree(place / "agent/lib", ignore_errors=True)
        _pack(place / "agent", place / "agent.cpio")
        # A kernel unpacks archives that follow each other into one root.
        with (place / "initrd").open("wb") as whole:
            for part in (base / "initrd", place / "agent.cpio"):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
        shutil.rmtree(place / "agent")
        (place / "agent.cpio").unlink()

    return cache.build(f"foreign-agent-{architecture}", recipe, make)


def _base(architecture: str) -> Path:
    """Return a folder with the kernel and an initrd in which nothing is ours."""
    row = ARCHITECTURES[architecture]
    packages = (*_PACKAGES, _AGENT_OF_QEMU, row.kernel)
    files = {file.name: file.read_bytes() for file in _files()}
    made_of = (row.suite, row.debian, *packages, *row.modules, *_APPLETS, *_LEFT_OUT, *files)
    recipe = cache.key("foreign 2", *made_of, *files.values())

    def make(place: Path) -> None:
        root = place / "root"
        images.mmdebstrap(
            row.suite,
            packages,
            root,
            "--variant=extract",
            f"--architectures={row.debian}",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        )
        (kernel,) = (root / "boot").glob("vmlinu[xz]-*")
        shutil.move(kernel, place / "kernel")
        _prune_modules(root, row.modules)
        for found in [found for name in _LEFT_OUT for found in root.glob(name)]:
            images.run("rm", "-r", found)
        for applet in _APPLETS:
            link = root / "usr/local/bin" / applet
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("/bin/busybox")
        _arrange(root, row.modules)
        _pack(root, place / "initrd")
        shutil.rmtree(root)

    return cache.build(f"foreign-{architecture}", recipe, make)


def _files() -> Sequence[Path]:
    shared = images.DATA
    return (*sorted(_FILES.iterdir()), *(shared / name for name in _SHARED))


def _arrange(root: Path, modules: Sequence[str]) -> None:
    """Put what is the lab's into the root of a guest."""
    for folder in ("dev", "proc", "sys", "run", "tmp", "var", "etc"):
        (root / folder).mkdir(exist_ok=True)
    (root / "var/run").symlink_to("/run")
    for file in _files():
        place = root / ("init" if file.name == "init" else f"usr/sbin/{file.name}")
        shutil.copyfile(file, place)
        place.chmod(0o755)
    shell = root / "bin/sh"
    shell.unlink(missing_ok=True)
    shell.symlink_to("/bin/busybox")
    (root / "etc/modules").write_text("\n".join(modules) + "\n", encoding="ascii")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="ascii")


def _prune_modules(root: Path, wanted: Sequence[str]) -> None:
    """Leave of the kernel's modules the wanted ones and what these need.

    Raises ``RuntimeError`` for one that this kernel neither has nor has built in.
    """
    (folder,) = (root / "lib/modules").iterdir()
    images.run("depmod", "--basedir", root, folder.name)
    needs = {}
    for line in (folder / "modules.dep").read_text(encoding="ascii").splitlines():
        file, _, others = line.partition(":")
        needs[_name(file)] = [file, *others.split()]
    built_in = {
        _name(line) for line in (folder / "modules.builtin").read_text(encoding="ascii").split()
    }
    if unknown := set(wanted) - needs.keys() - built_in:
        raise RuntimeError(f"{folder.name} has no module {', '.join(sorted(unknown))}")
    kept = {file for name in wanted for file in needs.get(name, ())}
    for module in folder.rglob("*.ko*"):
        if str(module.relative_to(folder)) not in kept:
            module.unlink()
    images.run("depmod", "--basedir", root, folder.name)


def _name(file: str) -> str:
    """Return what modprobe calls the module in a file."""
    return Path(file).name.partition(".ko")[0].replace("-", "_")


def _pack(root: Path, archive: Path) -> None:
    """Pack a folder in the form that kernels unpack (Linux driver-api/early-userspace)."""
    script = 'cd "$1"; find . -print0 | LC_ALL=C sort -z | cpio "$2" -0 -o -H newc -R 0:0 >"$3"'
    images.run("sh", "-eu", "-c", script, "sh", root, "--quiet", archive)
