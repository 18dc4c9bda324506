"""Evidence of tables as text."""

from __future__ import annotations

from datetime import date, datetime

from hetarag.rendering import render_cell, render_result, render_row, render_table
from hetarag.types import QueryResult, TableInfo
from tests.stores.sql.samples import table_info

TABLE = table_info(
    1, "ships", [("Name", "text"), ("Length (m)", "real"), ("Launched", "date")], title="Fleet"
)


def test_a_row_reads_as_a_sentence() -> None:
    assert (
        render_row(TABLE, ("Fram", 39.0, date(1892, 10, 26)))
        == "Fleet — ships: Name is Fram; Length (m) is 39; Launched is 1892-10-26."
    )
    assert render_row(TABLE, ("Fram", None, None)) == "Fleet — ships: Name is Fram."
    assert render_row(TABLE, (None, None, None)) == "Fleet — ships: an empty row."


def test_cells_read_as_people_write_them() -> None:
    cells = (True, False, None, 2.5, 1e300, -3.0, "a\n b", datetime(2020, 1, 2, 3, 4))
    assert [render_cell(cell) for cell in cells] == [
        "yes", "no", "", "2.5", "1e+300", "-3", "a b", "2020-01-02 03:04:00",
    ]  # fmt: skip
    assert render_cell(float("inf")) == "inf"


def test_a_table_shows_columns_and_a_sample() -> None:
    table = TableInfo(
        TABLE.number, TABLE.id, "d", "c", (), "ships", "ships", "t_1_1", TABLE.columns, 1200
    )
    assert render_table(table, [("Fram", 39.0, None)]) == (
        "ships: a table of 1,200 rows with the columns Name (text), Length (m) (real), "
        "Launched (date).\n"
        "Name | Length (m) | Launched\n"
        "Fram | 39 | "
    )
    wide = table_info(2, "wide", [(f"c{n}", "text") for n in range(300)])
    assert "and 260 more" in render_table(wide)
    assert len(render_table(wide, [("x" * 10_000,) * 300])) < 30_000


def test_a_result_is_a_value_or_a_small_table() -> None:
    one = QueryResult("SELECT count(*) FROM x", ("id",), ("count",), ((5,),))
    assert render_result(one) == "count: 5\nComputed by: SELECT count(*) FROM x"
    none = QueryResult("SELECT a FROM x", ("id",), ("a", "b"), ())
    assert render_result(none) == "a | b\n(no rows)\nComputed by: SELECT a FROM x"
    two = QueryResult("S", ("id",), ("a", "b"), ((1, "x"), (2, None)))
    assert render_result(two) == "a | b\n1 | x\n2 | \nComputed by: S"
