"""Variable stores → facts, by a program of its own (``nvram_decoding``), one for all domains.

The program has no rights, and bounds of memory and time. What it makes of one content is
remembered, since most stores are as they were at the last look.
"""

import hashlib
import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from host_agent.errors import EvidenceError
from host_agent.evidence import nvram
from host_agent.evidence.nvram import Nvram, NvramError
from host_agent.missing import Missing, Reason
from host_agent.printable import shortened
from host_agent.qemu import nvram_file
from host_agent.qemu.nvram_place import JSON, RAW, Place
from host_agent.qemu.session import probe_user

MEMORY = 512 * 1024 * 1024
"""Bytes of addresses; it takes some 50 MB."""
PROCESSOR_SECONDS = 10.0
"""A store takes some 3 ms."""
_SECONDS = 120.0
"""However slow the machine is."""
_MOST_KEPT = 4096
_MOST_ANSWER = 1024 * 1024
_MOST_TEXT = 200
_CHUNK = 1 << 16
_BLOCK = 8192
_BLANK = b"\xff" * _BLOCK
"""What a flash has where nothing was written: of a store's half a megabyte most is that."""
_NOT_INSTALLED = Missing(
    reason=Reason.ABSENT,
    sentence="the firmware's variables are read by virt-firmware, which is not installed",
    remedy="install python3-virt-firmware (Debian 13 and newer), or: pip install virt-firmware",
)
_PROGRAM = Path(__file__).with_name("nvram_decoding.py")


class NvramDecoder:
    """Decodes one store at a time."""

    def __init__(self, memory: int = MEMORY, processor_seconds: float = PROCESSOR_SECONDS) -> None:
        self._memory, self._processor_seconds = memory, processor_seconds
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._made: OrderedDict[bytes, Nvram | Missing] = OrderedDict()
        self._lacking: Missing | None = None
        # The program ends with us all the same, when its standard input does.
        weakref.finalize(self, _end, self._running)

    def at(self, place: Place, root: Path) -> Nvram | Missing:
        """Return what the store of a QEMU with this root directory holds."""
        try:
            return self.of(place.form, nvram_file.content(place, root))
        except EvidenceError as error:
            return error.missing

    def of(self, form: str, content: bytes) -> Nvram | Missing:
        """Return what a store with this content holds; ``form``: ``json``, or what is none."""
        request = _request(JSON if form == JSON else RAW, content)
        key = hashlib.sha256(request).digest()
        with self._lock:
            if self._lacking is not None:
                return self._lacking
            found = self._made.get(key)
            if found is None:
                found = self._asked(request)
                if self._lacking is None:
                    self._made[key] = found
                    while len(self._made) > _MOST_KEPT:
                        self._made.popitem(last=False)
            else:
                self._made.move_to_end(key)
            return found

    def _asked(self, request: bytes) -> Nvram | Missing:
        try:
            said = self._answer(request)
            if isinstance(said.get("answer"), dict):
                return nvram.from_form(said["answer"])
            why = shortened(str(said.get("error")), _MOST_TEXT)
            raise EvidenceError(Reason.FAILED, f"the variable store can't be read: {why}")
        except NvramError as error:
            _end(self._running)
            return Missing(
                reason=Reason.FAILED, sentence=f"the variable store can't be read: {error}"
            )
        except EvidenceError as error:
            _end(self._running)
            return error.missing

    def _answer(self, request: bytes) -> Mapping[str, Any]:
        """Return what the program says of a request; raises ``EvidenceError``."""
        if self._running:
            with suppress(OSError):
                _write(self._running[0], request)
                return _said(self._running[0])
            # It had ended for want of something to do.
            _end(self._running)
        process = self._started()
        try:
            _write(process, request)
            return _said(process)
        except OSError as error:
            raise EvidenceError(
                Reason.FAILED,
                "the variable store can't be read: virt-firmware does not come to an end with it",
            ) from error

    def _started(self) -> "subprocess.Popen[bytes]":
        user = probe_user() if os.geteuid() == 0 else os.geteuid()
        words = (user, self._memory, self._processor_seconds)
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-B", str(_PROGRAM), *map(str, words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # The library is where this program would find it.
                env={"LC_ALL": "C.UTF-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                bufsize=0,
            )
            self._running.append(process)
            said = _said(process)
        except OSError as error:
            raise EvidenceError(
                Reason.FAILED, f"{sys.executable} can't be started: {error.strerror}"
            ) from error
        if "lacks" in said:
            self._lacking = _NOT_INSTALLED
            raise EvidenceError(
                _NOT_INSTALLED.reason, _NOT_INSTALLED.sentence, _NOT_INSTALLED.remedy
            )
        return process


def _request(form: str, content: bytes) -> bytes:
    """Return what the program is sent: only the blocks that have something, each with its place."""
    blocks = []
    for at in range(0, len(content), _BLOCK):
        if not content.startswith(_BLANK, at):
            block = content[at : at + _BLOCK]
            blocks += [at.to_bytes(4, "little"), len(block).to_bytes(4, "little"), block]
    sent = b"".join(blocks)
    return f"{form} {len(content)} {len(sent)}\n".encode() + sent


def _write(process: "subprocess.Popen[bytes]", request: bytes) -> None:
    """Send a request, all of which the program takes before it does anything with it."""
    waiting = memoryview(request)
    while waiting and process.stdin is not None:
        waiting = waiting[process.stdin.write(waiting) or 0 :]


def _said(process: "subprocess.Popen[bytes]") -> Mapping[str, Any]:
    """Return the program's next line; raises ``OSError`` where it ends before."""
    line, until = bytearray(), time.monotonic() + _SECONDS
    with select.epoll() as waiting:
        if process.stdout is None:
            raise BrokenPipeError
        waiting.register(process.stdout, select.EPOLLIN)
        while not line.endswith(b"\n"):
            if len(line) > _MOST_ANSWER or not waiting.poll(max(0.0, until - time.monotonic())):
                raise TimeoutError
            part = os.read(process.stdout.fileno(), _CHUNK)
            if not part:
                raise BrokenPipeError
            line += part
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenPipeError from error
    return said if isinstance(said, dict) else {}


def _end(running: "list[subprocess.Popen[bytes]]") -> None:
    while running:
        process = running.pop()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
