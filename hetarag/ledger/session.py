"""The ledger: one database, its transactions, and the facts about the knowledge base as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from hetarag.config import redact
from hetarag.errors import FingerprintError, LedgerError
from hetarag.ledger import dialects, schema
from hetarag.ledger.database import connect

T = TypeVar("T")


class Ledger:
    """The system of record of one knowledge base; `embedded` when it is a file of this process."""

    def __init__(self, url: str, folder: Path) -> None:
        self._engine = connect(url, folder)
        self.embedded = self._engine.dialect.name == "sqlite"
        self._reading = dialects.reading_options(self._engine)
        self._claiming = dialects.claiming_options(self._engine)
        fresh = {"id": str(uuid.uuid4()), "generation": "0", "stamp": "0"}
        with self.reading() as connection:
            known = set(connection.scalars(select(schema.meta.c.key)))
        if fresh.keys() - known:
            with self.writing() as connection:
                rows = [{"key": key, "value": value} for key, value in fresh.items()]
                dialects.insert_new(connection, schema.meta, rows)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; database errors leave as `LedgerError`."""
        with self._transaction("read from", self._reading) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed at the end of the block and undone on an error.

        One at a time, over all processes: what it reads stays true until it ends.
        """
        with self._transaction("write to", {}) as connection:
            dialects.lock(connection)
            yield connection

    @contextmanager
    def claiming(self) -> Iterator[Connection]:
        """A writing transaction beside others; it may change only rows that it has locked."""
        with self._transaction("write to", self._claiming) as connection:
            yield connection

    @contextmanager
    def _transaction(self, doing: str, options: Mapping[str, Any]) -> Iterator[Connection]:
        """A transaction on a connection with these options; database errors leave as `LedgerError`.

        SQLAlchemy hands on the driver's own where it sets a connection's isolation level.
        """
        try:
            with (
                self._engine.connect().execution_options(**options) as connection,
                connection.begin(),
            ):
                yield connection
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise _failed(doing, error) from error

    def get(self, key: str) -> str | None:
        """Return a fact about the knowledge base, or None."""
        with self.reading() as connection:
            return connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == key))

    def put(self, connection: Connection, key: str, value: str) -> None:
        """Set a fact about the knowledge base."""
        found = connection.execute(
            update(schema.meta).where(schema.meta.c.key == key).values(value=value)
        )
        if found.rowcount == 0:
            connection.execute(insert(schema.meta).values(key=key, value=value))

    def require(self, key: str, value: str, what: str) -> None:
        """Remember `value` for an empty knowledge base; later refuse any other.

        Raises:
            FingerprintError: the knowledge base was made with another `what`.
        """
        known = self.get(key)
        if known == value:
            return
        with self.writing() as connection:
            known = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == key))
            empty = (
                connection.execute(select(schema.versions.c.generation).limit(1)).first() is None
            )
            if known in (None, value) or empty:
                self.put(connection, key, value)
                return
        raise FingerprintError(
            f"this knowledge base was made with the {what} {known!r}, the settings ask for "
            f"{value!r}: put the old setting back, or run `hetarag reindex` to rebuild the "
            "indexes with the new one (nothing is parsed again)"
        )

    def next_generations(self, connection: Connection, count: int) -> range:
        """Reserve `count` generation numbers; they are given back when the transaction fails."""
        row = schema.meta.c.key == "generation"
        value = connection.scalar(select(schema.meta.c.value).where(row).with_for_update())
        first = int(value or 0) + 1
        self.put(connection, "generation", str(first + count - 1))
        return range(first, first + count)

    def touch(self, connection: Connection) -> None:
        """Mark that what searches may see has changed."""
        row = schema.meta.c.key == "stamp"
        value = connection.scalar(select(schema.meta.c.value).where(row).with_for_update())
        self.put(connection, "stamp", str(int(value or 0) + 1))

    def stamp(self) -> str:
        """Return a value that changes whenever what searches may see has changed."""
        return self.get("stamp") or "0"

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _failed(doing: str, error: Exception) -> LedgerError:
    alone = error.args[0] if isinstance(error, SQLAlchemyError) and error.args else error
    reason = " ".join(redact(str(alone)).split())
    return LedgerError(
        f"cannot {doing} the ledger: {reason}; check that its disk is not full or read-only and, "
        "for a server, that it is running"
    )


def batched(values: Sequence[T], size: int = 500) -> Iterator[Sequence[T]]:
    """Yield `values` in runs that fit into an IN list of every engine."""
    for at in range(0, len(values), size):
        yield values[at : at + size]
