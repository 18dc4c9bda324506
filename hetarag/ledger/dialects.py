"""What differs between SQLite, PostgreSQL and MariaDB under the ledger; nowhere else.

SQLite lets one transaction write at a time. A server's writing transactions do the same by locking
one row first, so that what is checked in a transaction still holds when it commits; claims of the
outbox alone go side by side. Reading transactions see one state of the ledger throughout.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Engine,
    Table,
    cast,
    event,
    extract,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from hetarag.ledger import schema

_MYSQL = ("mysql", "mariadb")
_LOCK_KEY = 0x6865_7461  # "heta", for PostgreSQL's advisory lock
_LOCK_SECONDS = 120

# Run once on each new connection: no one waits for ever behind a process that has stopped.
_SESSION = {
    "sqlite": (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
        "PRAGMA busy_timeout=30000",
        "PRAGMA mmap_size=4294967296",  # pages from the system's cache, without a call for each
    ),
    "postgresql": (
        f"SET lock_timeout = '{_LOCK_SECONDS}s'",
        "SET idle_in_transaction_session_timeout = '300s'",
    ),
    "mysql": (f"SET SESSION innodb_lock_wait_timeout = {_LOCK_SECONDS}",),
    "mariadb": (
        f"SET SESSION innodb_lock_wait_timeout = {_LOCK_SECONDS}",
        "SET SESSION idle_transaction_timeout = 300",
    ),
}


def prepare(engine: Engine) -> None:
    """Give every new connection of `engine` its settings."""
    name = engine.dialect.name

    def connected(connection: Any, _record: object) -> None:
        if name == "sqlite":
            connection.isolation_level = None  # SQLAlchemy begins transactions, not the driver
        cursor = connection.cursor()
        for statement in _SESSION.get(name, ()):
            cursor.execute(statement)
        cursor.close()
        if name != "sqlite":
            connection.commit()

    event.listen(engine, "connect", connected)
    if name == "sqlite":
        event.listen(engine, "begin", _begin_immediately)


def reading_options(engine: Engine) -> dict[str, Any]:
    """Return the options of a connection that only reads, all of it from one state."""
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {"reading": True}  # MariaDB reads from one state by default


def claiming_options(engine: Engine) -> dict[str, Any]:
    """Return the options of a connection that locks rows beside others that do."""
    if engine.dialect.name in _MYSQL:
        return {"isolation_level": "READ COMMITTED"}  # else gaps between rows are locked too
    return {}


def lock(connection: Connection) -> None:
    """Wait until no other process writes; held until the end of the transaction."""
    if connection.dialect.name != "sqlite":  # there the transaction began with the lock
        key = schema.meta.c.key
        connection.execute(
            select(schema.meta.c.value).where(key == "generation").with_for_update()
        ).first()


def clock(connection: Connection) -> ColumnElement[float]:
    """Return the time as the database tells it, in seconds since 1970: one clock for all processes."""
    name = connection.dialect.name
    if name == "postgresql":
        # That of now, not of the transaction's start, which may have waited for its lock.
        return cast(extract("epoch", func.clock_timestamp()), Double)
    if name in _MYSQL:
        return cast(func.unix_timestamp(), Double)
    return literal(time.time(), Double)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of `rows` whose primary key is not there; the others stay as they are."""
    name = connection.dialect.name
    if name == "sqlite":
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)
    elif name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    elif name in _MYSQL:
        key = next(iter(table.primary_key)).name
        connection.execute(mysql.insert(table).on_duplicate_key_update({key: table.c[key]}), rows)
    else:
        connection.execute(insert(table), rows)


@contextmanager
def migrating(engine: Engine) -> Iterator[None]:
    """Let one process at a time make or change the ledger's tables."""
    name = engine.dialect.name
    if name not in ("postgresql", *_MYSQL):
        yield
        return
    with engine.connect() as connection:
        if name == "postgresql":
            take, give = f"pg_advisory_lock({_LOCK_KEY})", f"pg_advisory_unlock({_LOCK_KEY})"
        else:
            take = f"GET_LOCK(CONCAT('hetarag-', LEFT(DATABASE(), 50)), {_LOCK_SECONDS})"
            give = "RELEASE_LOCK(CONCAT('hetarag-', LEFT(DATABASE(), 50)))"
        connection.exec_driver_sql(f"SELECT {take}")
        connection.commit()  # the lock is the session's, not the transaction's
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SELECT {give}")
            connection.commit()


def _begin_immediately(connection: Connection) -> None:
    """Take SQLite's write lock at the start of writing transactions, so that none fails midway."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
