"""The peer of the guests' loads: runs on a host, and what it prints is kept by guest."""

import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Thread

from tests.lab import pace
from tests.lab.host import Host
from tests.lab.matrix import load
from tests.lab.matrix.load import Beat

PORT = 9187


class Peer:
    """What arrived so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._changed = Condition()
        self._beats: dict[str, list[Beat]] = defaultdict(list)
        self._listening = False
        self.reader = Thread(target=self._read, args=(process,), daemon=True)
        self.reader.start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with self._changed:
                one = load.beat(line)
                if one is None:
                    self._listening |= line.strip() == "listening"
                else:
                    self._beats[one.name].append(one)
                self._changed.notify_all()

    def listening(self) -> bool:
        """Wait until it takes connections; False: it does not."""
        with self._changed:
            return self._changed.wait_for(lambda: self._listening, pace.stretched(10))

    def wait_for_more(self, name: str, beats: int, seconds: float = 10) -> bool:
        """Wait until so many more have come of a guest; False: they have not."""
        with self._changed:
            wanted = len(self._beats[name]) + beats
            return self._changed.wait_for(
                lambda: len(self._beats[name]) >= wanted, pace.stretched(seconds)
            )

    def taken(self, name: str) -> list[Beat]:
        """Return what came of a guest, and forget it."""
        with self._changed:
            return self._beats.pop(name, [])


@contextmanager
def peer(host: Host) -> Iterator[Peer]:
    """A peer on a host, where all guests of the lab's network reach it."""
    command = host.python_command("-c", load.PEER, host.address, str(PORT))
    with host.popen(*command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        made = Peer(process)
        try:
            if not made.listening():
                raise RuntimeError(f"{host.name}: the loads' peer does not listen")
            yield made
        finally:
            process.kill()
            made.reader.join()
