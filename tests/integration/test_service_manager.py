"""What a service manager hears, on sockets that it would have."""

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_agent.verify.service_manager import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "path":
        return str(tmp_path / "notify")
    return f"@samemachine-test-{secrets.token_hex(8)}"


@pytest.fixture
def heard(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1) if address[0] == "@" else address)
        listener.settimeout(5)
        yield listener


def test_the_life_of_a_service(address: str, heard: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": address})
    assert manager.is_told
    before = time.monotonic_ns() // 1000
    assert manager.ready("watching 40 domains")
    assert manager.status("41 domains\nREADY=0\x1b[2J" + "x" * 999)
    assert manager.watchdog()
    assert manager.reloading()
    assert manager.ready()
    assert manager.stopping("asked to end")
    told = [heard.recv(4096).decode() for _ in range(6)]
    assert told[0] == "READY=1\nSTATUS=watching 40 domains"
    assert told[1].startswith("STATUS=41 domains\\nREADY=0\\x1b[2Jxxx")
    assert len(told[1]) == len("STATUS=") + 500
    assert told[2] == "WATCHDOG=1"
    word, moment = told[3].split("\nMONOTONIC_USEC=")
    assert word == "RELOADING=1"
    assert before <= int(moment) <= time.monotonic_ns() // 1000
    assert told[4:] == ["READY=1", "STOPPING=1\nSTATUS=asked to end"]


@pytest.mark.parametrize("address", [None, "", "/", "@", "relative", "vsock:2:1234", "/nowhere/x"])
def test_nobody_to_tell(address: str | None) -> None:
    manager = ServiceManager({} if address is None else {"NOTIFY_SOCKET": address})
    assert manager.is_told == (address == "/nowhere/x")
    assert not manager.ready("up")
    assert not manager.status("")
    assert not manager.watchdog()
    assert not manager.stopping()


def test_a_manager_that_does_not_listen_costs_a_second(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        manager = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        while manager.watchdog():
            pass
        clock = time.monotonic()
        assert not manager.watchdog()
        assert time.monotonic() - clock > 0.5
        # One that is only slow loses nothing.
        timer = threading.Timer(0.2, listener.recv, [99])
        timer.start()
        assert manager.ready()
        timer.join()


@pytest.mark.parametrize(
    ("interval", "pid", "seconds"),
    [
        ("30000000", "", 30.0), ("500000", str(os.getpid()), 0.5), ("1", "", 1e-6),
        ("30000000", "1", None), ("30000000", "x", None), ("", "", None), ("0", "", None),
        ("-5", "", None), ("1.5", "", None), ("\u0663", "", None),
    ],
)  # fmt: skip
def test_the_watchdog_is_meant_for_us(interval: str, pid: str, seconds: float | None) -> None:
    manager = ServiceManager({"WATCHDOG_USEC": interval, "WATCHDOG_PID": pid})
    assert manager.watchdog_seconds == seconds


def test_the_environment_is_the_processs_own(heard: socket.socket, address: str) -> None:
    lines = """
import os
from host_agent.verify.service_manager import ServiceManager
os.environ["WATCHDOG_PID"] = str(os.getpid())
manager = ServiceManager()
assert manager.watchdog_seconds == 2
assert manager.ready()
"""
    subprocess.run(
        [sys.executable, "-c", lines],
        check=True,
        timeout=60,
        env={**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000"},
    )
    assert heard.recv(99) == b"READY=1"
