"""What the fleet's memory answers, each question by itself, from the database alone."""

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from host_agent.difference import Difference
from host_agent.firmware import fingerprint_parts, smbios_diff
from host_agent.firmware.smbios import SmbiosError
from host_agent.fleet.answer import Host, Moved, Placed, SameName, Status, Unverified, Variant
from host_agent.fleet.ceiling import Ceiling, Offered, ceilings
from host_agent.fleet.fold import Change, Stands
from host_agent.fleet.memory import Memory
from host_agent.fleet.tables import CHANGES, DOMAINS, HOSTS, OFFER_LISTS, OFFERS, SHOWN
from host_agent.records.entry import bounded_name
from host_agent.untrusted_text import TextError, json_of

_MOST_TABLES = 2000
"""Tables that are held against each other for one answer."""


class Answers:
    """Answers of one memory. Raises ``LedgerError``; ``most``: how many rows one has."""

    def __init__(self, memory: Memory, most: int) -> None:
        self._memory = memory
        self._most = most

    def status(self, silent_before: float) -> Status:
        """Return how many domains stand how, by machine type."""
        counted = sql.select(DOMAINS.c.machine, DOMAINS.c.verdict, sql.func.count()).group_by(
            DOMAINS.c.machine, DOMAINS.c.verdict
        )
        with self._memory.reading() as connection:
            rows = connection.execute(counted).all()
            hosts = connection.scalar(sql.select(sql.func.count()).select_from(HOSTS)) or 0
            silent = _count_silent(connection, silent_before)
        machines: dict[str, dict[str, int]] = {}
        for machine, verdict, number in rows:
            machines.setdefault(machine or "", {})[verdict] = number
        return Status(hosts=hosts, silent=silent, machines=dict(sorted(machines.items())))

    def where(self, name: str) -> tuple[Placed, ...]:
        """Return the domains of a name, title or UUID, or all of a host; as many as are asked."""
        text = bounded_name(name)
        kinds = [DOMAINS.c.host == text, DOMAINS.c.name == text, DOMAINS.c.title == text]
        with suppress(ValueError):
            kinds.append(DOMAINS.c.uuid == str(UUID(name)))
        query = sql.select(DOMAINS).where(sql.or_(*kinds))
        query = query.order_by(DOMAINS.c.host, DOMAINS.c.name).limit(self._most)
        with self._memory.reading() as connection:
            return tuple(map(_placed, connection.execute(query).mappings()))

    def changed(self, since: float) -> tuple[tuple[Moved, ...], int]:
        """Return what changed since then, the newest first, and how many changes that are."""
        after = CHANGES.c.time >= since
        query = sql.select(CHANGES).where(after)
        query = query.order_by(CHANGES.c.time.desc(), CHANGES.c.id.desc()).limit(self._most)
        with self._memory.reading() as connection:
            rows = connection.execute(query).mappings().all()
            number = connection.scalar(
                sql.select(sql.func.count()).select_from(CHANGES).where(after)
            )
        found = []
        for row in rows:
            given = {name: value for name, value in row.items() if name not in {"id", "host"}}
            found.append(Moved(host=row["host"], change=Change(**given)))
        return tuple(found), number or 0

    def unverified(self, silent_before: float) -> Unverified:
        """Return what runs and is not verified, mismatches first, and the hosts that are silent."""
        wrong = DOMAINS.c.verdict.not_in(["verified", "not running"])
        counted = (
            sql.select(DOMAINS.c.verdict, DOMAINS.c.check, sql.func.count())
            .where(wrong)
            .group_by(DOMAINS.c.verdict, DOMAINS.c.check)
        )
        listed = (
            sql.select(DOMAINS)
            .where(wrong)
            .order_by(DOMAINS.c.verdict, DOMAINS.c.host, DOMAINS.c.name)
            .limit(self._most)
        )
        silent = (
            sql.select(HOSTS).where(HOSTS.c.seen < silent_before).order_by(HOSTS.c.seen)
        ).limit(self._most)
        with self._memory.reading() as connection:
            counts = {
                " ".join(filter(None, (verdict, check))): number
                for verdict, check, number in connection.execute(counted)
            }
            domains = tuple(map(_placed, connection.execute(listed).mappings()))
            hosts = tuple(Host(**row) for row in connection.execute(silent).mappings())
            number = _count_silent(connection, silent_before)
        return Unverified(
            counts=dict(sorted(counts.items())),
            domains=domains,
            silent=hosts,
            silent_count=number,
        )

    def ceilings(self) -> tuple[Ceiling, ...]:
        """Return what nothing may be raised above, by what the hosts offer."""
        offers = (
            sql.select(
                OFFERS.c.architecture,
                OFFER_LISTS.c.names,
                sql.func.count(),
                sql.func.min(OFFERS.c.host),
            )
            .join(OFFER_LISTS, OFFER_LISTS.c.offer == OFFERS.c.offer)
            .group_by(OFFERS.c.architecture, OFFER_LISTS.c.offer, OFFER_LISTS.c.names)
        )
        counted = sql.select(DOMAINS.c.machine, sql.func.count()).group_by(DOMAINS.c.machine)
        with self._memory.reading() as connection:
            lists = [
                _offered(architecture, text, number, host)
                for architecture, text, number, host in connection.execute(offers)
            ]
            domains = {name: number for name, number in connection.execute(counted) if name}
        return ceilings(lists, domains)

    def same_name(self) -> tuple[SameName, ...]:
        """Return the machine types that are shown differently to domains of one shape."""
        d = DOMAINS.c
        counted = (
            sql.select(
                d.machine,
                d.shape,
                d.shown,
                sql.func.max(d.qemu),
                sql.func.count(),
                sql.func.min(d.host),
            )
            .where(d.shown.is_not(None))
            .group_by(d.machine, d.shape, d.shown)
        )
        with self._memory.reading() as connection:
            by_shape: dict[tuple[str, str], list[tuple[str, str | None, int, str]]] = defaultdict(
                list
            )
            for machine, shape, shown, qemu, number, host in connection.execute(counted):
                by_shape[machine or "", shape].append((shown, qemu, number, host))
            several = {key: rows for key, rows in by_shape.items() if len(rows) > 1}
            wanted = list({shown for rows in several.values() for shown, *_ in rows})
            tables = _tables(connection, wanted[:_MOST_TABLES])
        found = (
            SameName(machine=machine, shape=shape, variants=tuple(_variants(rows, tables)))
            for (machine, shape), rows in sorted(several.items())
        )
        # What differs in nothing that a guest sees is one.
        return tuple(one for one in found if any(v.differences != () for v in one.variants[1:]))


