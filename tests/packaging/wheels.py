"""The project's wheels, and the wheels that they need on another Python than ours."""

import platform
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.checkout import CHECKOUT

PARTS = ("contract", "guest", "host")
# PyPI has them as source only: the first is the same file everywhere, the second is built against
# the libvirt of its root.
_PURE_SOURCE, _C_SOURCE = "dmidecode", "libvirt-python"


def build(place: Path) -> dict[str, Path]:
    """Build our wheels into ``place``, as ``make wheel`` does, and return them by part."""
    folders = [str(CHECKOUT / "packaging/wheels" / part) for part in PARTS]
    _pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(place), *folders)
    names = {"contract": "samemachine", "guest": "samemachine_guest", "host": "samemachine_host"}
    found = {part: sorted(place.glob(f"{name}-*.whl")) for part, name in names.items()}
    assert all(len(files) == 1 for files in found.values()), found
    return {part: files[0] for part, files in found.items()}


def requirements(side: str) -> Sequence[str]:
    """Return what a side requires of PyPI."""
    text = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    required: list[str] = tomllib.loads(text)["project"]["optional-dependencies"][side]
    return required


def download(sides: Sequence[str], python: str, place: Path) -> None:
    """Put all that these sides need on a Python ("3.9") into ``place``.

    libvirt-python comes as source, with what it takes to build it.
    """
    place.mkdir(parents=True, exist_ok=True)
    wanted = sorted({name for side in sides for name in requirements(side)})
    source = [name for name in wanted if name.startswith((_PURE_SOURCE, _C_SOURCE))]
    platforms = [
        f"--platform={tag}_{platform.machine()}"
        for tag in ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
    ]
    _pip(
        "download",
        "--quiet",
        f"--python-version={python}",
        "--only-binary=:all:",
        *platforms,
        "--dest",
        str(place),
        *(name for name in wanted if name not in source),
    )
    for name in source:
        if name.startswith(_PURE_SOURCE):
            _pip("wheel", "--quiet", "--no-deps", "--wheel-dir", str(place), name)
        else:
            _pip(
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                _C_SOURCE,
                "--dest",
                str(place),
                name,
            )
            _pip("download", "--quiet", "--dest", str(place), "setuptools", "wheel")


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"pip {' '.join(arguments)}: {done.stderr[-3000:]}")
