"""What the rows on the lab's hosts share: programs timed there, and how they are started."""

import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import VERDICTS, BrokenError, Spent, spent
from tests.lab.host import ENVIRONMENT, GUEST_IMAGES, Host
from tests.lab.processes import inner, until

BARE = f"{GUEST_IMAGES}/checkout/tests/bench/bare"
URI = "qemu:///system"
_PROBES = "/var/cache/samemachine"


@dataclass(frozen=True, slots=True)
class Place:
    """A host on which whole programs are timed."""

    host: Host

    def bare(self, name: str, *arguments: str) -> Spent:
        """Time a floor."""
        return self.time(self.host.python_command(f"{BARE}/{name}.py", *arguments))

    def samemachine(self, *arguments: str, codes: Collection[int] = VERDICTS) -> Spent:
        """Time a command of ours."""
        return self.time(self.host.samemachine_command(*arguments), codes)

    def time(self, command: Sequence[str], codes: Collection[int] = frozenset({0})) -> Spent:
        """Time any command; the CPU is its own, not that of libvirtd."""
        return spent(self.host.command(*command), ENVIRONMENT, codes)

    def forget_probes(self) -> None:
        """Make the next audit the first one."""
        self.host.run("rm", "-rf", _PROBES)

    @contextmanager
    def running(self, *command: str, ready: str = "") -> Iterator[int]:
        """Run a program beside; yields its process, once the file ``ready`` is there."""
        options: Mapping[str, int] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = self.host.popen(*command, **options)
        try:
            pid = inner(process)
            if ready:
                until(Path(f"{self.host.root}{ready}").exists)
            yield pid
        finally:
            process.kill()
            process.wait()


def last_number(process: "subprocess.CompletedProcess[str]") -> float:
    """Return the number in the last line of what a program said."""
    last = process.stderr.strip().rpartition("\n")[2]
    if not last.isdigit():
        raise BrokenError(f"exited {process.returncode}: {process.stderr[-500:]}")
    return float(last)
