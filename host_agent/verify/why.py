"""The job ``why``: what happened to one domain, from all that is known here."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.errors import LedgerError, LibvirtError
from host_agent.evidence.baseline import Baseline, Event
from host_agent.hypervisor import connected
from host_agent.records.entry import Entry
from host_agent.times import day
from host_agent.verify import policy
from host_agent.verify.story import Story

if TYPE_CHECKING:
    from host_agent.records.ledger import Ledger

_MOST = 20
_ONE = 1.0
"""Seconds between what trail and history say of one event, at the most."""


def tell(found: HostAudit | None, name: str, ledger: "Ledger | None") -> Story | None:
    """Put together what is known of a domain; None: nothing.

    ``found`` is the audit of it alone, on the host where it is; None: on none that was asked.
    """
    history = _history(ledger, name)
    if found is None:
        if not history:
            return None
        return Story(
            name=name,
            time=time.time(),
            audit=None,
            result=None,
            history=history,
            events=tuple(map(_event, history)),
            sentence=_whereabouts(history[-1]),
        )
    result = _judged(found.results[0])
    uuid = result.uuid if isinstance(result, Failed) else str(result.case.declared.definition.uuid)
    history = _history(ledger, uuid) or history
    trail: tuple[Event, ...] = ()
    if isinstance(result, Audited) and isinstance(result.case.baseline, Baseline):
        trail = result.case.baseline.trail
    return Story(
        name=name,
        time=time.time(),
        audit=replace(found, results=(result,)),
        result=result,
        history=history,
        events=_merged(trail, tuple(map(_event, history))),
        sentence=None,
    )


def _judged(result: Audited | Failed) -> Audited | Failed:
    """Return the result as ``verify`` has it: without a baseline nothing is verified."""
    if isinstance(result, Failed):
        return result
    return replace(result, verdict=policy.judge(result.case, against_baseline=True))


def moved(ledger: "Ledger", uri: str, name: str) -> str | None:
    """Say where a domain is that a host has no more, if history knows; None: it does not."""
    try:
        with connected(uri) as hypervisor:
            entry = ledger.newest(name, hypervisor.host_name)
    except (LedgerError, LibvirtError):
        return None
    return None if entry is None else f"{name}: {_whereabouts(entry)}"


def _whereabouts(entry: Entry) -> str:
    if entry.verdict == "left":
        return f"it left {entry.host} by live migration at {day(entry.time)}"
    return f"it was on {entry.host} at {day(entry.time)} ({entry.verdict})"


def _history(ledger: "Ledger | None", domain: str) -> tuple[Entry, ...]:
    try:
        return () if ledger is None else ledger.history(domain, None, _MOST)
    except LedgerError:
        return ()


def _event(entry: Entry) -> Event:
    return Event(
        time=entry.time,
        host=entry.host,
        qemu=entry.qemu,
        occasion=entry.occasion,
        verdict=entry.verdict,
    )


def _merged(trail: tuple[Event, ...], history: tuple[Event, ...]) -> tuple[Event, ...]:
    """One timeline: what both have (within a second, of one host) is told once."""
    more = [
        event
        for event in trail
        if not any(
            event.host == other.host and abs(event.time - other.time) <= _ONE for other in history
        )
    ]
    return tuple(sorted([*history, *more], key=lambda event: event.time))
