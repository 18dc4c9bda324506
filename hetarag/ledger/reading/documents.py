"""What is in the knowledge base: documents by name, their state, counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select

from hetarag.errors import InputError, NotFoundError
from hetarag.ledger.reading.stored_text import headings_of
from hetarag.ledger.reading.table_catalogue import read_tags
from hetarag.ledger.schema import chunks, documents, entities, tables, versions
from hetarag.ledger.session import Ledger, batched
from hetarag.types import DocumentInfo, Heading


class Known(NamedTuple):
    """What the ledger knows of a document that is about to be ingested."""

    generation: int
    sha256: str
    name: str
    title: str
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    headings: tuple[Heading, ...]


def newest_versions(ledger: Ledger, ids: Collection[str]) -> dict[str, Known]:
    """Return the newest version, live or pending, of each of these documents."""
    found: dict[str, Known] = {}
    with ledger.reading() as connection:
        for part in batched(sorted(ids)):
            rows = connection.execute(
                select(
                    versions.c.document_id,
                    versions.c.generation,
                    versions.c.sha256,
                    versions.c.title,
                    versions.c.metadata,
                    versions.c.headings,
                    documents.c.name,
                )
                .join(documents, documents.c.id == versions.c.document_id)
                .where(versions.c.document_id.in_(part), versions.c.state != "retired")
                .order_by(versions.c.generation)
            ).all()
            tags = read_tags(connection, {row.document_id for row in rows})
            for row in rows:
                found[row.document_id] = Known(
                    row.generation,
                    row.sha256,
                    row.name,
                    row.title,
                    tags.get(row.document_id, ()),
                    row.metadata,
                    headings_of(row.headings),
                )
    return found


def list_documents(ledger: Ledger, collection: str | None = None) -> Iterator[DocumentInfo]:
    """Yield every document that is not deleted, by collection and name."""
    newest = (
        select(versions.c.document_id, func.max(versions.c.generation).label("generation"))
        .where(versions.c.state != "retired")
        .group_by(versions.c.document_id)
        .subquery()
    )
    statement = (
        select(documents, versions)
        .join(newest, newest.c.document_id == documents.c.id)
        .join(versions, versions.c.generation == newest.c.generation)
        .where(~documents.c.deleted)
        .order_by(documents.c.collection, documents.c.name, documents.c.id)
    )
    if collection is not None:
        statement = statement.where(documents.c.collection == collection)
    with ledger.reading() as connection:
        rows = connection.execute(statement).all()
    for part in batched(rows):
        yield from _describe(ledger, part)


def describe_document(ledger: Ledger, identifier: str) -> DocumentInfo:
    """Return the document with this id; `NotFoundError` where it is not there or deleted."""
    with ledger.reading() as connection:
        row = connection.execute(
            select(documents, versions)
            .join(versions, versions.c.document_id == documents.c.id)
            .where(
                documents.c.id == identifier, ~documents.c.deleted, versions.c.state != "retired"
            )
            .order_by(versions.c.generation.desc())
            .limit(1)
        ).first()
    if row is None:
        raise NotFoundError(f"no document {identifier!r} in the knowledge base")
    return next(_describe(ledger, [row]))


def find_document(ledger: Ledger, document: str, collection: str | None = None) -> str:
    """Return the id of the document with this id, name or address.

    Raises:
        NotFoundError: there is none.
        InputError: several documents have this name; the message lists their ids.
    """
    conditions = [
        ~documents.c.deleted,
        or_(documents.c.id == document, documents.c.name == document, documents.c.uri == document),
    ]
    if collection is not None:
        conditions.append(documents.c.collection == collection)
    with ledger.reading() as connection:
        rows = connection.execute(
            select(documents.c.id, documents.c.collection, documents.c.uri).where(*conditions)
        ).all()
    if not rows:
        raise NotFoundError(
            f"no document {document!r} in the knowledge base: `hetarag list` shows their names"
        )
    if len(rows) > 1:
        choices = "; ".join(f"{row.id} ({row.collection}: {row.uri})" for row in rows[:5])
        raise InputError(f"{len(rows)} documents are called {document!r}: give an id: {choices}")
    identifier: str = rows[0].id
    return identifier


def counts(ledger: Ledger) -> dict[str, int]:
    """Return how many live documents, chunks, tables and entities there are, and pending ones."""
    live = documents.c.live
    statements = {
        "documents": select(func.count()).select_from(documents).where(live.is_not(None)),
        "pending": select(func.count()).select_from(versions).where(versions.c.state == "pending"),
        "chunks": select(func.count()).select_from(
            chunks.join(documents, live == chunks.c.generation)
        ),
        "tables": select(func.count()).select_from(
            tables.join(documents, live == tables.c.generation)
        ),
        "entities": select(func.count()).select_from(entities),
    }
    with ledger.reading() as connection:
        return {name: connection.scalar(query) or 0 for name, query in statements.items()}


def _describe(ledger: Ledger, rows: Sequence[Any]) -> Iterator[DocumentInfo]:
    generations = [row.generation for row in rows]
    with ledger.reading() as connection:
        tags = read_tags(connection, {row.id for row in rows})
        numbers = {}
        for table in (chunks, tables):
            found = connection.execute(
                select(table.c.generation, func.count())
                .where(table.c.generation.in_(generations))
                .group_by(table.c.generation)
            )
            numbers[table.name] = {generation: count for generation, count in found.all()}
    for row in rows:
        state = "live" if row.state == "live" else "updating" if row.live else "pending"
        yield DocumentInfo(
            id=row.id,
            name=row.name,
            uri=row.uri,
            title=row.title,
            collection=row.collection,
            tags=tags.get(row.id, ()),
            metadata=row.metadata,
            media_type=row.media_type,
            generation=row.generation,
            chunks=numbers["chunks"].get(row.generation, 0),
            tables=numbers["tables"].get(row.generation, 0),
            state=state,
        )
