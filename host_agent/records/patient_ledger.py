"""A ledger for who runs for long: what can't be written just now is kept, and written later."""

import threading
from dataclasses import dataclass

from host_agent.errors import LedgerError
from host_agent.records import entry as ledger_entry
from host_agent.records.entry import Entry
from host_agent.records.ledger import Ledger

MOST_WAITING = 1000
"""Entries that wait in memory, each of at most 16 KiB; the oldest ones go first."""
MOST_CHARACTERS = 8 * 1024 * 1024
"""Of the copies of baselines that wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """The newest copy of a domain's baseline."""

    element: str
    time: float
    host: str


class PatientLedger(Ledger):
    """Raises ``LedgerError`` as any ledger does, and still writes what was not written.

    A full disk, a file system that became read-only, a database that is restarted: what was judged
    meanwhile is not lost as long as the program runs.
    """

    def __init__(self, url: str | None = None) -> None:
        """Take a file's path or a URL; raises ``UsageError`` where it is neither."""
        super().__init__(url)
        self._turn = threading.RLock()
        self._entries_waiting: list[Entry] = []
        self._copies_waiting: dict[str, Copy] = {}
        self.lost = 0
        """Entries that could not wait, for there were too many."""
        self.trouble: str | None = None
        """Why nothing can be written; None: the last try went well."""

    @property
    def waiting(self) -> int:
        """How many entries and copies wait to be written."""
        return len(self._entries_waiting) + len(self._copies_waiting)

    def append(self, *entries: Entry) -> None:
        """Add entries, and before them those that wait; raises ``LedgerError``."""
        try:
            for entry in entries:
                ledger_entry.to_row(entry)
        except ValueError as error:
            # It would never be written, and hold up all others.
            raise LedgerError(f"an entry is not kept: {error}") from error
        with self._turn:
            self._entries_waiting += entries
            gone = len(self._entries_waiting) - MOST_WAITING
            if gone > 0:
                del self._entries_waiting[:gone]
                self.lost += gone
            self.write_waiting()

    def keep_baseline(self, uuid: str, element: str, *, time: float, host: str) -> None:
        """Add a copy of a domain's baseline; raises ``LedgerError``."""
        with self._turn:
            try:
                super().keep_baseline(uuid, element, time=time, host=host)
            except LedgerError:
                # The baseline itself is in the domain's metadata; of copies only the newest counts.
                self._copies_waiting.pop(uuid, None)
                self._copies_waiting[uuid] = Copy(element=element, time=time, host=host)
                while sum(len(one.element) for one in self._copies_waiting.values()) > (
                    MOST_CHARACTERS
                ):
                    del self._copies_waiting[next(iter(self._copies_waiting))]
                raise
            self._copies_waiting.pop(uuid, None)

    def forget(self, uuid: str) -> None:
        """Remove all that is kept of a domain, what waits as well; raises ``LedgerError``."""
        with self._turn:
            self._entries_waiting = [one for one in self._entries_waiting if one.uuid != uuid]
            self._copies_waiting.pop(uuid, None)
            super().forget(uuid)

    def write_waiting(self) -> None:
        """Write what waits; raises ``LedgerError``, which says how many still do."""
        with self._turn:
            try:
                super().append(*self._entries_waiting)
                self._entries_waiting = []
                for uuid, copy in list(self._copies_waiting.items()):
                    super().keep_baseline(uuid, copy.element, time=copy.time, host=copy.host)
                    del self._copies_waiting[uuid]
            except LedgerError as error:
                self.trouble = str(error)
                raise
            self.trouble = None
