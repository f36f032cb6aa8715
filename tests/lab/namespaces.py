"""Processes in namespaces of their own, which all end when we do."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab import pace


class Namespaces:
    """A first process in new namespaces; whatever runs in them ends with it.

    ``setpriv --pdeathsig`` and ``unshare --kill-child`` make the kernel end it when this process
    ends, by whatever signal, so there is never anything to clear up.
    """

    def __init__(self, kinds: Sequence[str], script: str, log: Path) -> None:
        with log.open("wb") as output:
            self._unshare = subprocess.Popen(
                [
                    "setpriv",
                    "--pdeathsig",
                    "KILL",
                    "unshare",
                    *(f"--{kind}" for kind in kinds),
                    "--fork",
                    "--kill-child",
                    "sh",
                    "-eu",
                    "-c",
                    script,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._log = log
        self.pid = self._first_process()
        """The first process, as seen from outside."""

    def _first_process(self) -> int:
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children")
        deadline = time.monotonic() + pace.stretched(5)
        while time.monotonic() < deadline:
            pids = children.read_text(encoding="ascii").split() if children.exists() else []
            # Until it is another program, nobody has told the kernel to end it with unshare.
            if pids and _name(pids[0]) not in {"", "unshare"}:
                return int(pids[0])
            if self._unshare.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"no namespaces: {self.log()}")

    @property
    def alive(self) -> bool:
        """Whether the first process still runs."""
        return self._unshare.poll() is None

    def log(self) -> str:
        """What the first process printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a command in these namespaces."""
        return [
            "nsenter",
            f"--target={self.pid}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--root",
            "--wd=/",
            *command,
        ]

    def close(self) -> None:
        """End everything in the namespaces."""
        with contextlib.suppress(ProcessLookupError):
            self._unshare.send_signal(signal.SIGKILL)
        self._unshare.wait()


def _name(pid: str) -> str:
    """Return what a process runs; empty: it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
