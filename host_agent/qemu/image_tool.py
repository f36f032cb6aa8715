"""``qemu-img``, bounded: it reads what a guest can write (QEMU ``docs/tools/qemu-img.rst``)."""

import os
import subprocess
from collections.abc import Sequence

from host_agent.qemu.session import probe_user

ABSENT = 127
"""The exit code where it is not installed."""
_SECONDS = 20
_MEMORY = 1 << 30
_BLOCK = 512
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Where ours is lower, that limit stays.
_BOUNDED = (
    'ulimit -c 0; ulimit -t "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; '
    'ulimit -f "$3" 2>/dev/null; shift 3; exec "$@"'
)


def place(descriptor: int) -> str:
    """Return the name by which the tool opens a descriptor that it is given."""
    return f"/proc/self/fd/{descriptor}"


def run(
    words: Sequence[str], descriptors: Sequence[int], size: int, *, without_rights: bool
) -> int:
    """Return its exit code; what it prints is dropped.

    ``size``: bytes that it may write to one file; ``without_rights``: it needs nothing but its
    descriptors, and runs as a user without rights. Raises ``OSError`` where it does not end or
    can't be started.
    """
    user = probe_user() if without_rights and os.geteuid() == 0 else None
    limits = map(str, (_SECONDS, _MEMORY >> 10, size // _BLOCK + 1))
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", _BOUNDED, "sh", *limits, "qemu-img", *words],
            pass_fds=tuple(descriptors),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C", "PATH": _PATH},
            timeout=2 * _SECONDS,
            check=False,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    except subprocess.TimeoutExpired:
        raise OSError(0, "qemu-img did not end") from None
    return done.returncode
