"""``samemachine watch`` over two hosts, told by libvirt's events alone: started, moved, stopped."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

import pytest

from tests.lab import pace
from tests.lab.host import Host
from tests.lab.processes import inner
from tests.lab.test_upgrade import bare_xml

# pc-i440fx-7.2 is what both hosts offer; all domains are looked at once a day.
_NAME, _MACHINE = "watched", "pc-i440fx-7.2"
_DAY = "86400"
_LINE = re.compile(r"\S+  (\S+)  (\S+)  (.+?) -> (.+?)(?:  .*)?")


class Watch:
    """What a watch said, line by line."""

    def __init__(self, process: "Popen[str]") -> None:
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self.reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        self.reader.start()

    def _read(self, process: "Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    def until(self, end: str) -> None:
        """Wait until a line ends so."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: any(line.endswith(end) for line in self._lines), pace.stretched(60)
            )
            assert found, (end, self._lines)

    def became(self, host: str) -> list[str]:
        """Return what the domain became on a host, one after the other."""
        with self._changed:
            found = filter(None, map(_LINE.fullmatch, self._lines))
            return [one[4] for one in found if (one[1], one[2]) == (host, _NAME)]

    def wait(self, host: str, word: str) -> None:
        """Wait until the domain became this last on a host."""
        end = time.monotonic() + pace.stretched(60)
        while self.became(host)[-1:] != [word]:
            assert time.monotonic() < end, (host, word, self._lines)
            time.sleep(0.05)


@contextmanager
def watching(host: Host, *arguments: str) -> Iterator[Watch]:
    """Watch from a host; it ends by Ctrl-C, and well."""
    command = host.samemachine_command("watch", "--interval", _DAY, *arguments)
    process = host.popen(*command, stdout=PIPE)
    watch = Watch(process)
    try:
        yield watch
    finally:
        os.kill(inner(process), signal.SIGINT)
        try:
            process.wait(pace.stretched(30))
        finally:
            process.kill()
            process.wait()
            watch.reader.join()
            assert process.stdout is not None
            process.stdout.close()
    assert process.returncode == 0


@pytest.fixture
def off(host_a: Host, host_b: Host) -> Iterator[None]:
    """A domain of firmware alone, that does not run."""
    host_a.run("virsh", "define", "/dev/stdin", text_input=bare_xml(_NAME, _MACHINE))
    yield
    for host in (host_a, host_b):
        host.run("virsh", "destroy", _NAME, check=False)
        host.run("virsh", "undefine", _NAME, check=False)


def test_the_view_follows_a_domain(host_a: Host, host_b: Host, off: None) -> None:
    with watching(host_a, _NAME, "-c", host_a.uri, "-c", host_b.tcp_uri) as watch:
        watch.until("hosta: 1 not running")
        watch.until("hostb: no domains")
        host_a.virsh("start", _NAME)
        watch.wait("hosta", "verified")
        host_a.virsh(
            "migrate",
            "--live",
            "--persistent",
            "--undefinesource",
            _NAME,
            host_b.tcp_uri,
            f"tcp://{host_b.name}",
        )
        watch.wait("hosta", "gone")
        watch.wait("hostb", "verified")
        host_b.virsh("destroy", _NAME)
        watch.wait("hostb", "not running")
        host_b.virsh("undefine", _NAME)
        watch.wait("hostb", "gone")
    # Its firmware may not have left its tables yet when it is looked at first.
    waited = {"unverified", "no answer"}
    for host, became in (
        ("hosta", ["verified", "gone"]),
        ("hostb", ["verified", "not running", "gone"]),
    ):
        assert [word.lower() for word in watch.became(host) if word not in waited] == became
