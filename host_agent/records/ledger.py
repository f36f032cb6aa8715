"""The host's own history: verdicts, and copies of baselines; append-only but for ``forget``.

SQLite by default, PostgreSQL by URL for a fleet that wants one place. Losing it loses history,
never the ability to verify: every method raises ``LedgerError`` and nothing else, and whoever calls
it goes on.

Reading never makes anything: who asks a ledger that is not there is told so
(``LedgerMissingError``), and does not take it for one that knows of nothing.
"""

import os
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import UUID

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from host_agent.case.case import Occasion
from host_agent.errors import LedgerError, LedgerMissingError
from host_agent.records import databases
from host_agent.records import entry as ledger_entry
from host_agent.records.entry import Entry, bounded_name
from host_agent.records.postgresql import PostgresqlDatabase
from host_agent.records.sqlite import SqliteFile

SCHEMA = 1
"""Raised when the tables change; a newer ledger is refused, not guessed at."""
WAIT_SECONDS = 2
"""How long another program's lock, or a database that does not answer, is waited for."""
MAX_BASELINE = 1024 * 1024
"""Characters of a baseline's element."""
MAX_ENTRIES = 10_000
"""That one answer may hold."""
MAX_COPIES = 10
"""Copies of one domain's baseline; the newest counts, the others are for people."""
MOST_AN_HOUR = 30
"""Entries of one domain that say the same, in an hour."""
MOST_OF_ONE_KIND = 2000
"""Entries of one domain that say the same, at all."""
_HOUR = 3600.0
_BATCH = 1000
"""Rows that one transaction removes, so that nobody waits long for it."""
_MAKING = 0x53616D65
"""PostgreSQL's advisory lock around making the tables: any number, the same for all."""

_TABLES = sql.MetaData()
_ID = sql.BigInteger().with_variant(sql.Integer, "sqlite")
_SCHEMA_TABLE = sql.Table(
    "samemachine_ledger", _TABLES, sql.Column("schema", sql.Integer, primary_key=True)
)
_ENTRIES = sql.Table(
    "samemachine_entries",
    _TABLES,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("time", sql.Float(53), nullable=False, index=True),
    sql.Column("host", sql.Text, nullable=False),
    sql.Column("uuid", sql.Text, nullable=False, index=True),
    sql.Column("name", sql.Text, nullable=False, index=True),
    sql.Column("title", sql.Text, index=True),
    sql.Column("occasion", sql.Text, nullable=False),
    sql.Column("verdict", sql.Text, nullable=False),
    sql.Column("depth", sql.Text),
    sql.Column("machine", sql.Text),
    sql.Column("qemu", sql.Text),
    sql.Column("boot_id", sql.Text),
    sql.Column("passed", sql.Integer, nullable=False),
    sql.Column("findings", sql.Text, nullable=False),
)
_BASELINES = sql.Table(
    "samemachine_baselines",
    _TABLES,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("time", sql.Float(53), nullable=False),
    sql.Column("host", sql.Text, nullable=False),
    sql.Column("uuid", sql.Text, nullable=False, index=True),
    sql.Column("element", sql.Text, nullable=False),
)


def default_path() -> Path:
    """Return where this user's ledger is (file-hierarchy(7))."""
    if os.geteuid() == 0:
        return Path("/var/lib/samemachine/ledger.sqlite")
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(home) / "samemachine/ledger.sqlite"


