"""The tables of the fleet's memory, and how they became what they are."""

from collections.abc import Callable

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from host_agent.errors import LedgerError

TABLES = sql.MetaData()
_SCHEMA = sql.Table(
    "samemachine_fleet", TABLES, sql.Column("schema", sql.Integer, primary_key=True)
)
HOSTS = sql.Table(
    "samemachine_fleet_hosts",
    TABLES,
    sql.Column("host", sql.Text, primary_key=True),
    sql.Column("seen", sql.Float(53), nullable=False),
    sql.Column("libvirt", sql.Text),
    sql.Column("qemu", sql.Text),
)
DOMAINS = sql.Table(
    "samemachine_fleet_domains",
    TABLES,
    sql.Column("host", sql.Text, primary_key=True),
    sql.Column("uuid", sql.Text, primary_key=True),
    sql.Column("name", sql.Text, nullable=False, index=True),
    sql.Column("title", sql.Text, index=True),
    sql.Column("machine", sql.Text),
    sql.Column("architecture", sql.Text),
    sql.Column("verdict", sql.Text, nullable=False),
    sql.Column("depth", sql.Text),
    sql.Column("occasion", sql.Text),
    sql.Column("qemu", sql.Text),
    sql.Column("check", sql.Text),
    sql.Column("problem", sql.Text),
    sql.Column("time", sql.Float(53), nullable=False),
    sql.Column("verified", sql.Float(53)),
    sql.Column("shape", sql.Text),
    sql.Column("shown", sql.Text),
    sql.Index("ix_samemachine_fleet_domains_uuid", "uuid"),
)
# A verdict that is told again changes no index, and fits into the page that it is in.
# (Options of a Table itself are known from SQLAlchemy 2.1 on.)
_FILLED = sql.DDL("ALTER TABLE %(table)s SET (fillfactor = 70)")  # type: ignore[no-untyped-call]  # it has no types
sql.event.listen(DOMAINS, "after_create", _FILLED.execute_if(dialect="postgresql"))
CHANGES = sql.Table(
    "samemachine_fleet_changes",
    TABLES,
    sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True),
    sql.Column("time", sql.Float(53), nullable=False, index=True),
    sql.Column("host", sql.Text, nullable=False),
    sql.Column("uuid", sql.Text, nullable=False),
    sql.Column("name", sql.Text, nullable=False),
    sql.Column("what", sql.Text, nullable=False),
    sql.Column("old", sql.Text),
    sql.Column("new", sql.Text),
)
OFFERS = sql.Table(
    "samemachine_fleet_offers",
    TABLES,
    sql.Column("host", sql.Text, primary_key=True),
    sql.Column("architecture", sql.Text, primary_key=True),
    sql.Column("offer", sql.Text, nullable=False),
)
OFFER_LISTS = sql.Table(
    "samemachine_fleet_offer_lists",
    TABLES,
    sql.Column("offer", sql.Text, primary_key=True),
    sql.Column("names", sql.Text, nullable=False),
)
SHOWN = sql.Table(
    "samemachine_fleet_shown",
    TABLES,
    sql.Column("shown", sql.Text, primary_key=True),
    sql.Column("tables", sql.Text, nullable=False),
    sql.Column("parts", sql.Text, nullable=False),
)
SENDERS = sql.Table(
    "samemachine_fleet_senders",
    TABLES,
    sql.Column("sender", sql.Text, primary_key=True),
    sql.Column("host", sql.Text, nullable=False),
    sql.Column("number", sql.BigInteger, nullable=False),
)
_MAKING = 0x53616D66
"""PostgreSQL's advisory lock around making and changing the tables."""


def _made(connection: Connection) -> None:
    TABLES.create_all(connection, checkfirst=False)


STEPS: tuple[Callable[[Connection], None], ...] = (_made,)
"""Each makes the tables of one schema out of those of the one before; none is ever changed."""


def are_there(connection: Connection) -> bool:
    """Tell whether the tables are there; raises ``LedgerError`` where they are newer."""
    return _schema(connection) == len(STEPS)


def make(connection: Connection) -> None:
    """Make the tables, or make of older ones what they are today."""
    if _schema(connection) == len(STEPS):
        return
    if connection.dialect.name == "postgresql":
        # Others may be about to do the same; SQLite has locked its whole file already.
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_MAKING)))
    there = _schema(connection)
    for number in range(there, len(STEPS)):
        STEPS[number](connection)
    if there < len(STEPS):
        connection.execute(_SCHEMA.delete())
        connection.execute(_SCHEMA.insert(), {"schema": len(STEPS)})


def _schema(connection: Connection) -> int:
    if not sql.inspect(connection).has_table(_SCHEMA.name):
        return 0
    found = connection.scalar(sql.select(sql.func.max(_SCHEMA.c.schema)))
    if not isinstance(found, int):
        raise LedgerError("the fleet's memory is damaged: it has no schema number")
    if found > len(STEPS):
        raise LedgerError(
            f"the fleet's memory has schema {found}, this samemachine knows {len(STEPS)}; update "
            "samemachine"
        )
    return found
