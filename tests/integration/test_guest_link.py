"""gRPC's own socket on the host: nobody else reaches it, and nothing of it stays."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from host_agent.guest.link import SilentError, ask
from samemachine.pump import DescriptorStream

CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


def doors() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("samemachine-link-*"))


def test_no_other_user_reaches_it_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other programs of this machine have doors of their own meanwhile.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = doors()
    abstract = Path("/proc/net/unix").read_text(encoding="utf-8").count("@samemachine")
    ours, theirs = socket.socketpair()
    stream = DescriptorStream.of_socket(ours)
    ended: list[Exception] = []

    def run() -> None:
        try:
            ask(stream, time.monotonic() + 3)
        except SilentError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 2
    while not (mine := doors() - before) and time.monotonic() < until:
        time.sleep(0.01)
    (door,) = mine
    assert stat.S_IMODE(door.stat().st_mode) == 0o700
    assert Path("/proc/net/unix").read_text(encoding="utf-8").count("@samemachine") == abstract
    if os.geteuid() == 0:
        other = ["setpriv", "--reuid", "1234", "--regid", "1234", "--clear-groups"]
        done = subprocess.run(
            [*other, sys.executable, "-c", CONNECT, str(door / "grpc")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "PermissionError" in done.stderr
    thread.join()
    assert len(ended) == 1
    assert doors() == before
    stream.close()
    theirs.close()


def test_a_long_path_is_no_trouble(tmp_path: Path) -> None:
    place = tmp_path / ("x" * 200)
    place.mkdir()
    program = (
        "import socket, time; from host_agent.guest.link import SilentError, ask\n"
        "from samemachine.pump import DescriptorStream\n"
        "ours, theirs = socket.socketpair()\n"
        "try: ask(DescriptorStream.of_socket(ours), time.monotonic() + 1)\n"
        "except SilentError: print('silent')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert done.stdout == "silent\n"
    assert list(place.iterdir()) == []
