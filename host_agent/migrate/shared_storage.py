"""Whether a file of this host is one that other hosts see as well."""

from pathlib import Path

from host_agent.domain.devices import Devices

_SHARED = {
    "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.mfs", "fuse.quobyte",
    "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre", "nfs", "nfs4", "ocfs2", "smb3", "vxfs",
}  # fmt: skip
# What the kernel alone can't tell: a file system of a user's own program.
_UNKNOWN = {"fuse", "fuseblk"}


def is_shared(path: str, root: Path = Path("/")) -> bool | None:
    """Tell by its file system whether other hosts see a file; None: that can't be told.

    As libvirt does (``src/util/virfile.c: virFileIsSharedFS``).
    """
    try:
        place = Path(path).resolve()
        mounts = (root / "proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except (OSError, RuntimeError):
        return None
    found: str | None = None
    longest = -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        where = Path(fields[1].replace("\\040", " "))
        # Of two mounts on one place, the later one is seen.
        if place.is_relative_to(where) and len(where.parts) >= longest:
            found, longest = fields[2], len(where.parts)
    if found is None or found in _UNKNOWN:
        return None
    return found in _SHARED


def shared(devices: Devices) -> dict[str, bool | None]:
    """Return a disk's target, or a folder → whether other hosts see its contents.

    None: that can't be told.
    """
    disks = {
        disk.target: is_shared(disk.path) if disk.type == "file" and disk.path else None
        for disk in devices.disks
    }
    return disks | {one.path: is_shared(one.path) for one in devices.folders if one.path}
