"""Which ways lead to a channel, in which order, and what opening QEMU's socket says."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from host_agent.domain.definition import Channel
from host_agent.errors import EvidenceError
from host_agent.guest.ways import WAYS, LibvirtStream, SocketStream
from host_agent.missing import Reason

HERE, ELSEWHERE = "qemu:///system", "qemu+ssh://node2/system"
NO_DOMAIN: Any = None
"""A socket is opened without asking libvirt."""


def channel(path: str | None) -> Channel:
    return Channel(path=path, guest_end_open=True)


@pytest.mark.parametrize(
    ("uri", "path", "fitting"),
    [
        (HERE, "/run/c", [SocketStream, LibvirtStream]),
        (HERE, None, [LibvirtStream]),
        (ELSEWHERE, "/run/c", [LibvirtStream]),
        ("qemu+unix:///system?socket=/run/other", "/run/c", [LibvirtStream]),
    ],
)
def test_which_ways_fit(uri: str, path: str | None, fitting: list[type]) -> None:
    assert [way for way in WAYS if way.fits(uri, channel(path))] == fitting


def test_what_may_block_libvirtd_comes_last() -> None:
    blocking = [way.may_block for way in WAYS]
    assert blocking == sorted(blocking)


def test_an_open_socket_says_what_was_not_read(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with socket.socket(socket.AF_UNIX) as qemu:
        qemu.bind(str(path))
        qemu.listen(1)
        stream = SocketStream.open(NO_DOMAIN, channel(str(path)), time.monotonic())
        assert stream.untaken() == 0
        assert stream.write(b"hello") == len(b"hello")
        assert stream.untaken() > 0
        stream.close()


def test_a_full_backlog_is_busy_at_the_deadline(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with socket.socket(socket.AF_UNIX) as qemu, socket.socket(socket.AF_UNIX) as other:
        qemu.bind(str(path))
        qemu.listen(0)
        other.connect(str(path))
        with pytest.raises(EvidenceError) as caught:
            SocketStream.open(NO_DOMAIN, channel(str(path)), time.monotonic())
    assert caught.value.missing.reason is Reason.BUSY


def test_no_socket_is_absent_so_that_the_next_way_is_tried(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError) as caught:
        SocketStream.open(NO_DOMAIN, channel(os.fspath(tmp_path / "c")), time.monotonic())
    assert caught.value.missing.reason is Reason.ABSENT
