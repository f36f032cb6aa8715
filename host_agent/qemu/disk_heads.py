"""The first bytes of a domain's disks: read as they are, never locked, never written.

Of a disk in qcow2 QEMU's own tool reads them (QEMU ``docs/tools/qemu-img.rst``, ``-U``). It opens
the files that the domain's XML names, in the formats that it names, and nothing that an image says.
"""

import json
import os
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host_agent import bounded, inside_root
from host_agent.domain.disk_layers import RAW, Layer, LayeredDisk
from host_agent.evidence.partitions import HEAD, Partitions, of_head

if TYPE_CHECKING:
    from uuid import UUID

_QCOW2 = "qcow2"
_SECONDS = 20
_READ_SECONDS = 30.0
_MEMORY = 1 << 30
_MOST_DISKS = 64
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_BOUNDED = 'ulimit -c 0; ulimit -t "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; shift 2; exec "$@"'


def partitions(disks: Iterable[LayeredDisk], root: Path = Path("/")) -> Partitions:
    """Return which GPT partitions the disks have; what can't be read is named with why."""
    found: set[UUID] = set()
    unread: list[str] = []
    for number, disk in enumerate(disks):
        try:
            if number >= _MOST_DISKS:
                raise OSError(0, "there are too many disks")
            here = of_head(_head(disk, root))
        except (OSError, bounded.CallTimeoutError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            unread.append(f"{disk.target}: {why}")
            continue
        if here is None:
            unread.append(f"{disk.target}: its partition table is damaged")
        else:
            found |= here
    return Partitions(found=frozenset(found), unread=tuple(unread))


def _head(disk: LayeredDisk, root: Path) -> bytes:
    """Return a disk's first bytes; raises ``OSError``, ``CallTimeoutError``."""
    layers = disk.layers
    if layers is None:
        raise OSError(0, "its files and their formats are not all declared")
    if layers[0].form == RAW:
        # It may lie on another machine's disk, which may be gone.
        return bounded.call(lambda: _raw(layers[0].path, root), _READ_SECONDS)
    if {one.form for one in layers} - {RAW, _QCOW2}:
        raise OSError(0, f"the format {layers[0].form} is not read")
    return _by_tool(_node(layers))


def _raw(path: str, root: Path) -> bytes:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(inside_root.resolved(root, path), flags)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            raise OSError(0, "it is no file")
        return file.read(HEAD)


def _node(layers: tuple[Layer, ...]) -> dict[str, Any]:
    first, *rest = layers
    file = {"driver": "file", "filename": first.path, "locking": "off"}
    node: dict[str, Any] = {"driver": first.form, "file": file}
    if first.form == _QCOW2:
        node["backing"] = _node(tuple(rest)) if rest else None
    return node


def _by_tool(node: dict[str, Any]) -> bytes:
    target = os.memfd_create("disk-head")
    tool = [
        "qemu-img", "dd", "-U", "-O", "raw", f"bs={HEAD}", "count=1", f"if=json:{json.dumps(node)}",
        f"of=/proc/self/fd/{target}",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", _BOUNDED, "sh", str(_SECONDS), str(_MEMORY >> 10), *tool],
            pass_fds=(target,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C", "PATH": _PATH},
            timeout=2 * _SECONDS,
            check=False,
        )
        if done.returncode:
            missing = done.returncode == 127
            raise OSError(0, "qemu-img is not installed" if missing else "qemu-img can't read it")
        with os.fdopen(os.dup(target), "rb") as file:
            file.seek(0)
            return file.read(HEAD)
    except subprocess.TimeoutExpired:
        raise OSError(0, "qemu-img did not end") from None
    finally:
        os.close(target)
