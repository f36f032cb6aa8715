"""The fleet's memory: written by the hosts, each record once, and asked by who wants to know."""

import hashlib
import json
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from host_agent.errors import LedgerMissingError
from host_agent.fleet import tables
from host_agent.fleet.fold import Change, Stands, fold
from host_agent.fleet.tables import (
    CHANGES,
    DOMAINS,
    HOSTS,
    OFFER_LISTS,
    OFFERS,
    SENDERS,
    SHOWN,
)
from host_agent.fleet.told import Alive, Gone, Offers, Present, Record, Stopped, Verdict
from host_agent.records import databases
from host_agent.records.entry import bounded_name

WHAT = "the fleet's memory"
WRITE_SECONDS = 10.0
_OLD = 10_000
"""Changes that one transaction drops."""


class Memory:
    """A database by its URL; nothing is open between two calls. Raises ``LedgerError``."""

    def __init__(self, url: str, wait: float = WRITE_SECONDS) -> None:
        """Take a file's path or a URL; raises ``UsageError`` where it is neither."""
        self._database = databases.of(url, wait, WHAT)

    @property
    def place(self) -> str:
        """Where it is, in words for people: without a password."""
        return self._database.place

    def write(self, sender: str, host: str, records: Sequence[tuple[int, Record]]) -> None:
        """Write what a host told, all or none of it: records with their numbers, in their order.

        A record whose number is not above the last one of this sender has been written before, and
        is not written again.
        """
        host = bounded_name(host)
        with self._database.transaction(tables.make, write=True) as connection:
            last = _last(connection, sender, host)
            new = [record for number, record in records if number > last]
            if not new:
                return
            _fold(connection, host, new)
            for record in new:
                if isinstance(record, Offers):
                    _put_offers(connection, host, record)
            alive = [one for one in new if isinstance(one, Alive)]
            seen: dict[str, object] = {"host": host, "seen": max(one.time for one in new)}
            if alive:
                seen |= {"libvirt": alive[-1].libvirt, "qemu": alive[-1].qemu}
            _upsert(connection, HOSTS, [seen])
            connection.execute(
                SENDERS.update().where(SENDERS.c.sender == sender),
                {"number": max(number for number, _ in records)},
            )

    def prune(self, before: float) -> None:
        """Drop changes of before a time."""
        old = sql.select(CHANGES.c.id).where(CHANGES.c.time < before).limit(_OLD)
        with self._database.transaction(tables.make, write=True) as connection:
            connection.execute(CHANGES.delete().where(CHANGES.c.id.in_(old)))

    def forget_host(self, host: str) -> int:
        """Remove all that is known of a host; returns how many domains that were."""
        with self._database.transaction(tables.make, write=True) as connection:
            gone = connection.execute(DOMAINS.delete().where(DOMAINS.c.host == host)).rowcount
            for table in (HOSTS, OFFERS, SENDERS):
                connection.execute(table.delete().where(table.c.host == host))
        return gone

    def reading(self) -> AbstractContextManager[Connection]:
        """One transaction for questions; raises ``LedgerMissingError`` where nobody wrote yet."""
        return self._database.transaction(self._need, write=False)

    def _need(self, connection: Connection) -> None:
        if not tables.are_there(connection):
            raise LedgerMissingError(
                f"no host has written to {WHAT} {self.place} with this version yet"
            )


def _last(connection: Connection, sender: str, host: str) -> int:
    """Return the number of the last record of a sender, whose turn it is until the end."""
    given = {"sender": sender, "host": host, "number": 0}
    connection.execute(_insert(connection, SENDERS).on_conflict_do_nothing(), given)
    number = connection.scalar(
        sql.select(SENDERS.c.number).where(SENDERS.c.sender == sender).with_for_update()
    )
    return int(number or 0)


def _fold(connection: Connection, host: str, records: Sequence[Record]) -> None:
    """Fold the records into what stands there."""
    about = DOMAINS.c.host == host
    if not any(isinstance(one, Present) for one in records):
        named = {one.uuid for one in records if isinstance(one, Verdict | Stopped | Gone)}
        if not named:
            return
        about = sql.and_(about, DOMAINS.c.uuid.in_(named))
    columns = [column for column in DOMAINS.c if column is not DOMAINS.c.host]
    known = {
        row["uuid"]: Stands(**row)
        for row in connection.execute(sql.select(*columns).where(about)).mappings()
    }
    now, changes = fold(known, records)
    gone = known.keys() - now.keys()
    if gone:
        connection.execute(DOMAINS.delete().where(DOMAINS.c.host == host, DOMAINS.c.uuid.in_(gone)))
    rows = [{"host": host, **asdict(one)} for uuid, one in now.items() if known.get(uuid) != one]
    _upsert(connection, DOMAINS, rows)
    if changes:
        connection.execute(CHANGES.insert(), [_row(host, one) for one in changes])
    _put_shown(connection, records, {one.shown for one in known.values() if one.shown})


def _row(host: str, change: Change) -> dict[str, object]:
    return {"host": host, **asdict(change)}


def _put_shown(connection: Connection, records: Sequence[Record], known: Collection[str]) -> None:
    found = {
        one.shown: {"shown": one.shown, "tables": one.tables, "parts": "\n".join(one.parts)}
        for one in records
        if isinstance(one, Verdict) and one.shown and one.tables and one.shown not in known
    }
    # In one order, so that two hosts do not wait for each other.
    rows = [found[shown] for shown in sorted(found)]
    if rows:
        connection.execute(_insert(connection, SHOWN).values(rows).on_conflict_do_nothing())


def _put_offers(connection: Connection, host: str, record: Offers) -> None:
    text = json.dumps({"names": record.names, "deprecated": record.deprecated})
    offer = hashlib.sha256(text.encode()).hexdigest()[:32]
    insert = _insert(connection, OFFER_LISTS).values(offer=offer, names=text)
    connection.execute(insert.on_conflict_do_nothing())
    row: dict[str, object] = {"host": host, "architecture": record.architecture, "offer": offer}
    _upsert(connection, OFFERS, [row])


def _upsert(connection: Connection, table: sql.Table, rows: Sequence[dict[str, object]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    keys = [column.name for column in table.primary_key]
    if connection.dialect.name == "postgresql":
        # One statement of always the same words, however many rows: an array a column.
        columns = [
            sql.func.unnest(sql.bindparam(name, type_=postgresql.ARRAY(table.c[name].type)))
            for name in names
        ]
        insert = postgresql.insert(table).from_select(names, sql.select(*columns))
        given: Any = {name: [row[name] for row in rows] for name in names}
    else:
        insert, given = _insert(connection, table), list(rows)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=keys,
            set_={name: insert.excluded[name] for name in names if name not in keys},
        ),
        given,
    )


def _insert(connection: Connection, table: sql.Table) -> Any:
    """Return the insertion of either database, each of which has ON CONFLICT."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
