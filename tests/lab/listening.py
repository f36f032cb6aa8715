"""Listens to libvirt's events on a host of the lab, as our own code tells them."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab import pace
from tests.lab.host import Host

_PROGRAM = """
import json, sys, time
from host_agent.hypervisor import Hypervisor
hypervisor = Hypervisor.open(sys.argv[1])
hypervisor.keep_alive()
def tell(**fields):
    sys.stdout.write(json.dumps(fields) + "\\n")
    sys.stdout.flush()
hypervisor.on_close(lambda why: tell(kind="closed", name="", detail=why, time=time.time()))
hypervisor.subscribe(lambda event: tell(
    kind=event.kind, name=event.name, detail=event.detail, time=event.time
))
tell(kind="listening", name="", detail="", time=time.time())
sys.stdin.read()
"""
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    time: float
    kind: str
    name: str
    detail: str


class Listener:
    """What a host's libvirt told since this was made."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._changed = threading.Condition()
        self._events: list[Told] = []
        self.reader = threading.Thread(target=self._read, args=(process,), daemon=True)
        self.reader.start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                self._events.append(Told(**json.loads(line)))
                self._changed.notify_all()

    def of(self, name: str) -> list[Told]:
        """Return the events of a domain so far."""
        with self._changed:
            return [event for event in self._events if event.name == name]

    def wait(self, kind: str, name: str = "", detail: str | None = None) -> Told:
        """Return the first event of this kind, and wait for it where it has not come yet."""
        until = time.monotonic() + pace.stretched(_SECONDS)
        with self._changed:
            while True:
                for event in self._events:
                    if (event.kind, event.name) == (kind, name) and detail in {None, event.detail}:
                        return event
                if not self._changed.wait(until - time.monotonic()):
                    raise AssertionError(f"no {kind!r} of {name!r}; there were {self._events}")


@contextmanager
def listening(host: Host, uri: str = "qemu:///system") -> Iterator[Listener]:
    """A listener on a host."""
    command = host.python_command("-c", _PROGRAM, uri)
    with host.popen(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        listener = Listener(process)
        try:
            listener.wait("listening")
            yield listener
        finally:
            process.kill()
            listener.reader.join()
