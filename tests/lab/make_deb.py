"""Runs ``packaging/make-deb``, as ``make deb`` does, and says what a build is made of."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.checkout import CHECKOUT

MAKE = CHECKOUT / "packaging/make-deb"
TOOLS = ("dpkg-buildpackage", "dh_python3", "go-md2man")


def made_of(names: Sequence[str]) -> Mapping[str, bytes]:
    """Return name → content of these files of the checkout, and of those in these folders."""
    places = [CHECKOUT / name for name in names]
    files = [file for place in places for file in (place, *place.rglob("*")) if file.is_file()]
    return {
        str(file.relative_to(CHECKOUT)): file.read_bytes()
        for file in sorted(files)
        if "__pycache__" not in file.parts
    }


def run(place: Path, *options: str) -> str:
    """Build into ``place`` and return what was printed; raises ``RuntimeError`` with that."""
    done = subprocess.run(
        [sys.executable, str(MAKE), "--output", str(place), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"make-deb exited {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout
