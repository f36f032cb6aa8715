"""Variable stores for tests: Debian's templates, and what is made of them."""

import json
import lzma
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.checkout import CHECKOUT

_TEMPLATES = CHECKOUT / "tests/data/nvram"


def template(name: str) -> bytes:
    """Return a template, such as ``trixie.ms``."""
    return lzma.decompress((_TEMPLATES / f"{name}.fd.xz").read_bytes())


def edited(store: Path, *options: str, made: Path) -> Path:
    """Edit a store with virt-fw-vars; returns ``made``."""
    _run(["-i", str(store), "-o", str(made), *options])
    return made


def as_json(store: Path, made: Path) -> Path:
    """Write a store's variables as QEMU's device uefi-vars keeps them; returns ``made``."""
    _run(["-i", str(store), "--output-json", str(made)])
    assert json.loads(made.read_bytes())["variables"]
    return made


def _run(options: Sequence[str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "virt.firmware.vars", *options], check=True, capture_output=True
    )
