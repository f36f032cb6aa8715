"""ansible-core in a folder of its own, and our collection installed as its users install it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.checkout import CHECKOUT
from tests.lab import cache, pace

SOURCE = CHECKOUT / "packaging/ansible"
NAME = "samemachine.samemachine"
_SETTINGS = "ansible.cfg"
_PINS = Path(__file__).with_name("ansible.txt")


def folder() -> Path:
    """Return the folder that ansible-core is installed in."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def make(place: Path) -> None:
        words = [*pip, "--no-deps", "--target", str(place), "--requirement", str(_PINS)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pip: {done.stderr[-3000:]}")

    made_of = cache.key("ansible-core 1", python, _PINS.read_bytes())
    return cache.build("ansible-core", made_of, make)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ansible:
    """ansible-core with a folder for its files, in which our collection is installed."""

    place: Path
    before: Sequence[str] = ()
    """A command that each one is run by."""
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def collection(self) -> Path:
        """The installed collection."""
        return self.place / "ansible_collections" / Path(*NAME.split("."))

    def install(self) -> Path:
        """Build the collection, install it, and return the file that was built."""
        (self.place / _SETTINGS).touch()
        self.run("galaxy", "collection", "build", SOURCE, "--output-path", self.place)
        (built,) = self.place.glob("samemachine-samemachine-*.tar.gz")
        self.run("galaxy", "collection", "install", "--offline", "-p", self.place, built)
        return built

    def run(
        self, tool: str, *arguments: str | Path, check: bool = True, seconds: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run ``ansible-TOOL``, or ``ansible``; nothing of this machine's own settings is read."""
        done = subprocess.run(
            [*self.before, *self._command(tool), *arguments],
            cwd=self.place,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=pace.stretched(seconds),
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def script(self, tool: str) -> str:
        """Return a script that is ``ansible-TOOL`` wherever it is run."""
        settings = [f"{name}={value}" for name, value in self._environment().items()]
        words = ["exec", "env", *map(shlex.quote, settings), *map(shlex.quote, self._command(tool))]
        return f'#!/bin/sh\n{" ".join(words)} "$@"\n'

    def _command(self, tool: str) -> list[str]:
        program = "-".join(filter(None, ("ansible", tool)))
        return [sys.executable, str(folder() / "bin" / program)]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.place),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(folder()),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_CONFIG": str(self.place / _SETTINGS),
            "ANSIBLE_COLLECTIONS_PATH": str(self.place),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DEVEL_WARNING": "0",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
            **self.variables,
        }
