"""Which binary may be started on the word of a process."""

import shutil
import subprocess
from pathlib import Path

import pytest

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import binary as qemu_binary


@pytest.mark.parametrize(
    ("mode", "trusted"), [(0o755, True), (0o700, True), (0o775, False), (0o757, False)]
)
def test_one_that_others_can_write_is_not(tmp_path: Path, mode: int, *, trusted: bool) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    binary = tmp_path / "qemu-system-x86_64"
    shutil.copy(sleep, binary)
    binary.chmod(mode)
    with subprocess.Popen([str(binary), "60"]) as process:
        try:
            # Until then /proc shows the program that it was started by.
            while Path(f"/proc/{process.pid}/exe").readlink() != binary:
                pass
            if trusted:
                assert qemu_binary.running(process.pid, str(binary)).path == str(binary)
            else:
                with pytest.raises(EvidenceError, match="others than root can write it") as caught:
                    qemu_binary.running(process.pid, str(binary))
                assert caught.value.missing.reason is Reason.DENIED
        finally:
            process.kill()
