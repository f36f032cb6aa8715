"""Remembers the channels opened through libvirt that nobody answered: a circuit breaker.

Where QEMU does not accept (its main loop hangs, or another program holds the socket), openings pile
up in its backlog and the third one blocks libvirtd itself. So a channel that was opened without an
answer is left alone for a while, and after the second time until the domain starts anew. This must
hold over many runs of the command, so it is kept in a file.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from host_agent import whole_file
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.times import LAST_TIME
from host_agent.untrusted_text import json_of

PAUSE = 60.0
"""Seconds between the first opening without an answer and the second, which is the last."""

MOST = 2
_KEEP = 30 * 24 * 3600.0
_FILE = "unanswered-channels.json"
_MAX_BYTES = 1024 * 1024
_MAX_CHANNELS = 2000

State = dict[str, tuple[int, float]]
"""Channel → how often it was opened without an answer, and when last (seconds since 1970)."""


def default_directory() -> Path:
    """Return where this user's state is (file-hierarchy(7)).

    Root's is the daemon's as well: each counts what the other opened.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/samemachine")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "samemachine"


def key(uri: str, uuid: UUID, domain_id: int | None) -> str:
    """Name one run of one domain."""
    return f"{uri} {uuid} {domain_id}"


def refusal(state: State, channel: str, now: float) -> str | None:
    """Say why a channel must not be opened now; None: it may be."""
    count, last = state.get(channel, (0, 0.0))
    if count >= MOST:
        return f"left alone: opened {count} times through libvirt and nobody answered"
    if count and now - last < PAUSE:
        return (
            f"left alone for {PAUSE - (now - last):.0f} s more: nobody answered when it was opened"
        )
    return None


class OpenedChannels:
    """The file; a lock beside it keeps two runs from counting past each other."""

    def __init__(self, directory: Path | None = None, patience: float = 5.0) -> None:
        """``patience``: seconds that another run may hold the lock."""
        self._directory = directory or default_directory()
        self._patience = patience

    def begin(self, channel: str) -> None:
        """Count an opening before it happens; raises ``EvidenceError`` where it must not."""
        try:
            with self._locked() as state:
                why = refusal(state, channel, time.time())
                if why is None:
                    state[channel] = (state.get(channel, (0, 0.0))[0] + 1, time.time())
        except OSError as error:
            raise EvidenceError(
                Reason.FAILED,
                f"not opened through libvirt: {self._directory} can't be written "
                f"({error.strerror}), and unanswered openings must be counted",
                "make room there",
            ) from error
        if why is not None:
            raise EvidenceError(
                Reason.SILENT, f"the channel is {why}", "restart the guest agent or the domain"
            )

    def answered(self, channel: str) -> None:
        """Forget what was counted: the channel works."""
        with contextlib.suppress(OSError), self._locked() as state:
            state.pop(channel, None)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[State]:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(f"{_FILE}.lock", flags, 0o600, dir_fd=folder)) as lock:
                self._wait_for(lock.fileno())
                raw = _content(folder)
                state = parse(raw, time.time())
                yield state
                new = json.dumps(state).encode()
                if new != raw:
                    whole_file.write(folder, _FILE, new)
        finally:
            os.close(folder)

    def _wait_for(self, lock: int) -> None:
        until = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    why = f"another samemachine has held its lock for {self._patience:g} s"
                    raise TimeoutError(errno.ETIMEDOUT, why) from None
                time.sleep(0.02)
            else:
                return


def parse(raw: bytes, now: float) -> State:
    """Return what a file says; one that is damaged says nothing, and is begun anew.

    A time that is still to come (a clock was set back) counts as one whose pause is over.
    """
    try:
        loaded = json_of(raw.decode())
    except ValueError:
        return {}
    state: State = {}
    for channel, counted in loaded.items() if isinstance(loaded, dict) else ():
        if not (isinstance(counted, list) and len(counted) == len((int, float))):
            continue
        count, last = counted
        if type(count) is not int or type(last) not in {int, float}:
            continue
        # What is not a number (nan) is within no bounds.
        if 0 < count <= MOST and now - _KEEP < last < LAST_TIME:
            state[channel] = (count, float(last) if last <= now else now - PAUSE)
    newest = sorted(state, key=lambda channel: state[channel][1])[-_MAX_CHANNELS:]
    return {channel: state[channel] for channel in newest}


def _content(folder: int) -> bytes:
    """Return the file's bytes; of what is too large, or no file, none: it is replaced."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(_FILE, flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return b""
            raw = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        # A link, or a socket.
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            return b""
        raise
    return raw if len(raw) <= _MAX_BYTES else b""
