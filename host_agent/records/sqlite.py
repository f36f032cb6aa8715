"""A ledger in a file of SQLite's: made, locked, waited for, and what its errors mean.

Every transaction has a connection of its own, so a file that was moved away is not written to, and
after any trouble the next transaction starts from nothing.
"""

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from host_agent.errors import LedgerError, LedgerMissingError
from host_agent.printable import printable

_LOCKED = "another program has held its lock for too long"
_REPLACE = "move it away, and a new one is made"
# The low byte of a code is the primary one (sqlite.org/rescode.html).
_SENTENCES = {
    sqlite3.SQLITE_PERM: "it can't be opened: permission denied",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: "it can't be written: the file or its file system is read-only",
    sqlite3.SQLITE_IOERR: "reading or writing its file failed",
    sqlite3.SQLITE_CORRUPT: f"the file is damaged; {_REPLACE}",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_CANTOPEN: "the file can't be opened",
    sqlite3.SQLITE_NOTADB: f"the file is damaged, or no ledger; {_REPLACE}",
}
_PERHAPS_FULL = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
"""What SQLite says as well where there is no room for the files beside the database."""


class SqliteFile:
    """The file, which is made when it is first written to."""

    def __init__(self, path: Path, wait: float, what: str = "the ledger") -> None:
        """``what`` it is, in front of people."""
        self._what = what
        self._path = path.absolute()
        self.place = printable(str(self._path))
        self._wait = wait
        self._engine: Engine | None = None
        self._writer = threading.Lock()

    @contextmanager
    def transaction(
        self, check: Callable[[Connection], None], *, write: bool
    ) -> Iterator[Connection]:
        """One transaction, begun with a check of what is there; raises ``LedgerError``."""
        try:
            with self._turn(write=write):
                self._prepare(write=write)
                with self._begun(check, write=write) as connection:
                    yield connection
                    connection.commit()
        except (SQLAlchemyError, sqlite3.Error, OSError, ValueError, OverflowError) as error:
            raise LedgerError(f"{self._what} {self.place}: {self._sentence(error)}") from error

    @contextmanager
    def _turn(self, *, write: bool) -> Iterator[None]:
        """Let the writers of this process queue up here: whom SQLite lets in next is chance."""
        if not write:
            yield
            return
        if not self._writer.acquire(timeout=self._wait):
            raise LedgerError(f"{self._what} {self.place}: {_LOCKED}")
        try:
            yield
        finally:
            self._writer.release()

    def _prepare(self, *, write: bool) -> None:
        if write:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError):
                # Made without being opened: closing it would drop the locks that other threads
                # hold on it (sqlite.org/howtocorrupt.html, section 2.2).
                os.mknod(self._path, stat.S_IFREG | 0o600)
        else:
            try:
                self._path.stat()
            except (FileNotFoundError, NotADirectoryError) as error:
                what = self._what.removeprefix("the ")
                raise LedgerMissingError(f"there is no {what} {self.place} yet") from error
        if self._engine is None:
            # What 2.0 always is, and 1.4 when it is told so.
            engine = sql.create_engine(
                "sqlite://", creator=self._connect, poolclass=NullPool, future=True
            )
            sql.event.listen(engine, "begin", _begin)
            self._engine = engine

    def _connect(self) -> sqlite3.Connection:
        # Without mode=rw SQLite would make a missing file itself, for everybody to read.
        mode = "mode=ro&immutable=1" if self._is_still() else "mode=rw"
        uri = f"file:{quote(os.fspath(self._path))}?{mode}"
        # No isolation level: transactions begin where we say.
        return sqlite3.connect(uri, uri=True, timeout=self._wait, isolation_level=None)

    def _is_still(self) -> bool:
        """Whether nothing can change here: even a reader needs files beside a database in WAL.

        At night, a root file system that was remounted read-only is where history is asked for.
        """
        beside = self._path.with_name(f"{self._path.name}-wal")
        return not os.access(self._path.parent, os.W_OK) and not beside.exists()

    def _begun(self, check: Callable[[Connection], None], *, write: bool) -> Connection:
        """Begin, and again where SQLite was busy without waiting (sqlite.org/wal.html, section 8).

        A commit by another program between our first reading and our first writing would be such a
        case too, so a transaction that writes takes the lock at once.
        """
        assert self._engine is not None
        deadline = time.monotonic() + self._wait
        while True:
            connection = self._engine.connect().execution_options(write=write)
            try:
                if write:
                    _to_wal(connection, self._wait)
                connection.begin()
                check(connection)
            except BaseException as error:
                connection.close()
                busy = isinstance(error, OperationalError) and _code(error) == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            else:
                return connection
            time.sleep(0.01)

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, OSError):
            return error.strerror or str(error)
        code = _code(error)
        if code in _PERHAPS_FULL:
            with suppress(OSError):
                if not os.statvfs(self._path.parent).f_bavail:
                    code = sqlite3.SQLITE_FULL
        said = printable(str(getattr(error, "orig", None) or error).split("\n")[0])
        return _SENTENCES.get(code, said)


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options()["write"]
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _to_wal(connection: Connection, wait: float) -> None:
    """Let readers not wait for a writer; the file remembers it (sqlite.org/wal.html, section 3.3).

    Where that can't be had just now, or on this file system, it is done without.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    with suppress(sqlite3.Error):
        raw.execute("PRAGMA busy_timeout = 0")
        raw.execute("PRAGMA journal_mode = WAL")
    raw.execute(f"PRAGMA busy_timeout = {round(wait * 1000)}")


def _code(error: BaseException) -> int:
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else -1
