"""Run inside a guest: writes a file, changes memory and talks to a peer, until SIGTERM; then says
what of it is still there.

Its arguments: the guest's name, its IPv4 address, the peer's address and port, MiB of memory.
Needs nothing but Python; it is handed to the guest as a text.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

_FILE = "/var/tmp/load"
_LINE = 16
_PAGE = 4096
_PAGES_A_BEAT = 16
_SECONDS = 0.02
_PATIENCE = 300
"""Seconds: a guest that stands still for long has not lost its connection."""
_ADDRESS, _MASK, _FLAGS, _UP_RUNNING = 0x8916, 0x891C, 0x8914, 0x41
"""SIOCSIFADDR, SIOCSIFNETMASK, SIOCSIFFLAGS (netdevice(7)); IFF_UP | IFF_RUNNING."""


def _bring_up(address: str) -> None:
    card = min(place.name for place in Path("/sys/class/net").iterdir() if place.name != "lo")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for request, text in ((_ADDRESS, address), (_MASK, "255.255.255.0")):
            place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
            fcntl.ioctl(asked, request, struct.pack("16s16s", card.encode(), place))
        fcntl.ioctl(asked, _FLAGS, struct.pack("16sH14x", card.encode(), _UP_RUNNING))


class Writer(threading.Thread):
    """Appends numbered lines; ``kept`` is the last one that the disk has said to have."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self.kept = 0
        self.error = ""
        self._stop_asked = stop

    def run(self) -> None:
        try:
            Path(_FILE).parent.mkdir(parents=True, exist_ok=True)
            with Path(_FILE).open("wb", buffering=0) as file:
                while not self._stop_asked.wait(_SECONDS):
                    file.write(b"%015d\n" % (self.kept + 1))
                    os.fsync(file.fileno())
                    self.kept += 1
        except OSError as error:
            self.error = str(error)


def _lost_lines(kept: int) -> int:
    """Read the file from its disk, and count the lines that are not there."""
    Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    read = Path(_FILE).read_bytes()
    lines = [read[at : at + _LINE] for at in range(0, kept * _LINE, _LINE)]
    return sum(line != b"%015d\n" % (number + 1) for number, line in enumerate(lines))


class Memory:
    """Pages that are changed one after the other; each holds the number of its last change."""

    def __init__(self, mebibytes: int) -> None:
        self._pages = mebibytes * (1 << 20) // _PAGE
        self._bytes = bytearray(self._pages * _PAGE)
        self._changes = 0

    def change(self) -> None:
        for _ in range(_PAGES_A_BEAT):
            at = self._changes % self._pages * _PAGE
            stamp = struct.pack("<Q", self._changes + 1)
            self._bytes[at : at + 8] = self._bytes[at + _PAGE - 8 : at + _PAGE] = stamp
            self._changes += 1

    def wrong(self) -> int:
        """Count the pages that do not hold what was written last."""
        found = 0
        for page in range(self._pages):
            rounds = (self._changes - page - 1) // self._pages
            last = rounds * self._pages + page + 1 if page < self._changes else 0
            stamp = struct.pack("<Q", last)
            at = page * _PAGE
            ends = self._bytes[at : at + 8], self._bytes[at + _PAGE - 8 : at + _PAGE]
            found += any(end != stamp for end in ends)
        return found


def _main() -> None:
    name, address, peer, port, mebibytes = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    _bring_up(address)
    writer, memory = Writer(stop), Memory(int(mebibytes))
    writer.start()
    beats = broken = 0
    back = 0
    connection = None
    last = time.monotonic_ns()
    while not stop.wait(_SECONDS):
        memory.change()
        now = time.monotonic_ns()
        back += now < last
        last = now
        try:
            if connection is None:
                connection = socket.create_connection((peer, int(port)), timeout=_PATIENCE)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            told = (name, beats, writer.kept, now, time.time_ns())
            connection.sendall((" ".join(map(str, told)) + "\n").encode())
            beats += 1
        except OSError:
            broken += connection is not None
            connection = None
    writer.join()
    if connection is not None:
        connection.close()
    print(
        json.dumps(
            {
                "beats": beats,
                "broken_connections": broken,
                "lines": writer.kept,
                "lost_lines": _lost_lines(writer.kept),
                "write_error": writer.error,
                "wrong_pages": memory.wrong(),
                "clock_went_back": back,
            }
        )
    )


if __name__ == "__main__":
    _main()
