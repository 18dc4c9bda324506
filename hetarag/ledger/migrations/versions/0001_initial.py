"""The ledger's first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None


LONG_TEXT = (
    sa.Text()
    .with_variant(sa.Text(collation="C"), "postgresql")
    .with_variant(mysql.LONGTEXT(collation="utf8mb4_bin"), "mysql")
    .with_variant(mysql.LONGTEXT(collation="utf8mb4_nopad_bin"), "mariadb")
)
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def exact(length: int) -> sa.types.TypeEngine[str]:
    return (
        sa.String(length)
        .with_variant(sa.String(length, collation="C"), "postgresql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")
        .with_variant(mysql.VARCHAR(length, collation="utf8mb4_nopad_bin"), "mariadb")
    )


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "collection",
            exact(400),
            nullable=False,
        ),
        sa.Column(
            "uri",
            LONG_TEXT,
            nullable=False,
        ),
        sa.Column(
            "name",
            LONG_TEXT,
            nullable=False,
        ),
        sa.Column("live", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_documents_collection"), "documents", ["collection"], unique=False)
    op.create_index(op.f("ix_documents_live"), "documents", ["live"], unique=False)
    op.create_table(
        "embeddings",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("text_hash", sa.String(length=32), nullable=False),
        sa.Column(
            "generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "vector",
            sa.LargeBinary()
            .with_variant(mysql.LONGBLOB(), "mariadb")
            .with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("fingerprint", "text_hash", name=op.f("pk_embeddings")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_embeddings_generation"), "embeddings", ["generation"], unique=False)
    op.create_table(
        "entities",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "key",
            exact(400),
            nullable=False,
        ),
        sa.Column(
            "name",
            LONG_TEXT,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_entities")),
        sa.UniqueConstraint("key", name=op.f("uq_entities_key")),
        **OPTIONS,
    )
    op.create_table(
        "meta",
        sa.Column(
            "key",
            exact(64),
            nullable=False,
        ),
        sa.Column(
            "value",
            LONG_TEXT,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
        **OPTIONS,
    )
    op.create_table(
        "outbox",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("store", sa.String(length=20), nullable=False),
        sa.Column("operation", sa.String(length=6), nullable=False),
        sa.Column(
            "generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("part", sa.String(length=6), nullable=False),
        sa.Column("table", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("claimed_until", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "error",
            LONG_TEXT,
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_outbox_generation"), "outbox", ["generation"], unique=False)
    op.create_index(
        "ix_outbox_store_operation_number", "outbox", ["store", "operation", "number"], unique=False
    )
    op.create_table(
        "attributes",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column(
            "key",
            exact(200),
            nullable=False,
        ),
        sa.Column(
            "text",
            exact(400),
            nullable=False,
        ),
        sa.Column("number", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("fk_attributes_document_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "key", name=op.f("pk_attributes")),
        **OPTIONS,
    )
    op.create_index("ix_attributes_key_number", "attributes", ["key", "number"], unique=False)
    op.create_index("ix_attributes_key_text", "attributes", ["key", "text"], unique=False)
    op.create_table(
        "tags",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column(
            "tag",
            exact(400),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_tags_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "tag", name=op.f("pk_tags")),
        **OPTIONS,
    )
    op.create_table(
        "versions",
        sa.Column(
            "generation",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("splitter", sa.String(length=200), nullable=False),
        sa.Column("extractor", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=200), nullable=False),
        sa.Column(
            "title",
            LONG_TEXT,
            nullable=False,
        ),
        sa.Column("length", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pages", sa.JSON(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_versions_document_id")
        ),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_versions")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_versions_document_id"), "versions", ["document_id"], unique=False)
    op.create_index(op.f("ix_versions_state"), "versions", ["state"], unique=False)
    op.create_table(
        "chunks",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("sentences", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation"], ["versions.generation"], name=op.f("fk_chunks_generation")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_chunks")),
        sa.UniqueConstraint("generation", "ordinal", name=op.f("uq_chunks_generation_ordinal")),
        sa.UniqueConstraint("id", name=op.f("uq_chunks_id")),
        **OPTIONS,
    )
    op.create_table(
        "tables",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column(
            "name",
            LONG_TEXT,
            nullable=False,
        ),
        sa.Column("physical", sa.String(length=60), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column(
            "row_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "embedded_rows", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation"], ["versions.generation"], name=op.f("fk_tables_generation")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_tables")),
        sa.UniqueConstraint("physical", name=op.f("uq_tables_physical")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_tables_generation"), "tables", ["generation"], unique=False)
    op.create_table(
        "texts",
        sa.Column(
            "generation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("piece", sa.Integer(), nullable=False),
        sa.Column(
            "text",
            LONG_TEXT,
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["generation"], ["versions.generation"], name=op.f("fk_texts_generation")
        ),
        sa.PrimaryKeyConstraint("generation", "piece", name=op.f("pk_texts")),
        **OPTIONS,
    )
    op.create_table(
        "mentions",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("chunk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("sentence", sa.Integer(), nullable=False),
        sa.Column("start", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("end", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["chunk"], ["chunks.number"], name=op.f("fk_mentions_chunk")),
        sa.ForeignKeyConstraint(["entity"], ["entities.number"], name=op.f("fk_mentions_entity")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_mentions")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_mentions_chunk"), "mentions", ["chunk"], unique=False)
    op.create_index(op.f("ix_mentions_entity"), "mentions", ["entity"], unique=False)
    op.create_table(
        "relations",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("chunk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("target", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("predicate", sa.String(length=200), nullable=False),
        sa.Column("sentence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["chunk"], ["chunks.number"], name=op.f("fk_relations_chunk")),
        sa.ForeignKeyConstraint(["source"], ["entities.number"], name=op.f("fk_relations_source")),
        sa.ForeignKeyConstraint(["target"], ["entities.number"], name=op.f("fk_relations_target")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_relations")),
        **OPTIONS,
    )
    op.create_index(op.f("ix_relations_chunk"), "relations", ["chunk"], unique=False)
    op.create_index(op.f("ix_relations_source"), "relations", ["source"], unique=False)
    op.create_index(op.f("ix_relations_target"), "relations", ["target"], unique=False)
    op.create_table(
        "staged_rows",
        sa.Column("table", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column(
            "rows",
            sa.LargeBinary()
            .with_variant(mysql.LONGBLOB(), "mariadb")
            .with_variant(mysql.LONGBLOB(), "mysql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["table"], ["tables.number"], name=op.f("fk_staged_rows_table")),
        sa.PrimaryKeyConstraint("table", "batch", name=op.f("pk_staged_rows")),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("staged_rows")
    op.drop_table("relations")
    op.drop_table("mentions")
    op.drop_table("texts")
    op.drop_table("tables")
    op.drop_table("chunks")
    op.drop_table("versions")
    op.drop_table("tags")
    op.drop_table("attributes")
    op.drop_table("outbox")
    op.drop_table("meta")
    op.drop_table("entities")
    op.drop_table("embeddings")
    op.drop_table("documents")
