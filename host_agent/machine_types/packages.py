"""What this host has installed: its distribution, and the package of a QEMU binary."""

import subprocess
from pathlib import Path

from host_agent import given_file, inside_root
from host_agent.errors import UsageError
from host_agent.machine_types import os_release

_TIMEOUT = 10.0
_MAX_BYTES = 64 * 1024


def distribution_name(root: Path = Path("/")) -> str | None:
    """Return the distribution's name; None where os-release(5) does not say."""
    text = _os_release(root)
    return None if text is None else os_release.name(text)


def release(root: Path = Path("/")) -> str | None:
    """Return the distribution's release, as ``debian:bookworm``; None where nothing says it."""
    text = _os_release(root)
    return None if text is None else os_release.release(text)


def _os_release(root: Path) -> str | None:
    for path in ("etc/os-release", "usr/lib/os-release"):
        try:
            place = inside_root.resolved(root, path)
            return given_file.read(place, _MAX_BYTES).decode("utf-8", "replace")
        except (OSError, UsageError):
            continue
    return None


def package_of(binary: str, root: Path | None = None) -> str | None:
    """Return name and version of the package that owns a binary, as dpkg or rpm know it.

    ``root`` is another system's root folder. None where neither tool is there or knows the file.
    """
    query = ["dpkg-query"] + ([] if root is None else [f"--root={root}"])
    owner = _output(*query, "--search", binary)
    if owner:
        package = owner.splitlines()[0].partition(": ")[0].split(",")[0]
        return _output(*query, "--show", "--showformat=${Package} ${Version}", package)
    form = "%{NAME} %{VERSION}-%{RELEASE}"
    query = ["rpm"] + ([] if root is None else [f"--root={root}"])
    return _output(*query, "--query", "--queryformat", form, "-f", binary)


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
