"""Tools that make guest images, each in a root of its own: nothing of them is installed here."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cache, images

# What is written goes into the folder that is made, beside what is made there.
_ENTER = """
mount --make-rprivate /
mkdir {work} {work}/upper {work}/overlay {work}/root
mount -t overlay overlay -o lowerdir={root},upperdir={work}/upper,workdir={work}/overlay {work}/root
cd {work}/root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs run run
{binds}
cp /etc/resolv.conf etc/resolv.conf
echo "127.0.0.1 localhost $(hostname)" >etc/hosts
mkdir .old
pivot_root . .old
umount -l .old
cd {folder}
{command}
# Not the last command, which would be the first process then: that one must reap what others leave.
exit 0
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A release of Debian with a tool installed."""

    name: str
    suite: str
    packages: Sequence[str]

    def run(
        self, place: Path, binds: Mapping[str, Path], folder: str, *command: str, **variables: str
    ) -> None:
        """Run a command of it in a folder, with folders of ours below its root, as root.

        ``place`` is where something is made: it is there as ``/place``. Raises ``RuntimeError``
        with what was printed where the command fails.
        """
        work = place / "tool"
        script = _ENTER.format(
            work=work,
            root=self._root(),
            folder=folder,
            command=shlex.join(command),
            binds="\n".join(
                f"mkdir -p .{target}; mount --bind {source} .{target}"
                for target, source in {**binds, "/place": place}.items()
            ),
        )
        environment = [f"{name}={value}" for name, value in variables.items()]
        images.run(
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "env",
            *environment,
            "sh",
            "-eu",
            "-c",
            script,
        )
        images.run("rm", "-r", work)

    def _root(self) -> Path:
        def make(place: Path) -> None:
            images.mmdebstrap(self.suite, self.packages, place / "root")

        made_of = cache.key("tool 1", self.suite, *self.packages)
        return cache.build(f"tool-{self.name}", made_of, make) / "root"


# Debian 12 has an mkosi of other settings.
MKOSI = Tool(
    name="mkosi",
    suite="trixie",
    packages=(
        "mkosi",
        "reprepro",
        "apt",
        "debian-archive-keyring",
        "systemd",
        "systemd-repart",
        "e2fsprogs",
        "cpio",
        "kmod",
        "zstd",
        "uidmap",
        "util-linux",
    ),
)
# It boots a kernel of its own with the disk.
VIRT_CUSTOMIZE = Tool(
    name="virt-customize",
    suite="bookworm",
    packages=("guestfs-tools", "linux-image-cloud-amd64", "qemu-system-x86"),
)
DISKIMAGE_BUILDER = Tool(
    name="diskimage-builder",
    suite="bookworm",
    packages=("python3-diskimage-builder", "debootstrap", "sudo", "debian-archive-keyring"),
)
