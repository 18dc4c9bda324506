"""The connections of the SQL store: one engine to write, one that can only read, deadlines, errors.

What differs between SQLite, PostgreSQL and MariaDB is in this file and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from hetarag.config import redact
from hetarag.errors import StoreError, StoreTimeoutError
from hetarag.sql_servers import server_options, too_old
from hetarag.stores.adapter import check_deadline

_BUSY_SECONDS = 30
_PROGRESS_STEPS = 2_000  # virtual machine instructions between two looks at the clock
_MYSQL = ("mysql", "mariadb")
# What the engines say of a table that went between two statements of one transaction.
_GONE_STATES = ("42P01",)  # PostgreSQL: undefined table
_GONE_NUMBERS = (1146, 1412)  # MariaDB: no such table; its definition has changed
_TIMEOUT_SIGNS = ("interrupted", "statement timeout", "max_statement_time", "3024", "1969")


class TableGoneError(StoreError):
    """A statement reads a table that is not there, or no longer."""


class Database:
    """A writing and a read-only engine on the same database."""

    def __init__(self, url: sa.URL | str) -> None:
        self.url = _parse(url)
        self.dialect = self.url.get_backend_name()
        self._closed = False
        with translated(self.shown):
            self._writer = _engine(self.url, writes=True)
            self._reader = _engine(self.url, writes=False)
        _prepare(self._writer, self.dialect, _WRITER)
        _prepare(self._reader, self.dialect, _READER)

    @property
    def shown(self) -> str:
        """The address without its password, for messages."""
        return redact(self.url.render_as_string(hide_password=True))

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open one transaction that writes; committed at the end, rolled back on an error."""
        self._check_open()
        with translated(self.shown), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self, deadline: float | None = None) -> Iterator[sa.Connection]:
        """Open a read-only transaction whose statements end at `deadline` (monotonic).

        Raises:
            StoreTimeoutError: the deadline has passed, before or during a statement.
        """
        self._check_open()
        if deadline is not None and time.monotonic() >= deadline:
            raise StoreTimeoutError("sql", "the deadline passed before the search began")
        with (
            translated(self.shown),
            self._reader.begin() as connection,
            _limited(connection, self.dialect, deadline),
        ):
            yield connection

    def version(self) -> str:
        """Return engine and version, such as "SQLite 3.45.1"."""
        with self.read() as connection:
            info = connection.dialect.server_version_info or ()
            return f"{self.dialect} {'.'.join(str(part) for part in info)}".strip()

    def check_version(self, connection: sa.Connection) -> None:
        """Raise `StoreError` where the server is too old."""
        if reason := too_old(connection.dialect):
            raise StoreError("sql", f"{self.shown}: {reason}, or another [stores] sql")

    def close(self) -> None:
        """Give back all connections."""
        self._closed = True
        self._reader.dispose()
        self._writer.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("sql", "it is closed; open the knowledge base again")


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turn the errors of engine and driver into `StoreError`; statements are kept out of them."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines() or [""]
        reason = redact(cause[0])
        if any(sign in reason for sign in _TIMEOUT_SIGNS):
            raise StoreTimeoutError("sql", f"{shown}: stopped at the deadline") from None
        kind = TableGoneError if _is_gone(error) else StoreError
        raise kind(
            "sql",
            f"{shown}: {type(error).__name__}: {reason}; check that the database is there, "
            "writable and not in use by another program, then run `hetarag repair`",
        ) from None
    except ImportError as error:
        raise StoreError(
            "sql", f"{shown}: its driver is missing ({error}): pip install 'hetarag[servers]'"
        ) from None


def _is_gone(error: SQLAlchemyError) -> bool:
    cause = getattr(error, "orig", None)
    number = next(iter(getattr(cause, "args", ())), None)
    return getattr(cause, "sqlstate", None) in _GONE_STATES or number in _GONE_NUMBERS


def _parse(url: sa.URL | str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError:
        raise StoreError("sql", "the address is no SQLAlchemy URL, see [stores] sql") from None
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError("sql", "a database in memory would be lost: name a file in [stores] sql")
    return parsed


def _engine(url: sa.URL, *, writes: bool) -> sa.Engine:
    name = url.get_backend_name()
    if name == "sqlite":
        return sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    options = server_options(url)
    if writes and name in _MYSQL:
        # Else deletes lock the gaps that other processes insert into, and both wait for ever.
        options["isolation_level"] = "READ COMMITTED"
    return sa.create_engine(url, **options)


# Statements run once on each new connection.
_WRITER = {
    "sqlite": ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON"),
}
_READER = {
    "sqlite": ("PRAGMA query_only=ON",),
    "postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",),
    "mysql": ("SET SESSION TRANSACTION READ ONLY",),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY",),
}


def _prepare(engine: sa.Engine, dialect: str, settings: Mapping[str, Sequence[str]]) -> None:
    """Run the settings on each connection; make SQLite begin transactions when it is told to."""
    begin = "BEGIN IMMEDIATE" if settings is _WRITER else "BEGIN"

    def connected(dbapi: Any, _record: object) -> None:
        if dialect == "sqlite":
            dbapi.isolation_level = None  # else the driver begins late, and not before DDL
        cursor = dbapi.cursor()
        for statement in settings.get(dialect, ()):
            cursor.execute(statement)
        cursor.close()
        if dialect != "sqlite":
            dbapi.commit()

    sa.event.listen(engine, "connect", connected)
    if dialect == "sqlite":
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))


@contextmanager
def _limited(connection: sa.Connection, dialect: str, deadline: float | None) -> Iterator[None]:
    """Hand the deadline to the engine for the statements inside."""
    if dialect == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(_clock(deadline), _PROGRESS_STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)
        return
    seconds = 0.0 if deadline is None else max(0.001, deadline - time.monotonic())
    if dialect == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
    elif _is_mariadb(connection):
        connection.exec_driver_sql(f"SET SESSION max_statement_time = {seconds:.3f}")
    elif dialect == "mysql":
        connection.exec_driver_sql(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
    # The engine counts each statement by itself: no further one begins after the deadline.
    check = _checked(deadline)
    sa.event.listen(connection, "before_cursor_execute", check)
    try:
        yield
    finally:
        sa.event.remove(connection, "before_cursor_execute", check)


def _checked(deadline: float | None) -> Callable[..., None]:
    def check(*_: object) -> None:
        check_deadline("sql", deadline)

    return check


def _is_mariadb(connection: sa.Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))


def _clock(deadline: float | None) -> Callable[[], int] | None:
    if deadline is None:
        return None
    return lambda: int(time.monotonic() >= deadline)
