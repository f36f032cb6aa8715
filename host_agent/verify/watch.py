"""The job ``watch``: one host looked at when libvirt tells of something, and again and again.

Nothing is written, neither in a domain nor in the ledger: that is the daemon's.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from uuid import UUID

from host_agent import side_by_side
from host_agent.case.gather import Gatherer
from host_agent.domain.event import DomainEvent, EventKind
from host_agent.errors import HostAgentError, LibvirtError, UsageError
from host_agent.guard import said
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Hypervisor, connected
from host_agent.hypervisor.selection import chosen
from host_agent.records.raised import raised_in
from host_agent.verify import folding
from host_agent.verify.one_domain import audit_one
from host_agent.verify.reactions import Patience, react
from host_agent.verify.schedule import Schedule, Task
from host_agent.verify.watching import GONE, HostLook, Look, look

_RECONNECT = 5.0
"""Seconds until a libvirt that does not answer is asked again."""
_ENDED = {EventKind.STOPPED, EventKind.CRASHED, EventKind.DEPARTED, EventKind.UNDEFINED}
_WAITED_FOR = {folding.NO_ANSWER, "unverified", "failed"}
"""A guest that boots or arrives is there in a moment."""

Tell = Callable[[Look | HostLook], None]


@dataclass(slots=True, kw_only=True)
class HostWatch:
    """One host; ``run`` ends when ``stop`` is set."""

    uri: str
    name: str
    """What it is called until its libvirt says its name."""
    interval: float
    """Seconds between two looks at all domains."""
    tell: Tell
    """Called from whichever thread."""
    stop: threading.Event
    names: Sequence[str] = ()
    """Names, display names or UUIDs of the domains; none: all of them."""
    seconds: float = 10.0
    """What one domain may take until its guest agent has answered."""
    at_once: int = 4
    """How many domains are asked at the same time."""
    probe: bool = True
    """Whether QEMU itself is asked what it builds for each domain."""
    patience: Patience = field(default_factory=Patience)
    _known: dict[str, str] = field(default_factory=dict)
    """Names of the domains that were told, by UUID."""
    _opened: OpenedChannels = field(default_factory=OpenedChannels)

    def run(self) -> None:
        """Watch until we are stopped; a host that can't be asked is asked again."""
        while not self.stop.is_set():
            try:
                with connected(self.uri) as hypervisor:
                    self._watch(hypervisor)
            except HostAgentError as error:
                self.tell(HostLook(uri=self.uri, name=self.name, trouble=str(error)))
            except Exception as error:  # noqa: BLE001 - the others are watched on
                self.tell(HostLook(uri=self.uri, name=self.name, trouble=said(error)))
            self.stop.wait(min(self.interval, _RECONNECT))

    def _watch(self, hypervisor: Hypervisor) -> None:
        """Watch over one connection until it dies."""
        inbox: queue.SimpleQueue[DomainEvent | None] = queue.SimpleQueue()
        # A driver that tells of nothing is looked at all the same.
        with suppress(LibvirtError):
            hypervisor.on_close(lambda _: inbox.put(None))
        with suppress(LibvirtError):
            hypervisor.subscribe(inbox.put)
        gatherer = Gatherer.on(
            hypervisor,
            self.uri,
            seconds=self.seconds,
            probe=self.probe,
            opened=self._opened,
            raised=raised_in(),
        )
        self.name = gatherer.facts.name
        self.tell(HostLook(uri=self.uri, name=self.name))
        schedule = Schedule()
        while not self.stop.is_set():
            self._look_at_all(hypervisor, gatherer)
            self.tell(HostLook(uri=self.uri, name=self.name, whole=True))
            until = time.monotonic() + self.interval
            while not self.stop.is_set() and (now := time.monotonic()) < until:
                for task in schedule.take(now, 1):
                    self._do(hypervisor, gatherer.refreshed(), schedule, task)
                due = schedule.next_due(1)
                end = until if due is None else min(until, due)
                try:
                    event = inbox.get(timeout=max(0.0, end - time.monotonic()))
                except queue.Empty:
                    continue
                if event is None:
                    raise LibvirtError(f"{self.uri}: the connection to libvirt was lost")
                react(schedule, event, time.monotonic(), self.patience)
                if event.kind in _ENDED:
                    self._look_at(hypervisor, gatherer.refreshed(), event.uuid)
            gatherer = gatherer.refreshed()

    def _look_at_all(self, hypervisor: Hypervisor, gatherer: Gatherer) -> None:
        domains = self._chosen(hypervisor.domains())
        there = {str(one.uuid) for one in domains}
        for uuid in [one for one in self._known if one not in there]:
            self._gone(uuid)
        side_by_side.each(
            lambda domain: audit_one(domain, gatherer),
            [] if self.stop.is_set() else domains,
            self.at_once,
            lambda *_: None,
            lambda result: self._told(look(self.uri, result)),
        )

    def _chosen(self, listed: list[Domain]) -> list[Domain]:
        """Return those that are watched; one that is not here may be elsewhere, or come yet."""
        if not self.names:
            return listed
        found: dict[UUID, Domain] = {}
        for name in self.names:
            with suppress(UsageError):
                found.update((one.uuid, one) for one in chosen(listed, (name,), self.uri))
        return list(found.values())

    def _look_at(self, hypervisor: Hypervisor, gatherer: Gatherer, uuid: UUID) -> Look | None:
        """Look at one domain, as far as it is one of those that are watched."""
        domain = hypervisor.domain(uuid)
        if domain is None:
            self._gone(str(uuid))
            return None
        if str(uuid) not in self._known and not self._chosen([domain]):
            return None
        found = look(self.uri, audit_one(domain, gatherer))
        self._told(found)
        return found

    def _do(
        self, hypervisor: Hypervisor, gatherer: Gatherer, schedule: Schedule, task: Task
    ) -> None:
        """Look because of an event; again where the guest is not there yet."""
        found = self._look_at(hypervisor, gatherer, task.uuid)
        now = time.monotonic()
        if found is not None and found.word in _WAITED_FOR and now < task.until:
            schedule.again(replace(task, tried=now, tries=task.tries + 1), now + task.pause)
        else:
            schedule.done(task.uuid)

    def _told(self, one: Look) -> None:
        self._known[one.uuid] = one.name
        self.tell(one)

    def _gone(self, uuid: str) -> None:
        name = self._known.pop(uuid, None)
        if name is not None:
            self.tell(Look(uri=self.uri, uuid=uuid, name=name, word=GONE))
