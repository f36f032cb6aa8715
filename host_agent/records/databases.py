"""A database by what a user names: a file's path, or a URL."""

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from host_agent.errors import UsageError
from host_agent.printable import printable
from host_agent.records.postgresql import PostgresqlDatabase
from host_agent.records.sqlite import SqliteFile

_FORMS = "give a file, sqlite:////path or postgresql://user@host/database"

Database = SqliteFile | PostgresqlDatabase


def of(text: str, wait: float, what: str) -> Database:
    """Return what a file's path or a URL means, of what is called ``what``; raises ``UsageError``.

    A wrong URL may hold a password and is not told.
    """
    if text and "://" not in text:
        return SqliteFile(Path(text), wait, what)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UsageError(f"{what}'s URL can't be read; {_FORMS}") from None
    if url.drivername == "sqlite":
        if url.host or url.query or not url.database or url.database == ":memory:":
            raise UsageError(f"{what}'s URL names no file; {_FORMS}")
        return SqliteFile(Path(url.database), wait, what)
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        if "password" in url.query:
            raise UsageError(f"the password in {what}'s URL belongs before the @, or in .pgpass")
        return PostgresqlDatabase(url, wait, what)
    raise UsageError(
        f"{what} is kept in SQLite or PostgreSQL, not in {printable(url.drivername)}; {_FORMS}"
    )
