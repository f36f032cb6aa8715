"""Paths inside another system's root folder, where a link must not lead out of it.

A link there is meant for who has that folder as its root: ``/usr/bin/x`` is below the folder, and
``..`` ends at it (as RESOLVE_IN_ROOT of openat2(2), which Python does not offer).
"""

import errno
import os
from pathlib import Path, PurePosixPath

_MOST_LINKS = 40
"""As the kernel has it, path_resolution(7)."""


def resolved(root: Path, path: str) -> Path:
    """Return where a path inside a root leads, without a link in it; it need not exist.

    Raises ``OSError`` where there are too many links.
    """
    if root == Path("/"):
        return root / path.lstrip("/")
    left = list(reversed(PurePosixPath("/", path).parts[1:]))
    found: list[str] = []
    links = 0
    while left:
        part = left.pop()
        if part == "..":
            del found[-1:]
            continue
        here = root.joinpath(*found, part)
        if not here.is_symlink():
            found.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = PurePosixPath(here.readlink())
        if target.is_absolute():
            found.clear()
        left += [one for one in reversed(target.parts) if one != "/"]
    return root.joinpath(*found)
