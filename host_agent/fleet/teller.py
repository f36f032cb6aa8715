"""What the daemon of a host tells the fleet's memory, and when."""

import time
from collections.abc import Callable, Collection

from host_agent.case.results import Audited
from host_agent.fleet import told
from host_agent.fleet.memory import Memory
from host_agent.fleet.sender import Sender
from host_agent.fleet.spool import Spool, default_path
from host_agent.fleet.told import Alive, Gone, Offers, Present, Stopped
from host_agent.records.entry import Entry

BEAT = 600.0
"""Seconds between two signs of life of a host at which nothing happens."""
_DAY = 86400.0
_LAST_SECONDS = 5.0


class Teller:
    """One daemon's. It never raises: what can't be told is told later, or it is said that not."""

    def __init__(
        self,
        memory: Memory,
        *,
        keep_days: float,
        spool: Spool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._memory = memory
        self._keep = keep_days * _DAY
        self._spool = spool or Spool(default_path(memory.place))
        self._clock = clock
        self._sender: Sender | None = None
        self._alive: tuple[str, str] | None = None
        self._offers: dict[str, Offers] = {}
        self._next_beat = 0.0

    def serving(
        self,
        host: str,
        *,
        libvirt: str,
        qemu: str,
        uuids: Collection[str],
        say: Callable[[str], None],
    ) -> None:
        """Say that a host is there, and which domains it has."""
        self._alive = libvirt, qemu
        if self._sender is None:
            self._sender = Sender(self._memory, self._spool, host, say, keep=self._keep)
            self._sender.start()
        self._sender.tell(Present(time=self._clock(), uuids=tuple(sorted(uuids))))
        self.beat()

    def left(self) -> None:
        """Say nothing more of the host: its libvirt is away."""
        self._alive = None

    def beat(self) -> float | None:
        """Say that the host is there, where it is time to; return when it is next (monotonic)."""
        if self._alive is None or self._sender is None:
            return None
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + BEAT
            libvirt, qemu = self._alive
            self._sender.tell(Alive(time=self._clock(), libvirt=libvirt, qemu=qemu))
        return self._next_beat

    def verdict(self, audited: Audited, entry: Entry) -> None:
        """Tell of a verdict; ``entry`` is the ledger's."""
        records = told.of_audited(audited, entry)
        new = [one for one in records if not (isinstance(one, Offers) and self._is_known(one))]
        if self._sender is not None:
            self._sender.tell(*new)

    def _is_known(self, offers: Offers) -> bool:
        before = self._offers.get(offers.architecture)
        self._offers[offers.architecture] = offers
        return before is not None and (before.names, before.deprecated) == (
            offers.names,
            offers.deprecated,
        )

    def entry(self, entry: Entry, *, remembered: bool = False) -> None:
        """Tell of what the ledger has, without evidence: a failure, or what was before we began."""
        if self._sender is not None:
            self._sender.tell(told.of_entry(entry, remembered=remembered))

    def stopped(self, uuid: str) -> None:
        """Tell that a domain runs no more."""
        if self._sender is not None:
            self._sender.tell(Stopped(time=self._clock(), uuid=uuid))

    def gone(self, uuid: str) -> None:
        """Tell that a domain is not this host's any more."""
        if self._sender is not None:
            self._sender.tell(Gone(time=self._clock(), uuid=uuid))

    def end(self) -> None:
        """End; what is not written waits on the disk."""
        if self._sender is not None:
            self._sender.end(_LAST_SECONDS)
