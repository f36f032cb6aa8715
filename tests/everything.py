"""``make test``: the lab's tests, and beside them all others, since the lab mostly waits.

The others are nice to it. Each line is printed as it comes, with its part's name; arguments go to
both.
"""

import os
import subprocess
import sys
from pathlib import Path
from threading import Lock, Thread

TOP = Path(__file__).parent
PARTS = {
    "lab": ["tests/lab"],
    "others": ["tests/lint", "tests/unit", "tests/integration", "tests/packaging"],
}
_NICE = 10
_NO_TESTS = 5
"""pytest's exit code where ``-k`` and the like leave nothing of a part."""


class Part:
    """One pytest that runs."""

    def __init__(self, name: str, arguments: list[str], printing: Lock) -> None:
        self.name = name
        self.last = ""
        """What it said last: how many tests went how."""
        self._printing = printing
        nice = [] if name == "lab" else ["nice", "-n", str(_NICE)]
        self._process = subprocess.Popen(
            [*nice, sys.executable, "-m", "pytest", *PARTS[name], *arguments],
            cwd=TOP.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last = line.strip() or self.last
            with self._printing:
                print(f"{self.name:6} {line}", end="", flush=True)

    def wait(self) -> int:
        """Return its exit code. It has heard of Ctrl-C itself, and cleans up."""
        while True:
            try:
                self._reader.join()
                code = self._process.wait()
            except KeyboardInterrupt:
                continue
            return 0 if code == _NO_TESTS else code


def main() -> int:
    """Run both; returns the worse exit code."""
    printing = Lock()
    parts = [Part(name, sys.argv[1:], printing) for name in PARTS]
    codes = [part.wait() for part in parts]
    for part in parts:
        print(f"{part.name:6} {part.last}")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