class Ledger:
    """A database of entries. Any thread may use it; nothing is open between two calls."""

    def __init__(self, url: str | None = None) -> None:
        """Take a file's path or a URL; raises ``UsageError`` where it is neither."""
        self._database = _database(url)

    @property
    def place(self) -> str:
        """Where it is, in words for people: without a password."""
        return self._database.place

    def prepare(self) -> None:
        """Make it where it is not there yet; raises ``LedgerError`` where it could not be used."""
        with self._writing():
            pass

    def append(self, *entries: Entry) -> None:
        """Add entries, all or none; raises ``LedgerError``."""
        try:
            rows = list(map(ledger_entry.to_row, entries))
        except ValueError as error:
            raise LedgerError(f"an entry is not kept: {error}") from error
        if rows:
            with self._writing() as connection:
                connection.execute(_ENTRIES.insert(), rows)
                for uuid, occasion, verdict in sorted(
                    {(str(row["uuid"]), str(row["occasion"]), str(row["verdict"])) for row in rows}
                ):
                    newest = max(entry.time for entry in entries if entry.uuid == uuid)
                    self._thin_out(connection, uuid, occasion, verdict, newest)

    def _thin_out(
        self, connection: Connection, uuid: str, occasion: str, verdict: str, time: float
    ) -> None:
        """Drop what one domain has had told too often: a guest may reboot as often as it likes.

        Only of its own kind, so that nobody can push out what was said of it before.
        """
        kind = (
            sql.select(_ENTRIES.c.id)
            .where(
                _ENTRIES.c.uuid == uuid,
                _ENTRIES.c.occasion == occasion,
                _ENTRIES.c.verdict == verdict,
            )
            .order_by(_ENTRIES.c.id.desc())
        )
        recent = kind.where(_ENTRIES.c.time > time - _HOUR).offset(1).limit(MOST_AN_HOUR)
        ids = connection.scalars(recent).all()
        # The newest stays, and the first ones of the hour; what is between them goes.
        gone = ids[: len(ids) - MOST_AN_HOUR + 1] if len(ids) >= MOST_AN_HOUR else []
        old = connection.scalars(kind.offset(MOST_OF_ONE_KIND).limit(_BATCH)).all()
        if gone or old:
            connection.execute(_ENTRIES.delete().where(_ENTRIES.c.id.in_([*gone, *old])))

    def history(
        self, domain: str | None = None, since: float | None = None, most: int = 200
    ) -> tuple[Entry, ...]:
        """Return the newest entries, oldest first: of one domain (name, title or UUID) or of all.

        ``since`` is in seconds since 1970-01-01 UTC. One that is damaged says so, and costs the
        others nothing. Raises ``LedgerError``.
        """
        query = sql.select(_ENTRIES).order_by(_ENTRIES.c.time.desc(), _ENTRIES.c.id.desc())
        if domain is not None:
            query = query.where(_is(domain))
        if since is not None:
            query = query.where(_ENTRIES.c.time >= since)
        with self._reading() as connection:
            rows = connection.execute(query.limit(min(most, MAX_ENTRIES))).mappings().all()
        return tuple(_told(dict(row)) for row in reversed(rows))

    def arrivals(self, host: str, since: float) -> tuple[Entry, ...]:
        """Return the newest arrival of each domain that came to a host since then, oldest first.

        All of them: where they are too many for one answer, that is a ``LedgerError`` too.
        """
        query = sql.select(_ENTRIES).where(
            _ENTRIES.c.time >= since,
            _ENTRIES.c.host == bounded_name(host),
            _ENTRIES.c.occasion == Occasion.ARRIVAL.value,
        )
        with self._reading() as connection:
            entries = self._entries(
                connection, query.order_by(_ENTRIES.c.id).limit(MAX_ENTRIES + 1)
            )
        if len(entries) > MAX_ENTRIES:
            raise LedgerError(
                f"the ledger {self.place} knows more than {MAX_ENTRIES} arrivals since then; "
                "take a later time"
            )
        newest = {entry.uuid: entry for entry in entries}
        return tuple(sorted(newest.values(), key=lambda entry: entry.time))

    def newest(self, domain: str, host: str) -> Entry | None:
        """Return the newest entry of a domain, made on whatever host; None: it is not known.

        That says where it is, if that host writes here too. A name means the domain that had it
        last on the host given, else anywhere. Raises ``LedgerError``.
        """
        # By the order in which they came here: the clocks of two hosts need not agree.
        last = sql.select(_ENTRIES.c.uuid).order_by(_ENTRIES.c.id.desc()).limit(1)
        with self._reading() as connection:
            uuid = connection.scalar(
                last.where(_is(domain), _ENTRIES.c.host == bounded_name(host))
            ) or connection.scalar(last.where(_is(domain)))
            query = sql.select(_ENTRIES).where(_ENTRIES.c.uuid == uuid)
            found = self._entries(connection, query.order_by(_ENTRIES.c.id.desc()).limit(1))
        return found[0] if found else None

    def keep_baseline(self, uuid: str, element: str, *, time: float, host: str) -> None:
        """Add a copy of a domain's baseline; raises ``LedgerError``."""
        if len(element) > MAX_BASELINE:
            raise LedgerError(
                f"a baseline of {len(element)} characters is not kept, only up to {MAX_BASELINE}"
            )
        row = {"time": time, "host": bounded_name(host), "uuid": uuid, "element": element}
        with self._writing() as connection:
            connection.execute(_BASELINES.insert(), row)
            copies = sql.select(_BASELINES.c.id).where(_BASELINES.c.uuid == uuid)
            old = copies.order_by(_BASELINES.c.id.desc()).offset(MAX_COPIES).limit(_BATCH)
            gone = connection.scalars(old).all()
            if gone:
                connection.execute(_BASELINES.delete().where(_BASELINES.c.id.in_(gone)))

    def baseline(self, uuid: str) -> str | None:
        """Return the newest copy of a domain's baseline; raises ``LedgerError``."""
        query = sql.select(_BASELINES.c.element).where(_BASELINES.c.uuid == uuid)
        with self._reading() as connection:
            found = connection.scalar(query.order_by(_BASELINES.c.id.desc()).limit(1))
        return None if found is None else str(found)

    def prune(self, before: float, *, host: str, domains: Collection[str]) -> int:
        """Remove what a host wrote before a time; raises ``LedgerError``.

        The newest baseline of each of these domains (UUIDs: those that the host still has) stays,
        however old it is. Returns how many entries and baselines went.
        """
        gone = 0
        with self._reading() as connection:
            newest = sql.select(sql.func.max(_BASELINES.c.id), _BASELINES.c.uuid).group_by(
                _BASELINES.c.uuid
            )
            wanted = set(domains)
            kept = [number for number, uuid in connection.execute(newest) if uuid in wanted]
        for table, spared in ((_ENTRIES, []), (_BASELINES, kept)):
            some = sql.select(table.c.id).where(
                table.c.time < before, table.c.host == bounded_name(host), table.c.id.not_in(spared)
            )
            removed = _BATCH
            while removed == _BATCH:
                with self._writing() as connection:
                    removed = connection.execute(
                        table.delete().where(table.c.id.in_(some.limit(_BATCH)))
                    ).rowcount
                gone += removed
        return gone

    def count(self, uuid: str) -> tuple[int, int]:
        """Return how many entries and copies of baselines there are; raises ``LedgerError``."""
        with self._reading() as connection:
            entries, copies = (
                connection.scalar(
                    sql.select(sql.func.count()).select_from(table).where(table.c.uuid == uuid)
                )
                for table in (_ENTRIES, _BASELINES)
            )
        return entries or 0, copies or 0

    def forget(self, uuid: str) -> None:
        """Remove all that any host wrote of a domain; raises ``LedgerError``."""
        with self._writing() as connection:
            for table in (_ENTRIES, _BASELINES):
                connection.execute(table.delete().where(table.c.uuid == uuid))

    def _entries(
        self, connection: Connection, query: "sql.Select[tuple[object, ...]]"
    ) -> tuple[Entry, ...]:
        rows = connection.execute(query).mappings().all()
        try:
            return tuple(ledger_entry.from_row(dict(row)) for row in rows)
        except ValueError as error:
            raise LedgerError(
                f"the ledger {self.place} holds an entry that can't be read"
            ) from error

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._database.transaction(self._check, write=False)

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._database.transaction(self._check_or_make, write=True)

    def _check(self, connection: Connection) -> None:
        """See that the tables are there, and ours."""
        if not self._is_made(connection):
            raise LedgerMissingError(f"there is no ledger in {self.place} yet")

    def _check_or_make(self, connection: Connection) -> None:
        if self._is_made(connection):
            return
        if connection.dialect.name == "postgresql":
            # Others may be about to make them; SQLite has locked its whole file already.
            connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_MAKING)))
            if self._is_made(connection):
                return
        _TABLES.create_all(connection, checkfirst=False)
        connection.execute(_SCHEMA_TABLE.insert(), {"schema": SCHEMA})

    def _is_made(self, connection: Connection) -> bool:
        inspector = sql.inspect(connection)
        if not inspector.has_table(_SCHEMA_TABLE.name):
            # A database of PostgreSQL's may be shared, a file is not.
            if connection.dialect.name == "sqlite" and inspector.get_table_names():
                raise LedgerError(f"{self.place} is another program's database, not a ledger")
            return False
        schemas = connection.scalars(sql.select(_SCHEMA_TABLE.c.schema)).all()
        if not schemas or not all(isinstance(schema, int) for schema in schemas):
            raise LedgerError(f"the ledger {self.place} is damaged: it has no schema number")
        if max(schemas) > SCHEMA:
            raise LedgerError(
                f"the ledger {self.place} has schema {max(schemas)}, this samemachine knows "
                f"{SCHEMA}; update samemachine"
            )
        return True


def _told(row: dict[str, object]) -> Entry:
    try:
        return ledger_entry.from_row(row)
    except ValueError as error:
        return ledger_entry.damaged(row, str(error))


def _is(domain: str) -> "sql.ColumnElement[bool]":
    name = bounded_name(domain)
    try:
        return sql.or_(_ENTRIES.c.uuid == str(UUID(domain)), _ENTRIES.c.name == name)
    except ValueError:
        return sql.or_(_ENTRIES.c.name == name, _ENTRIES.c.title == name)


def _database(text: str | None) -> SqliteFile | PostgresqlDatabase:
    return databases.of(str(default_path()) if text is None else text, WAIT_SECONDS, "the ledger")
