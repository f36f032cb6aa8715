"""What a command on a host asks the kernel for, itself and all that it starts: strace(1)."""

import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from tests.lab import pace
from tests.lab.host import ENVIRONMENT, Host


def traced(
    host: Host,
    folder: Path,
    calls: Sequence[str],
    options: Sequence[str],
    *command: str,
    exits: Collection[int] = (0,),
) -> str:
    """Run a command on a host, and return its trace: in each line a process and a call.

    ``calls``: those that are traced; ``options``: how strace shows them; ``exits``: how
    the command may end.
    """
    file = folder / "trace"
    strace = ["strace", "-f", "--seccomp-bpf", *options, "-o", str(file)]
    done = subprocess.run(
        [*strace, "-e", f"trace={','.join(calls)}", *host.command(*command)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=pace.stretched(150),
    )
    assert done.returncode in exits, done.stdout + done.stderr
    return file.read_text(encoding="utf-8", errors="replace")
