"""The tables of the ledger.

Ids that leave the ledger are UUID texts; inside it, chunks and entities are joined by integers,
since a passage has some twenty mentions. The migrations in `migrations/` create these tables; a test
compares the two.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

KEY_LENGTH = 400  # utf8mb4 in an index of MariaDB: 1,600 of 3,072 bytes
PIECE = 65_536  # code points of text per row of `texts`

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")
# Texts compare by code points on every engine, and trailing blanks count where the engine can.
LongText = (
    Text()
    .with_variant(Text(collation="C"), "postgresql")
    .with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql")
    .with_variant(mysql.LONGTEXT(collation="utf8mb4_nopad_bin"), "mariadb")
)
Blob = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
Uuid = String(36)


def exact(length: int) -> TypeEngine[str]:
    """Return a text type that compares by code points on every engine."""
    return (
        String(length)
        .with_variant(String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_nopad_bin"), "mariadb")
    )


# What a database's own defaults may not decide: they may know no emoji and no capitals.
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def _table(name: str, *parts: SchemaItem) -> Table:
    return Table(name, metadata, *parts, **OPTIONS)


meta = _table(
    "meta",
    Column("key", exact(64), primary_key=True),
    Column("value", LongText, nullable=False),
)

documents = _table(
    "documents",
    Column("id", Uuid, primary_key=True),
    Column("collection", exact(KEY_LENGTH), nullable=False, index=True),
    Column("uri", LongText, nullable=False),
    Column("name", LongText, nullable=False),
    Column("live", Number, nullable=True, index=True),  # the generation that searches see
    Column("deleted", Boolean, nullable=False, default=False),
)

tags = _table(
    "tags",
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", exact(KEY_LENGTH), primary_key=True),
)

attributes = _table(
    "attributes",  # the scalar metadata of the live version, for `where=`
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("key", exact(200), primary_key=True),
    Column("text", exact(KEY_LENGTH), nullable=False),
    Column("number", Double(), nullable=True),
    Index("ix_attributes_key_text", "key", "text"),
    Index("ix_attributes_key_number", "key", "number"),
)

versions = _table(
    "versions",
    Column("generation", Number, primary_key=True, autoincrement=False),
    Column("document_id", Uuid, ForeignKey("documents.id"), nullable=False, index=True),
    Column("state", String(8), nullable=False, index=True),  # pending, live or retired
    Column("sha256", String(64), nullable=False),
    Column("splitter", String(200), nullable=False),
    Column("extractor", String(200), nullable=False),
    Column("media_type", String(200), nullable=False),
    Column("title", LongText, nullable=False),
    Column("length", Number, nullable=False),
    Column("pages", JSON, nullable=False),
    Column("headings", JSON, nullable=True),  # NULL: written before they were kept
    Column("metadata", JSON, nullable=False),
)

texts = _table(
    "texts",  # the extracted text in pieces, so that a chunk of a long text is read fast
    Column("generation", Number, ForeignKey("versions.generation"), primary_key=True),
    Column("piece", Integer, primary_key=True),
    Column("text", LongText, nullable=False),
)

chunks = _table(
    "chunks",
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("generation", Number, ForeignKey("versions.generation"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Number, nullable=False),
    Column("end", Number, nullable=False),
    Column("page", Integer, nullable=True),
    Column("sentences", JSON, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("section", LongText, nullable=True),  # the headings above it; NULL: none
    UniqueConstraint("generation", "ordinal"),
)

entities = _table(
    "entities",
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("key", exact(KEY_LENGTH), nullable=False, unique=True),
    Column("name", LongText, nullable=False),
)

mentions = _table(
    "mentions",
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("chunk", Number, ForeignKey("chunks.number"), nullable=False, index=True),
    Column("entity", Number, ForeignKey("entities.number"), nullable=False),
    Column("label", String(40), nullable=False),
    Column("sentence", Integer, nullable=False),
    Column("start", Number, nullable=False),
    Column("end", Number, nullable=False),
    # All that links ask of an entity that thousands of passages name.
    Index("ix_mentions_entity_chunk_sentence", "entity", "chunk", "sentence"),
)

relations = _table(
    "relations",
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("chunk", Number, ForeignKey("chunks.number"), nullable=False, index=True),
    Column("source", Number, ForeignKey("entities.number"), nullable=False, index=True),
    Column("target", Number, ForeignKey("entities.number"), nullable=False, index=True),
    Column("predicate", String(200), nullable=False),
    Column("sentence", Integer, nullable=False),
)

tables = _table(
    "tables",  # the catalogue of users' tables; their rows live in the SQL store
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("generation", Number, ForeignKey("versions.generation"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("name", LongText, nullable=False),
    Column("physical", String(60), nullable=False, unique=True),
    Column("columns", JSON, nullable=False),
    Column("row_count", Number, nullable=False),
    Column("embedded_rows", Number, nullable=False),
    Column("digest", String(32), nullable=False),
)

staged_rows = _table(
    "staged_rows",  # rows on their way to the SQL store; gone once it has them
    Column("table", Number, ForeignKey("tables.number"), primary_key=True),
    Column("batch", Integer, primary_key=True),
    Column("rows", Blob, nullable=False),
)

embeddings = _table(
    "embeddings",
    Column("fingerprint", String(64), primary_key=True),
    Column("text_hash", String(32), primary_key=True),
    Column("generation", Number, nullable=False, index=True),
    Column("vector", Blob, nullable=False),
)

outbox = _table(
    "outbox",  # what each store is still owed
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("store", String(20), nullable=False),
    Column("operation", String(6), nullable=False),  # put or remove
    Column("generation", Number, nullable=False, index=True),
    Column("part", String(6), nullable=False),  # chunks, table or rows
    Column("table", Number, nullable=True),
    Column("first", Number, nullable=False),
    Column("last", Number, nullable=False),
    Column("size", Number, nullable=False),  # characters, so that batches stay small
    Column("claimed_by", String(100), nullable=True),
    Column("claimed_until", Double(), nullable=False, default=0.0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", LongText, nullable=True),
    Index("ix_outbox_store_operation_number", "store", "operation", "number"),
)
