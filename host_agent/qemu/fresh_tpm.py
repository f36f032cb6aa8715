"""A TPM for a rehearsal: a swtpm of our own, new, without rights and network, that ends with us.

No domain's TPM is touched: what a firmware measures does not depend on what a TPM keeps.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu.session import probe_user

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_SECONDS, _MEMORY_KIB, _FILE_BLOCKS = 60, 1 << 20, 1 << 13
"""Processor time, addresses, and blocks of 512 bytes of any file that it writes."""
_BOUNDED = (
    'ulimit -c 0; ulimit -t "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; '
    'ulimit -f "$3" 2>/dev/null; shift 3; [ "$PPID" = "$0" ] && exec "$@"'
)


@contextmanager
def started() -> Iterator[int]:
    """Yield a descriptor for QEMU's back-end ``emulator``; raises ``EvidenceError``."""
    program = shutil.which("swtpm", path=_PATH)
    if program is None:
        raise EvidenceError(Reason.ABSENT, "a rehearsal of a TPM needs swtpm", "install swtpm")
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryDirectory(prefix="samemachine-tpm-") as folder:
        if os.geteuid() == 0:
            user = probe_user()
            os.chown(folder, user, user)
        process = _start(program, theirs.fileno(), Path(folder))
        try:
            theirs.close()
            yield ours.fileno()
        finally:
            process.kill()
            process.wait()


def _start(program: str, control: int, folder: Path) -> "subprocess.Popen[bytes]":
    command = ["setpriv", "--no-new-privs", "--pdeathsig", "KILL"]
    if os.geteuid() == 0:
        user = str(probe_user())
        rights = ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        command = ["unshare", "--net", "--", *command, "--reuid", user, "--regid", user, *rights]
    limits = map(str, (_SECONDS, _MEMORY_KIB, _FILE_BLOCKS))
    command += ["sh", "-c", _BOUNDED, str(os.getpid()), *limits, program, "socket", "--tpm2"]
    command += ["--ctrl", f"type=unixio,clientfd={control}"]
    command += ["--tpmstate", f"dir={folder},mode=0600"]
    try:
        return subprocess.Popen(
            command,
            pass_fds=(control,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C", "PATH": _PATH},
        )
    except OSError as error:
        raise EvidenceError(Reason.FAILED, f"swtpm can't be started: {error.strerror}") from error
