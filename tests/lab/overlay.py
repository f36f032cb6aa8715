"""Shell commands that enter a copy of a cached root: what is written there is gone afterwards."""

from pathlib import Path

_ENTER = """
mount --make-rprivate /
mount -t tmpfs -o mode=755,size={size} stage {stage}
mkdir {stage}/upper {stage}/work {stage}/root
cd {stage}
mount -t overlay overlay -o lowerdir={image},upperdir=upper,workdir=work root
cd root
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mkdir -p .old
{prepare}
ip link set lo up
pivot_root . .old
umount -l /.old
echo ready >{ready}
while :; do sleep 3600 & wait $!; done
"""
READY = "run/root-ready"
"""It is there as soon as everything else is."""


def script(stage: Path, image: Path, *, size: str, prepare: str) -> str:
    """Return what the first process of new namespaces runs.

    The copy is an overlay over ``image``, in a tmpfs of this size at ``stage``. ``prepare`` has
    commands for the new root before it is the root. The shell waits at the end, and reaps what
    others leave.
    """
    return _ENTER.format(stage=stage, image=image, size=size, prepare=prepare, ready=f"/{READY}")
