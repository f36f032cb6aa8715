"""A ledger in PostgreSQL: reached through psycopg 3, bounded in time on both sides.

Every transaction has a connection of its own: a fleet's database holds none for hosts that have
nothing to say, and after any trouble the next transaction starts from nothing.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection, Dialect, Engine
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from host_agent.errors import LedgerError
from host_agent.printable import printable

_NO_DRIVER = (
    "psycopg 3 is needed and not installed: apt install python3-psycopg, or pip install "
    "'samemachine[postgresql]'"
)
_GRACE = 1.0
"""Seconds more than its own limit that a server gets to say that the limit has passed."""


class PostgresqlDatabase:
    """A database by its URL; the tables are made when they are first written to."""

    def __init__(self, url: URL, wait: float, what: str = "the ledger") -> None:
        """``what`` it is, in front of people."""
        self._what = what
        self._url = url.set(drivername="postgresql+psycopg")
        self._wait = wait
        self._engine: Engine | None = None
        self._making = threading.Lock()
        self._threads = threading.local()
        host = url.host or url.query.get("host") or ""
        port = f":{url.port}" if url.port else ""
        hosts = host if isinstance(host, str) else ",".join(host)
        self.place = printable(f"postgresql://{hosts}{port}/{url.database or ''}")

    @contextmanager
    def transaction(
        self, check: Callable[[Connection], None], *, write: bool
    ) -> Iterator[Connection]:
        """One transaction, begun with a check of what is there; raises ``LedgerError``."""
        watch = self._watch()
        try:
            with self._made().connect() as connection:
                self._limit(connection, write=write)
                check(connection)
                yield connection
                connection.commit()
        except (SQLAlchemyError, OSError, ImportError, ValueError, OverflowError) as error:
            raise LedgerError(f"{self._what} {self.place}: {self._sentence(error)}") from error
        finally:
            watch.stop()

    def _made(self) -> Engine:
        with self._making:
            if self._engine is None:
                engine = sql.create_engine(
                    self._url,
                    poolclass=NullPool,
                    use_native_hstore=False,
                    hide_parameters=True,
                    connect_args={
                        "connect_timeout": max(2, round(self._wait)),
                        "application_name": "samemachine",
                        # A statement prepared in one of PgBouncer's connections is in no other.
                        "prepare_threshold": None,
                    },
                )
                sql.event.listen(engine, "do_connect", self._connect)
                self._engine = engine
            return self._engine

    def _connect(self, dialect: Dialect, _: object, given: Any, named: Any) -> Any:
        connection = dialect.loaded_dbapi.connect(*given, **named)
        # From here on: SQLAlchemy's own first questions may hang as well.
        self._threads.watch.start(connection.fileno(), self._wait + _GRACE)
        return connection

    def _watch(self) -> "_Watch":
        """Return a new watch, for the transaction that this thread begins."""
        self._threads.watch = watch = _Watch()
        return watch

    def _limit(self, connection: Connection, *, write: bool) -> None:
        """Set limits for this transaction. PgBouncer refuses them as options of the connection."""
        limit = f"{round(self._wait * 1000)}ms"
        settings = {"statement_timeout": limit, "lock_timeout": limit}
        if not write:
            settings["transaction_read_only"] = "on"
        set_config = sql.func.set_config
        connection.execute(sql.select(*(set_config(*one, True) for one in settings.items())))

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, ImportError):
            return _NO_DRIVER
        if isinstance(error, NoSuchModuleError):
            return "its driver psycopg needs SQLAlchemy 2.0 or newer"
        if self._threads.watch.expired:
            return f"it has not answered for {round(self._wait + _GRACE)} s"
        said = str(getattr(error, "orig", None) or error).strip()
        sentence = printable(said.split("\n")[0]) or type(error).__name__
        password = self._url.password
        return sentence.replace(str(password), "***") if password else sentence


class _Watch:
    """Ends a connection when its time is up: libpq would wait for ever for a hung server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.expired = False
        """Whether it did."""

    def start(self, descriptor: int, seconds: float) -> None:
        """Watch a connection from now on."""
        # A descriptor of our own is this connection's whatever becomes of the other's number; the
        # family is not looked at.
        self._socket = socket.fromfd(descriptor, socket.AF_UNIX, socket.SOCK_STREAM)
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        with self._lock:
            if self._socket is not None:
                self.expired = True
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Leave the connection alone."""
        with self._lock:
            if self._timer is not None and self._socket is not None:
                self._timer.cancel()
                self._socket.close()
            self._timer = self._socket = None
