"""Text statements are what SQLAlchemy would write, on every dialect that is supported."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from hetarag.errors import StoreError
from hetarag.stores.sql.schema import BIG_INTEGER, COLUMN_TYPES, ROW, TABLE_OPTIONS
from hetarag.stores.sql.statement_text import TableText
from hetarag.types import TableInfo
from tests.stores.sql.samples import table_info

URLS = ("sqlite://", "postgresql+psycopg://h/d", "mariadb+pymysql://h/d", "mysql+pymysql://h/d")
TABLE = table_info(7, "any", [(kind, kind) for kind in COLUMN_TYPES])


def dialect(url: str) -> sa.Dialect:
    return sa.create_engine(url).dialect


def by_sqlalchemy(table: TableInfo) -> sa.Table:
    return sa.Table(
        table.physical,
        sa.MetaData(),
        sa.Column(ROW, BIG_INTEGER, primary_key=True, autoincrement=False),
        *(sa.Column(column.physical, COLUMN_TYPES[column.type]) for column in table.columns),
        **TABLE_OPTIONS,
    )


@pytest.mark.parametrize("url", URLS)
def test_a_table_is_created_as_sqlalchemy_does_it(url: str) -> None:
    expected = str(sa.schema.CreateTable(by_sqlalchemy(TABLE)).compile(dialect=dialect(url)))
    assert TableText.of(dialect(url)).create(TABLE).split() == expected.split()


@pytest.mark.parametrize("url", URLS)
def test_a_row_is_inserted_as_sqlalchemy_does_it(url: str) -> None:
    own = dialect(url)
    expected = str(sa.insert(by_sqlalchemy(TABLE)).compile(dialect=own))
    given = TableText.of(own).insert(TABLE)
    assert given.split(" VALUES ")[0] == expected.split(" VALUES ")[0]
    assert given.count(TableText.of(own)._mark) == len(TABLE.columns) + 1


def test_values_are_converted_where_the_engine_has_no_such_type() -> None:
    table = table_info(8, "days", [("day", "date"), ("name", "text")])
    text = TableText.of(dialect("sqlite://"))
    assert text.values(table, [[1, date(1911, 12, 14), "Pole"], [2, None, None]]) == [
        (1, "1911-12-14", "Pole"),
        (2, None, None),
    ]
    statement, given = text.select_rows(
        table, [0], [{0: (date(1911, 12, 14),), 1: ("Pole", "Cape")}], every=False, most=5
    )
    assert statement.endswith("WHERE (c001 IN (?) OR c002 IN (?, ?)) ORDER BY row_no LIMIT 5")
    assert given == ("1911-12-14", "Pole", "Cape")
    assert text.cells(table, [0], ["1911-12-14"]) == {0: date(1911, 12, 14)}


def test_a_driver_with_named_parameters_is_refused() -> None:
    named = sa.create_engine("sqlite://", paramstyle="named").dialect
    with pytest.raises(StoreError, match=r"takes its parameters as named.*psycopg"):
        TableText.of(named)
