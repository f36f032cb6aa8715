"""What a program of ours imports that is not ours, so that its floor can import the same."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.checkout import CHECKOUT

_OURS = frozenset({"guest_agent", "host_agent", "samemachine", "tests"})


def loaded(package: str, *words: str, env: Mapping[str, str]) -> list[str]:
    """Return all modules that a command of a package of ours has loaded at its end."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run(
            [sys.executable, "-m", "tests.bench.loaded", file.name, package, *words],
            env=env,
            cwd=CHECKOUT,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return list(json.loads(Path(file.name).read_text(encoding="utf-8")))


def foreign(package: str, *words: str, env: Mapping[str, str]) -> list[str]:
    """Return those of other people's packages, in order.

    What of the standard library these need they load by themselves.
    """
    found = not_ours(package, *words, env=env)
    return [name for name in found if name.partition(".")[0] not in sys.stdlib_module_names]


def not_ours(package: str, *words: str, env: Mapping[str, str]) -> list[str]:
    """Return those, and the standard library's, in order."""
    found = loaded(package, *words, env=env)
    return [name for name in found if name.partition(".")[0] not in _OURS]
