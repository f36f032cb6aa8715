"""Tells the fleet's memory what its host has to say: at once where it is there, later where not.

Whoever tells something only waits for this host's own disk. A thread writes it to the database, in
order; while that is away it waits, the longer the more often it was tried in vain.
"""

import random
import threading
import time
from collections.abc import Callable

from host_agent.errors import LedgerError
from host_agent.fleet.memory import Memory
from host_agent.fleet.spool import Spool
from host_agent.fleet.told import Record

GATHER = 1.0
"""Seconds in which more may come that is written with the first."""
_FIRST, _LONGEST = 5.0, 300.0
"""Seconds between tries."""
_DAY = 86400.0


class Sender:
    """One host's."""

    def __init__(
        self,
        memory: Memory,
        spool: Spool,
        host: str,
        say: Callable[[str], None] = lambda _: None,
        *,
        keep: float | None = None,
        gather: float = GATHER,
        first: float = _FIRST,
    ) -> None:
        """``say`` is told once when trouble begins, and when it ends.

        ``keep``: seconds after which changes are dropped, once a day; None: they are not.
        """
        self._memory = memory
        self._spool = spool
        self._host = host
        self._say = say
        self._keep, self._gather, self._first = keep, gather, first
        self._next_care = 0.0
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def start(self) -> None:
        """Begin, with what waits since an earlier run."""
        self._wake.set()
        self._thread.start()

    def tell(self, *records: Record) -> None:
        """Have records written, after all that were told before; never raises."""
        try:
            self._spool.put(*records)
        except LedgerError as error:
            self._complain(str(error))
            return
        self._wake.set()

    def end(self, seconds: float) -> None:
        """End, and give what is under way a moment; what is not written waits on the disk."""
        self._ending.set()
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = self._first
        while not self._ending.is_set():
            self._wake.wait()
            self._wake.clear()
            self._ending.wait(self._gather)
            try:
                self._write_all()
                self._care()
            except LedgerError as error:
                self._complain(str(error))
                # Ten thousand hosts must not come back in one moment.
                self._ending.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                pause = min(2 * pause, _LONGEST)
                self._wake.set()
            else:
                pause = self._first
                self._recovered()

    def _write_all(self) -> None:
        while True:
            sender, records, last = self._spool.next()
            if last == 0:
                return
            if records:
                self._memory.write(sender, self._host, records)
            self._spool.done(last)

    def _care(self) -> None:
        if self._keep is not None and time.monotonic() >= self._next_care:
            self._next_care = time.monotonic() + _DAY
            self._memory.prune(time.time() - self._keep)

    def _complain(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._say(f"{trouble}; what is to be told waits on this host's disk")

    def _recovered(self) -> None:
        lost, self._spool.lost = self._spool.lost, 0
        if self._trouble or lost:
            self._trouble = ""
            more = f"; {lost} records are lost, for too many waited" if lost else ""
            self._say(f"the fleet's memory is written again{more}")
