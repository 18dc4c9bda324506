"""Hydration: every hit becomes evidence here, or is dropped.

The one gate between stores and callers. A record that is not live any more, or that the caller may
not see, does not pass, whatever a store says: so a half-done ingest, an orphan in a store or a stale
index can cost recall for a moment and never shows wrong or forbidden text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from hetarag.ids import TableRowId, parse_row_id
from hetarag.ledger.reading.stored_text import slices
from hetarag.ledger.reading.table_catalogue import Catalogue, read_tags
from hetarag.ledger.schema import chunks, documents, versions
from hetarag.ledger.session import Ledger, batched
from hetarag.protocols import Hydrator, TableStore
from hetarag.rendering import render_result, render_row, render_table, table_label
from hetarag.text import headed
from hetarag.types import Cell, Filter, Hit, RankedEvidence, TableInfo

_SAMPLE_ROWS = 5


class Hydration(Hydrator):
    """Turns hits into evidence by what the ledger holds now."""

    def __init__(
        self, ledger: Ledger, catalogue: Catalogue, tables: Callable[[], TableStore | None]
    ) -> None:
        self._ledger = ledger
        self._catalogue = catalogue
        self._tables = tables

    def hydrate(self, hits: Sequence[Hit], restriction: Filter) -> dict[str, RankedEvidence]:
        """Return the evidence behind each hit that is live and admitted, by id, with score 0.

        A row of a table is read from the SQL store: `StoreError` when that cannot be done.
        """
        rows = {hit.id: parsed for hit in hits if (parsed := parse_row_id(hit.id)) is not None}
        results = {hit.id: hit for hit in hits if hit.payload is not None}
        texts = [hit.id for hit in hits if hit.id not in rows and hit.id not in results]
        found = self._chunks(texts, restriction)
        if rows:
            found.update(self._rows(rows, restriction))
        for identifier, hit in results.items():
            evidence = self._result(hit, restriction)
            if evidence is not None:
                found[identifier] = evidence
        return found

    def _chunks(self, ids: Sequence[str], restriction: Filter) -> dict[str, RankedEvidence]:
        with self._ledger.reading() as connection:
            rows = _admitted_chunks(connection, ids, restriction)
            texts = slices(connection, [(row.generation, row.start, row.end) for row in rows])
        return {
            row.id: RankedEvidence(
                id=row.id,
                kind="chunk",
                document=row.name,
                document_id=row.document_id,
                collection=row.collection,
                title=headed(row.title, row.section),
                text=text,
                score=0.0,
                start=row.start,
                end=row.end,
                page=row.page,
                sentences=tuple((start, end) for start, end in row.sentences),
                metadata=row.metadata,
            )
            for row, text in zip(rows, texts, strict=True)
        }

    def _rows(self, ids: dict[str, TableRowId], restriction: Filter) -> dict[str, RankedEvidence]:
        tables = self._catalogue.by_number({parsed.table for parsed in ids.values()})
        found = {}
        for identifier, (number, row) in ids.items():
            info = tables.get(number)
            if info is None or not _admitted(info, restriction) or row > info.row_count:
                continue
            cells = self._cells(info, row)
            if cells is None:
                continue
            text = render_row(info, cells[0]) if row else render_table(info, cells)
            found[identifier] = self._of_table(info, identifier, text, row)
        return found

    def _cells(self, info: TableInfo, row: int) -> list[tuple[Cell, ...]] | None:
        """One row, or a sample for row 0; None when there is no SQL store, or the row is gone."""
        store = self._tables()
        if store is None:
            return None
        first, last = (row, row) if row else (1, min(_SAMPLE_ROWS, info.row_count))
        cells = store.rows(info, first, last)
        return cells if cells or not row else None

    def _result(self, hit: Hit, restriction: Filter) -> RankedEvidence | None:
        if hit.payload is None:
            return None
        parsed = [parse_row_id(table) for table in hit.payload.tables]
        numbers = [p.table for p in parsed if p is not None]
        tables = self._catalogue.by_number(numbers)
        if not numbers or len(tables) < len(set(numbers)):
            return None
        if not all(_admitted(info, restriction) for info in tables.values()):
            return None
        return self._of_table(tables[numbers[0]], hit.id, render_result(hit.payload), None)

    def _of_table(
        self, info: TableInfo, identifier: str, text: str, row: int | None
    ) -> RankedEvidence:
        with self._ledger.reading() as connection:
            name = connection.scalar(
                select(documents.c.name).where(documents.c.id == info.document_id)
            )
        return RankedEvidence(
            id=identifier,
            kind="query" if row is None else "row" if row else "table",
            document=name or info.document_id,
            document_id=info.document_id,
            collection=info.collection,
            title=table_label(info),
            text=text,
            score=0.0,
            table=info.name,
            row=row or None,
        )


def _admitted(info: TableInfo, restriction: Filter) -> bool:
    return restriction.admits(info.collection, info.document_id, info.tags)


_LIVE_CHUNKS = (
    select(
        chunks.c.id,
        chunks.c.generation,
        chunks.c.start,
        chunks.c.end,
        chunks.c.page,
        chunks.c.section,
        chunks.c.sentences,
        versions.c.title,
        versions.c.metadata,
        documents.c.id.label("document_id"),
        documents.c.name,
        documents.c.collection,
    )
    .join(versions, versions.c.generation == chunks.c.generation)
    .join(documents, documents.c.live == versions.c.generation)
    .where(chunks.c.id.in_(bindparam("some", expanding=True)))
)


def _live_chunks(connection: Connection, ids: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    for part in batched(ids):
        found += connection.execute(_LIVE_CHUNKS, {"some": part}).all()
    return found


def _admitted_chunks(connection: Connection, ids: Sequence[str], restriction: Filter) -> list[Any]:
    """Return the rows of those of these chunks that are live and admitted."""
    rows = _live_chunks(connection, ids)
    # Tags are read where they can hide something.
    documents = {row.document_id for row in rows} if restriction.tags is not None else ()
    tags = read_tags(connection, documents)
    return [
        row
        for row in rows
        if restriction.admits(row.collection, row.document_id, tags.get(row.document_id, ()))
    ]
