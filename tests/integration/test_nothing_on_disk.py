"""An image that is copied holds no report, boot id or key: the guest agent writes nothing."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from host_agent.guest import link as guest_link
from host_agent.guest.ways import SocketStream
from tests.checkout import CHECKOUT

# Stands for the standard library's module of its name, which each process of the agent imports: the
# bare ones know no sitecustomize. Tells of every file that is opened for writing, of every one that
# is made, moved or linked (docs.python.org/3/library/audit_events.html).
_WATCH = """
from _struct import *
from _struct import _clearcache
import os, sys
_log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_APPEND)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
def _hear(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, int) or not (flags & _WRITES) or path == os.devnull:
            return
        os.write(_log, f"open {path}\\n".encode())
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.truncate"):
        os.write(_log, f"{event} {arguments[0]}\\n".encode())
sys.addaudithook(_hear)
"""


def test_nothing_is_written_but_a_folder_that_goes_with_the_process(tmp_path: Path) -> None:
    watch, scratch, log = tmp_path / "watch", tmp_path / "tmp", tmp_path / "log"
    for folder in (watch, scratch):
        folder.mkdir()
    (watch / "sitecustomize.py").write_text("import struct\n", encoding="utf-8")
    (watch / "struct.py").write_text(_WATCH, encoding="utf-8")
    log.touch()
    port = tmp_path / "port"
    path = os.pathsep.join(map(str, (watch, CHECKOUT, CHECKOUT / "proto")))
    environment = {
        **os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(scratch), "WATCH_LOG": str(log), "HOME": str(scratch),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "guest_agent", "serve", "--socket", str(port)],
        env=environment,
        cwd=scratch,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            if port.exists():
                break
            time.sleep(0.05)
        stream = SocketStream.connect(str(port))
        report = guest_link.ask(stream, time.monotonic() + 60).report
        stream.close()
    finally:
        process.terminate()
        process.wait(30)
    assert report.boot.boot_id
    done = subprocess.run(
        [sys.executable, "-m", "guest_agent", "report"],
        env=environment,
        cwd=scratch,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["boot"]["boot_id"] == report.boot.boot_id
    # Only the folder of the worker's socket, for nobody else to enter, and it is gone; before it
    # Python's tempfile tries with an empty file whether a folder can be written to. And its own
    # name, which is the kernel's (proc(5)) and lies on no disk.
    told = log.read_text(encoding="utf-8").split("\n")[:-1]
    forms = (
        rf"open {scratch}/[a-z0-9_]{{8}}",
        rf"os\.mkdir {scratch}/samemachine-guest-\w+",
        "open /proc/self/comm",
    )
    assert len(told) == len(forms), told
    for form, line in zip(forms, told, strict=True):
        assert re.fullmatch(form, line), told
    assert list(scratch.iterdir()) == []
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert report.boot.boot_id.encode() not in file.read_bytes()
