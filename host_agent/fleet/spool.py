"""What a host has yet to tell the fleet's memory: on its own disk, in order, and bounded.

A file of SQLite's, each record with a number that only grows. The file has a name of its own
making, by which the memory knows what it has had of it; a file that was lost begins anew under
another name.
"""

import hashlib
import os
import secrets
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from host_agent.fleet import told
from host_agent.fleet.told import Record
from host_agent.records.sqlite import SqliteFile

MOST = 100_000
"""Records that wait, some 100 MB at the most; the oldest go first."""
BATCH = 500
_WAIT = 5.0
_TABLES = sql.MetaData()
_SENDER = sql.Table("sender", _TABLES, sql.Column("name", sql.Text, primary_key=True))
_WAITING = sql.Table(
    "waiting",
    _TABLES,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("record", sql.Text, nullable=False),
    sqlite_autoincrement=True,
)


def default_path(place: str) -> Path:
    """Return where this user's spool for a memory is (file-hierarchy(7)).

    What was to be told to one is not told to another.
    """
    name = f"fleet-spool-{hashlib.sha256(place.encode()).hexdigest()[:8]}.sqlite"
    if os.geteuid() == 0:
        return Path("/var/lib/samemachine") / name
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(home) / "samemachine" / name


class Spool:
    """The file; any thread may use it. Raises ``LedgerError``."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._file = SqliteFile(path, _WAIT, "the spool of the fleet's memory")
        self._most = most
        self.lost = 0
        """Records that could not wait, for there were too many."""

    def put(self, *records: Record) -> None:
        """Add records; what is more than may wait goes, the oldest first."""
        rows = [{"record": told.to_text(one)} for one in records]
        if not rows:
            return
        with self._file.transaction(_make, write=True) as connection:
            connection.execute(_WAITING.insert(), rows)
            first, last = _bounds(connection)
            gone = last - first + 1 - self._most
            if gone > 0:
                connection.execute(_WAITING.delete().where(_WAITING.c.number < first + gone))
                self.lost += gone

    def next(self) -> tuple[str, list[tuple[int, Record]], int]:
        """Return the name of the file, the oldest records with their numbers, and the last number.

        One that can't be read is left out; the last number is that of all that were looked at.
        """
        query = sql.select(_WAITING).order_by(_WAITING.c.number).limit(BATCH)
        with self._file.transaction(_make, write=True) as connection:
            name = connection.scalar(sql.select(_SENDER.c.name))
            rows = connection.execute(query).all()
        records = []
        for number, text in rows:
            try:
                records.append((int(number), told.from_text(str(text))))
            except ValueError:
                continue
        return str(name), records, max((int(number) for number, _ in rows), default=0)

    def done(self, number: int) -> None:
        """Drop the records up to a number: they are written."""
        with self._file.transaction(_make, write=True) as connection:
            connection.execute(_WAITING.delete().where(_WAITING.c.number <= number))

    def count(self) -> int:
        """Return how many records wait."""
        with self._file.transaction(_make, write=True) as connection:
            first, last = _bounds(connection)
        return last - first + 1


def _bounds(connection: Connection) -> tuple[int, int]:
    """Return the numbers of the oldest and the newest record: between them there is no gap."""
    number = _WAITING.c.number
    first, last = connection.execute(sql.select(sql.func.min(number), sql.func.max(number))).one()
    return (1, 0) if first is None else (int(first), int(last))


def _make(connection: Connection) -> None:
    if sql.inspect(connection).has_table(_SENDER.name):
        return
    _TABLES.create_all(connection, checkfirst=False)
    connection.execute(_SENDER.insert(), {"name": secrets.token_hex(16)})
