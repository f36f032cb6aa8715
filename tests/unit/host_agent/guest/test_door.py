"""Where gRPC connects to us: in a folder of our own, by ourselves, and not for ever."""

import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

from host_agent.guest.link import Door


def test_nobody_who_does_not_come_is_waited_for() -> None:
    door = Door()
    try:
        assert door.accept(time.monotonic() - 1.0) is None
        assert door.accept(time.monotonic() + 0.01) is None
    finally:
        door.close()


def test_its_folder_is_ours_alone_and_goes_when_we_came() -> None:
    door = Door()
    folder = Path(door._folder)
    try:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as we:
            we.connect(door.path)
            came = door.accept(time.monotonic() + 60.0)
            assert came is not None
            came.close()
        assert not folder.exists()
    finally:
        door.close()


def test_another_process_is_sent_away() -> None:
    """Root may open any folder, and what it starts as well."""
    door = Door()
    knock = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    try:
        subprocess.run([sys.executable, "-c", knock, f"{door._folder}/grpc"], check=True)
        with socket.socket(socket.AF_UNIX) as we:
            we.connect(door.path)
            we.sendall(b"we")
            came = door.accept(time.monotonic() + 60.0)
            assert came is not None
            assert came.read() == b"we"
            came.close()
    finally:
        door.close()
