"""Each host asked by a process of its own: many side by side, and one that hangs is ended.

A call of libvirt's may never return, and hold what other calls need; a process can be ended all
the same.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait

from host_agent.errors import HostAgentError, LibvirtError, UsageError
from host_agent.guard import said
from host_agent.hosts.parcel import ParcelError, packed, unpacked
from host_agent.hosts.spawner import Spawner
from host_agent.hosts.target import Target

Say = Callable[[object], None]
Work = Callable[[str, Say], None]
"""What is done in the process of a host, a function that has a name in a module: it gets the URI,
and says facts."""
MOST_SILENCE = 4.0
"""How many times as long as for its first answer a host may be silent afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A host is done, or given up."""

    error: HostAgentError | None = None
    """Why it is not whole; None: it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """What a process says first."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """What a process says last."""

    kind: str = ""
    """The name of an error's class; empty: it went well."""
    sentence: str = ""


_KINDS = {one.__name__: one for one in (LibvirtError, UsageError, HostAgentError)}


def each(
    work: Work,
    targets: Sequence[Target],
    *,
    at_once: int,
    seconds: float,
    more: float = 0.0,
    modules: Sequence[str] = (),
) -> Generator[tuple[Target, object]]:
    """Yield what is said of each host, as it is said, and an ``End`` last.

    ``seconds``: until a host that has none of its own must have said something; afterwards it may
    be silent ``MOST_SILENCE`` times as long, and ``more``. ``modules`` are what the work needs,
    loaded once for all. Where this is left before its end, all that is under way is ended.
    """
    waiting = list(reversed(targets))
    running: dict[Connection, _Child] = {}
    spawner = Spawner(modules)
    try:
        while waiting or running:
            while waiting and len(running) < max(1, at_once):
                child = _Child(spawner, work, waiting.pop(), seconds, more)
                running[child.connection] = child
            first = min(child.until for child in running.values())
            for connection in wait(list(running), max(0.0, first - time.monotonic())):
                child = running[connection]  # type: ignore[index]  # it is one of those
                fact = child.heard()
                if isinstance(fact, _Begun):
                    continue
                if isinstance(fact, End):
                    del running[child.connection]
                    child.end()
                yield child.target, fact
            now = time.monotonic()
            # What came in while others were listened to is heard first.
            silent = [one for one in running.values() if one.until <= now and not one.speaks()]
            for child in silent:
                del running[child.connection]
                child.end()
                yield child.target, End(error=child.silent())
    finally:
        for child in running.values():
            child.end()
        spawner.close()


class _Child:
    """One host's process, as it is seen from here."""

    def __init__(
        self, spawner: Spawner, work: Work, target: Target, seconds: float, more: float
    ) -> None:
        self.target = target
        self.connection = spawner.start(partial(_run, work, target.uri))
        self._patience = target.seconds or seconds
        self._more = more
        self._process: int | None = None
        self.until = time.monotonic() + self._patience

    def heard(self) -> object:
        """Return what it says."""
        try:
            fact = unpacked(self.connection.recv_bytes())
        except (EOFError, OSError):
            return End(error=LibvirtError(f"{self._name}: its process ended before it was done"))
        except ParcelError as error:
            return End(error=HostAgentError(f"{self._name}: {said(error)}"))
        now = time.monotonic()
        if isinstance(fact, _Begun):
            with suppress(ProcessLookupError):
                self._process = os.pidfd_open(fact.pid)
            self.until = now + self._patience
        else:
            self.until = now + self._patience * MOST_SILENCE + self._more
        if isinstance(fact, _Ended):
            kind = _KINDS.get(fact.kind)
            return End(error=None if kind is None else kind(fact.sentence))
        return fact

    def speaks(self) -> bool:
        """Tell whether it has said something that was not heard yet."""
        return self.connection.poll()

    def silent(self) -> LibvirtError:
        """Say that it was given up."""
        return LibvirtError(
            f"{self._name}: given up, for it gave no sign of life; it has {self._patience:g} s to "
            f"answer, and {MOST_SILENCE * self._patience + self._more:g} s from then to each domain"
        )

    def end(self) -> None:
        """End the process; it may have ended itself."""
        self.connection.close()
        if self._process is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            os.close(self._process)
            self._process = None

    @property
    def _name(self) -> str:
        target = self.target
        return target.uri if target.name == target.uri else f"{target.name} ({target.uri})"


def _run(work: Work, uri: str, connection: Connection) -> None:
    """Do the work, in a process of its own."""
    turn = threading.Lock()

    def say(fact: object) -> None:
        raw = packed(fact)
        with turn:
            connection.send_bytes(raw)

    say(_Begun(pid=os.getpid()))
    end = _Ended()
    try:
        work(uri, say)
    except HostAgentError as error:
        kind = next((one for one in type(error).__mro__ if one.__name__ in _KINDS), HostAgentError)
        end = _Ended(kind=kind.__name__, sentence=str(error))
    except Exception as error:  # noqa: BLE001 - it is said of this host, and costs no other one
        end = _Ended(kind=HostAgentError.__name__, sentence=f"{uri}: {said(error)}")
    with suppress(OSError):
        say(end)