def _count_silent(connection: Connection, before: float) -> int:
    query = sql.select(sql.func.count()).select_from(HOSTS).where(HOSTS.c.seen < before)
    return connection.scalar(query) or 0


def _placed(row: Mapping[Any, Any]) -> Placed:
    given = {name: value for name, value in row.items() if name != "host"}
    return Placed(host=str(row["host"]), domain=Stands(**given))


def _offered(architecture: str, text: str, hosts: int, host: str) -> Offered:
    try:
        form = json_of(text)
        names, deprecated = (frozenset(map(str, form[key])) for key in ("names", "deprecated"))
    except (TextError, KeyError, TypeError):
        names = deprecated = frozenset()
    return Offered(
        architecture=architecture, names=names, deprecated=deprecated, hosts=hosts, host=host
    )


class _Shown(NamedTuple):
    """What a machine shows."""

    tables: bytes
    parts: tuple[str, ...]


def _tables(connection: Connection, wanted: Sequence[str]) -> dict[str, _Shown]:
    query = sql.select(SHOWN).where(SHOWN.c.shown.in_(wanted))
    found = {}
    for shown, text, parts in connection.execute(query):
        try:
            tables = base64.b64decode(text, validate=True)
            found[str(shown)] = _Shown(tables, tuple(parts.splitlines()))
        except (binascii.Error, ValueError):
            continue
    return found


def _variants(
    rows: Sequence[tuple[str, str | None, int, str]], tables: Mapping[str, _Shown]
) -> Iterator[Variant]:
    ordered = sorted(rows, key=lambda row: (-row[2], row[0]))
    first = tables.get(ordered[0][0])
    for shown, qemu, number, host in ordered:
        yield Variant(
            qemu=qemu, host=host, domains=number, differences=_compared(first, tables.get(shown))
        )


def _compared(old: _Shown | None, new: _Shown | None) -> tuple[Difference, ...] | None:
    if old is None or new is None:
        return None
    try:
        return (
            *smbios_diff.differences(old.tables, new.tables),
            *fingerprint_parts.differences(old.parts, new.parts),
        )
    except SmbiosError:
        return None
