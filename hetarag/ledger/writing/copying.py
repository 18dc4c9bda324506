"""Copying a ledger into another database, for a knowledge base that moves to other engines."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Table, delete, func, insert, select

from hetarag.errors import InputError
from hetarag.ledger import schema
from hetarag.ledger.reading.table_catalogue import Catalogue
from hetarag.ledger.session import Ledger
from hetarag.ledger.staged_rows import pack_rows
from hetarag.protocols import TableStore
from hetarag.types import Filter, TableInfo

_ROWS = 1_000
_OWN = ("id", "stamp")  # facts that each ledger has for itself
_LEFT = (schema.meta, schema.outbox, schema.staged_rows)


def copy_ledger(
    source: Ledger, target: Ledger, catalogue: Catalogue, rows: TableStore | None
) -> None:
    """Copy documents, texts, chunks, mentions, embeddings and settings into an empty ledger.

    Nothing may be owed to the source's stores, and the target may hold no document: `InputError`
    otherwise. The rows of all tables of the source's `catalogue` are read from `rows` and put where the
    target's SQL store takes them from; `unstage_tables` removes them once it has them. All of it is
    one transaction, so that a copy that is cut off leaves nothing. The target keeps its own id.
    """
    with source.reading() as old, target.writing() as new:
        if old.scalar(select(func.count()).select_from(schema.outbox)):
            raise InputError(
                "the knowledge base still owes its stores something: run `hetarag repair` first"
            )
        if new.scalar(select(func.count()).select_from(schema.documents)):
            raise InputError("the ledger to move to has documents already: give an empty one")
        for table in schema.metadata.sorted_tables:
            if table not in _LEFT:
                _copy(old, new, table)
        known = schema.meta.c
        facts = old.execute(select(known.key, known.value).where(known.key.not_in(_OWN))).all()
        new.execute(delete(schema.meta).where(known.key.in_([fact.key for fact in facts])))
        new.execute(insert(schema.meta), [{"key": f.key, "value": f.value} for f in facts])
        if rows is not None:
            _stage(new, catalogue.visible(Filter(tags=None)), rows)


def unstage_tables(target: Ledger) -> None:
    """Forget the rows that `copy_ledger` has put there."""
    with target.writing() as connection:
        connection.execute(delete(schema.staged_rows))


def _copy(old: Connection, new: Connection, table: Table) -> None:
    for rows in old.execute(select(table)).mappings().partitions(_ROWS):
        new.execute(insert(table), [dict(row) for row in rows])
    counted = table.autoincrement_column
    if new.dialect.name == "postgresql" and counted is not None and counted.autoincrement is True:
        # Rows that came with their numbers leave the sequence where it was.
        sequence = func.pg_get_serial_sequence(f'"{table.name}"', counted.name)
        free = func.coalesce(func.max(counted), 0) + 1
        new.execute(select(func.setval(sequence, free, False)))


def _stage(new: Connection, tables: Iterable[TableInfo], rows: TableStore) -> None:
    for info in tables:
        for batch, first in enumerate(range(1, info.row_count + 1, _ROWS)):
            page = pack_rows(rows.rows(info, first, min(first + _ROWS - 1, info.row_count)))
            line = {"table": info.number, "batch": batch, "rows": page}
            new.execute(insert(schema.staged_rows), [line])
