"""What was asked is told to who listens, and to nobody else."""

import re

import pytest

from host_agent import asked
from host_agent.uris import place


def test_nobody_listens() -> None:
    with asked.asking("x"):
        pass


def test_what_was_asked_of_whom() -> None:
    heard: list[str] = []
    with asked.told(heard.append):
        with asked.about("vm1\x1b[2J"), asked.asking("libvirt Domain.look"):
            pass
        with pytest.raises(ZeroDivisionError), asked.asking("guest agent"):
            raise ZeroDivisionError("what a guest said")
    with asked.asking("unheard"):
        pass
    assert [re.sub(r"[\d.]+ (m?s)", r"N \1", line) for line in heard] == [
        "+N s  vm1\\x1b[2J: libvirt Domain.look  N ms",
        "+N s  guest agent  N ms, ZeroDivisionError",
    ]


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("qemu:///system", "qemu:///system"),
        ("qemu+ssh://me:hush@node2/system?keyfile=/hush", "qemu+ssh://node2/system"),
        ("test:///default", "test:///default"),
        ("qemu+ssh://[hush", "no URI"),
    ],
)
def test_of_a_connection_nothing_is_told_that_is_secret(uri: str, told: str) -> None:
    assert place(uri) == told
