"""Remembers the channels opened through libvirt that nobody answered: a circuit breaker.

Where QEMU does not accept (its main loop hangs, or another program holds the socket), openings pile
up in its backlog and the third one blocks libvirtd itself. So a channel that was opened without an
answer is left alone for a while, and after the second time until the domain starts anew. This must
hold over many runs of the command, so it is kept in a file.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from host_agent.errors import EvidenceError
from host_agent.missing import Reason

PAUSE = 60.0
"""Seconds between the first opening without an answer and the second, which is the last."""

MOST = 2
_KEEP = 30 * 24 * 3600.0
_FILE = "unanswered-channels.json"

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

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory or default_directory()

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
        file = self._directory / _FILE
        with (self._directory / f"{_FILE}.lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = _read(file)
            before = dict(state)
            yield state
            if state != before:
                fresh = {k: v for k, v in state.items() if time.time() - v[1] < _KEEP}
                new = file.with_suffix(".new")
                new.write_text(json.dumps(fresh), encoding="utf-8")
                new.replace(file)


def _read(file: Path) -> State:
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
        return {str(k): (int(v[0]), float(v[1])) for k, v in loaded.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, LookupError, AttributeError):
        # A damaged file counts nothing; it is replaced at the next opening.
        return {}
