"""What a host tells the fleet's memory, one thing a record, and its form as JSON. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from host_agent.case.results import Audited, Decision
from host_agent.fleet import likeness
from host_agent.machine_types.offers import Offer
from host_agent.missing import Missing
from host_agent.records.entry import Entry
from host_agent.times import LAST_TIME
from host_agent.untrusted_text import json_of

MOST_PROBLEM = 300
_MOST_FORM = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a domain stands after it was verified."""

    time: float
    """Seconds since 1970-01-01 UTC, by the clock of the host."""
    uuid: str
    name: str
    verdict: str
    """As an entry of the ledger has it."""
    title: str | None = None
    machine: str | None = None
    architecture: str | None = None
    depth: str | None = None
    occasion: str | None = None
    qemu: str | None = None
    """Version of the QEMU under the guest."""
    check: str | None = None
    """The first check that did not pass."""
    problem: str | None = None
    """Its sentence."""
    shape: str | None = None
    """Digest of QEMU's options, but for what is the domain's own; None: they are not known."""
    shown: str | None = None
    """Digest of the tables that QEMU shows such a shape; None: they are not known."""
    tables: str | None = None
    """SMBIOS tables among these, in base64."""
    parts: tuple[str, ...] = ()
    """What else is shown, a line a part (``fingerprint_parts``)."""
    remembered: bool = False
    """It is of before the daemon started: it counts only where nothing else is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A domain runs no more."""

    time: float
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A domain is not this host's any more."""

    time: float
    uuid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """All domains that the host has; any other is gone."""

    time: float
    uuids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The host is there."""

    time: float
    libvirt: str
    qemu: str
    """Version of the QEMU that is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """The machine types that the host offers for one architecture: own names, and deprecated."""

    time: float
    architecture: str
    names: tuple[str, ...]
    deprecated: tuple[str, ...] = ()


Record = Verdict | Stopped | Gone | Present | Alive | Offers
_KINDS: Mapping[str, type[Record]] = {
    one.__name__.lower(): one for one in (Verdict, Stopped, Gone, Present, Alive, Offers)
}


def of_entry(entry: Entry, *, remembered: bool = False) -> Verdict:
    """Return what a ledger's entry says of a domain."""
    problem = entry.problem
    return Verdict(
        time=entry.time,
        uuid=entry.uuid,
        name=entry.name,
        title=entry.title,
        verdict=entry.verdict,
        machine=entry.machine,
        depth=entry.depth,
        occasion=entry.occasion,
        qemu=entry.qemu,
        check=None if problem is None or entry.verdict == Decision.VERIFIED else problem.check,
        problem=None
        if problem is None or entry.verdict == Decision.VERIFIED
        else problem.sentence[:MOST_PROBLEM],
        remembered=remembered,
    )


def of_audited(audited: Audited, entry: Entry) -> tuple[Record, ...]:
    """Return what a verdict says: of the domain, and of what its host offers it."""
    case = audited.case
    definition = case.declared.definition
    told = asdict(of_entry(entry))
    alike = likeness.of(case.now)
    machine = None if case.declared.active is None else case.declared.active.machine
    told |= {
        "machine": case.aliases.get(machine or "", machine) or entry.machine,
        "architecture": definition.architecture or None,
        "shape": alike.shape if alike else None,
        "shown": alike.shown if alike else None,
        "tables": alike.tables if alike else None,
        "parts": alike.parts if alike else (),
    }
    offers = None if isinstance(case.surroundings, Missing) else case.surroundings.offers
    if offers is None or isinstance(offers, Missing):
        return (Verdict(**told),)
    return (of_offers(offers, definition.architecture, entry.time), Verdict(**told))


def of_offers(offers: Mapping[str, Offer], architecture: str, time: float) -> Offers:
    """Return a host's offers by their own names."""
    return Offers(
        time=time,
        architecture=architecture,
        names=tuple(sorted({one.canonical for one in offers.values()})),
        deprecated=tuple(sorted({one.canonical for one in offers.values() if one.deprecated})),
    )


def to_text(record: Record) -> str:
    """Return a record as a line of JSON."""
    form = {"kind": type(record).__name__.lower(), **asdict(record)}
    return json.dumps({name: value for name, value in form.items() if value not in (None, ())})


def from_text(text: str) -> Record:
    """Return the record of such a line; raises ``ValueError``."""
    if len(text) > _MOST_FORM:
        raise ValueError("it is too long")
    form = json_of(text)
    kind = _KINDS.get(str(form.pop("kind", ""))) if isinstance(form, dict) else None
    if kind is None:
        raise ValueError("it is of no known kind")
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in form:
            given[field.name] = _taken(form[field.name], hints[field.name], field.name)
    try:
        record = kind(**given)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if not 0 <= record.time < LAST_TIME:
        raise ValueError(f"{record.time} is no time")
    return record


def _taken(value: object, hint: Any, name: str) -> object:
    if get_origin(hint) is tuple:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
    elif hint is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif isinstance(value, (get_args(hint) or (hint,))):
        return value
    raise ValueError(f"its {name} is of another type")
