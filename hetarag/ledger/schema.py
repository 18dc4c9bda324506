"""The tables of the ledger.

Ids that leave the ledger are UUID texts; inside it, chunks and entities are joined by integers,
since a passage has some twenty mentions. The migrations in `migrations/` create these tables; a test
compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
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
LongText = Text().with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql", "mariadb")
Blob = LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
Uuid = String(36)


def exact(length: int) -> TypeEngine[str]:
    """Return a text type that compares by code points on every engine."""
    return String(length).with_variant(
        mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb"
    )


meta = Table(
    "meta",
    metadata,
    Column("key", exact(64), primary_key=True),
    Column("value", LongText, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("collection", exact(KEY_LENGTH), nullable=False, index=True),
    Column("uri", LongText, nullable=False),
    Column("name", LongText, nullable=False),
    Column("live", Number, nullable=True, index=True),  # the generation that searches see
    Column("deleted", Boolean, nullable=False, default=False),
)

tags = Table(
    "tags",
    metadata,
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", exact(KEY_LENGTH), primary_key=True),
)

attributes = Table(
    "attributes",  # the scalar metadata of the live version, for `where=`
    metadata,
    Column("document_id", Uuid, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("key", exact(200), primary_key=True),
    Column("text", exact(KEY_LENGTH), nullable=False),
    Column("number", Float(53), nullable=True),
    Index("ix_attributes_key_text", "key", "text"),
    Index("ix_attributes_key_number", "key", "number"),
)

versions = Table(
    "versions",
    metadata,
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
    Column("metadata", JSON, nullable=False),
)

texts = Table(
    "texts",  # the extracted text in pieces, so that a chunk of a long text is read fast
    metadata,
    Column("generation", Number, ForeignKey("versions.generation"), primary_key=True),
    Column("piece", Integer, primary_key=True),
    Column("text", LongText, nullable=False),
)

chunks = Table(
    "chunks",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("generation", Number, ForeignKey("versions.generation"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Number, nullable=False),
    Column("end", Number, nullable=False),
    Column("page", Integer, nullable=True),
    Column("sentences", JSON, nullable=False),
    Column("digest", String(32), nullable=False),
    UniqueConstraint("generation", "ordinal"),
)

entities = Table(
    "entities",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("key", exact(KEY_LENGTH), nullable=False, unique=True),
    Column("name", LongText, nullable=False),
)

mentions = Table(
    "mentions",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("chunk", Number, ForeignKey("chunks.number"), nullable=False, index=True),
    Column("entity", Number, ForeignKey("entities.number"), nullable=False, index=True),
    Column("label", String(40), nullable=False),
    Column("sentence", Integer, nullable=False),
    Column("start", Number, nullable=False),
    Column("end", Number, nullable=False),
)

relations = Table(
    "relations",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("chunk", Number, ForeignKey("chunks.number"), nullable=False, index=True),
    Column("source", Number, ForeignKey("entities.number"), nullable=False, index=True),
    Column("target", Number, ForeignKey("entities.number"), nullable=False, index=True),
    Column("predicate", String(200), nullable=False),
    Column("sentence", Integer, nullable=False),
)

tables = Table(
    "tables",  # the catalogue of users' tables; their rows live in the SQL store
    metadata,
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

staged_rows = Table(
    "staged_rows",  # rows on their way to the SQL store; gone once it has them
    metadata,
    Column("table", Number, ForeignKey("tables.number"), primary_key=True),
    Column("batch", Integer, primary_key=True),
    Column("rows", Blob, nullable=False),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("text_hash", String(32), primary_key=True),
    Column("generation", Number, nullable=False, index=True),
    Column("vector", Blob, nullable=False),
)

outbox = Table(
    "outbox",  # what each store is still owed
    metadata,
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
    Column("claimed_until", Float(53), nullable=False, default=0.0),
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", LongText, nullable=True),
    Index("ix_outbox_store_operation_number", "store", "operation", "number"),
)
