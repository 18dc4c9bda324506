"""The tables of the SQL store: its own three, and the physical form of users' tables.

Physical names come from the catalogue and are checked; users' names are never part of a statement.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from hetarag.errors import StoreError
from hetarag.types import ColumnType, TableInfo

KEY_LENGTH = 120
ROW = "row_no"
_PHYSICAL = re.compile(r"[a-z][a-z0-9_]{0,59}")
_RESERVED = ("hetarag_", "sqlite_", "pg_")

_metadata = sa.MetaData()
BIG_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Texts compare by code points on every engine, and trailing blanks count where the engine can.
_text = (
    sa.Text()
    .with_variant(sa.Text(collation="C"), "postgresql")
    .with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
)
TABLE_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}

# An empty digest marks a table whose writing has begun and not ended.
tables = sa.Table(
    "hetarag_tables",
    _metadata,
    sa.Column("record_id", sa.String(36), primary_key=True),
    sa.Column("digest", sa.String(200), nullable=False),
    sa.Column("table_number", BIG_INTEGER, nullable=False),
    sa.Column("physical", sa.String(60), nullable=False),
    sa.Column("row_count", BIG_INTEGER, nullable=False),
    **TABLE_OPTIONS,
)

# On a server: the one knowledge base whose tables these are. Their numbers are its ledger's.
owner = sa.Table(
    "hetarag_owner",
    _metadata,
    sa.Column("only", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("prefix", sa.String(100), nullable=False),
    **TABLE_OPTIONS,
)

# One line for each distinct value of a column and each name it goes by: `row_no` is the first row
# with it, `occurrences` counts them. A long column is written in portions, so a value may have
# several lines; their occurrences add up.
cells = sa.Table(
    "hetarag_cells",
    _metadata,
    sa.Column("id", BIG_INTEGER, primary_key=True, autoincrement=True),
    sa.Column("name", sa.String(KEY_LENGTH), nullable=False, index=True),
    sa.Column("table_number", BIG_INTEGER, nullable=False, index=True),
    sa.Column("ordinal", sa.Integer(), nullable=False),
    sa.Column(ROW, BIG_INTEGER, nullable=False),
    sa.Column("occurrences", BIG_INTEGER, nullable=False),
    sa.Column("value", _text, nullable=False),
    **TABLE_OPTIONS,
)

# Cells that their column cannot hold (an integer beyond 64 bits, not-a-number, a zero byte in a
# text): NULL in the table, kept here as JSON, so that every row comes back as it was.
misfits = sa.Table(
    "hetarag_misfits",
    _metadata,
    sa.Column("table_number", BIG_INTEGER, primary_key=True, autoincrement=False),
    sa.Column(ROW, BIG_INTEGER, primary_key=True, autoincrement=False),
    sa.Column("ordinal", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("value", _text, nullable=False),
    **TABLE_OPTIONS,
)

COLUMN_TYPES: dict[ColumnType, TypeEngine[Any]] = {
    "integer": sa.BigInteger(),
    "real": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb"),
    "text": _text,
}


def create_all(connection: sa.Connection) -> None:
    """Make the store's own tables where they are not there yet."""
    _metadata.create_all(connection)


def readable_table(table: TableInfo) -> sa.TableClause:
    """Return what a SELECT needs of a physical table.

    Raises:
        StoreError: a physical name was not made by the catalogue.
    """
    return sa.table(
        check_physical(table.physical),
        sa.column(ROW, BIG_INTEGER),
        *(sa.column(check_physical(c.physical), COLUMN_TYPES[c.type]) for c in table.columns),
    )


def check_physical(name: str) -> str:
    """Return `name` if it is of the generated form, else raise `StoreError`."""
    if not _PHYSICAL.fullmatch(name) or name.startswith(_RESERVED):
        raise StoreError("sql", f"{name!r} is no generated name; run `hetarag repair`")
    return name
