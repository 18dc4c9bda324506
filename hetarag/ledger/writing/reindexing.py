"""`reindex`: bring a knowledge base to other settings without parsing anything again.

Another embedder: every live version is owed to the vector store once more, into a folder of its own.
Another splitter or extractor: every document gets a new version from its stored text and rows; the
old one stays visible until the new one is complete.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select

from hetarag.ledger.reading.stored_text import full_text, headings_of
from hetarag.ledger.reading.table_catalogue import Catalogue
from hetarag.ledger.schema import documents, tables, versions
from hetarag.ledger.session import Ledger
from hetarag.ledger.writing.versions import VersionWriter
from hetarag.protocols import TableStore
from hetarag.types import Column, Document, Page, Table


def owe_vectors(
    ledger: Ledger, writer: VersionWriter, fingerprint: str, stores: Collection[str]
) -> None:
    """Owe every version to the stores of vectors, those of the embedder with this fingerprint."""
    with ledger.writing() as connection:
        ledger.put(connection, "embedder", fingerprint)
        generations = connection.scalars(
            select(versions.c.generation).where(versions.c.state != "retired")
        ).all()
        writer.owe(connection, generations, "put", only=stores)


def outdated(ledger: Ledger, splitter: str, extractor: str) -> list[tuple[str, int]]:
    """Return (document id, generation) of live versions made with other settings."""
    with ledger.reading() as connection:
        rows = connection.execute(
            select(documents.c.id, versions.c.generation)
            .join(versions, versions.c.generation == documents.c.live)
            .where((versions.c.splitter != splitter) | (versions.c.extractor != extractor))
            .order_by(versions.c.generation)
        )
        return [(document, generation) for document, generation in rows.all()]


def stored_documents(
    ledger: Ledger, catalogue: Catalogue, store: TableStore | None, generations: list[int]
) -> Iterator[tuple[str, Document]]:
    """Yield (collection, document) of live versions as they were when they were parsed."""
    for generation in generations:
        with ledger.reading() as connection:
            row = connection.execute(
                select(versions, documents.c.uri, documents.c.name, documents.c.collection)
                .join(documents, documents.c.live == versions.c.generation)
                .where(versions.c.generation == generation)
            ).first()
            text = full_text(connection, generation)
            numbers = connection.scalars(
                select(tables.c.number).where(tables.c.generation == generation)
            ).all()
        if row is None:
            continue  # replaced or deleted meanwhile
        yield (
            row.collection,
            Document(
                uri=row.uri,
                name=row.name,
                title=row.title,
                text=text,
                media_type=row.media_type,
                sha256=row.sha256,
                pages=tuple(Page(*page) for page in row.pages),
                headings=headings_of(row.headings),
                tables=_stored_tables(catalogue, store, numbers),
                metadata=row.metadata,
            ),
        )


def _stored_tables(
    catalogue: Catalogue, store: TableStore | None, numbers: Sequence[int]
) -> tuple[Table, ...]:
    found = catalogue.by_number(numbers)
    if store is None:
        return ()
    return tuple(
        Table(
            info.name,
            tuple(Column(column.name, column.type) for column in info.columns),
            store.rows(info, 1, info.row_count),
        )
        for _, info in sorted(found.items())
    )
