"""Cells to types, headers, names and widths of tables."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from hetarag.ingest.tables.cells import Raw, type_column
from hetarag.ingest.tables.tables import build_table, has_header, unique_names
from hetarag.types import Cell

NONE = None


@pytest.mark.parametrize(
    ("raw", "kind", "cells"),
    [
        (["1", "-20", ""], "integer", [1, -20, NONE]),
        (["1", "2.5"], "real", [1.0, 2.5]),
        (["1,234", "12", "1,234,567"], "integer", [1234, 12, 1234567]),
        (["1,234.5", "7"], "real", [1234.5, 7.0]),
        (["01234", "98765"], "text", ["01234", "98765"]),  # ZIP codes
        (["+491234", "5"], "text", ["+491234", "5"]),  # telephone numbers
        (["12345678901234567890"], "text", ["12345678901234567890"]),
        (["1E5", "2"], "text", ["1E5", "2"]),  # a product code as likely as a number
        (["1.5e3", "2"], "real", [1500.0, 2.0]),
        (["12,34", "5"], "text", ["12,34", "5"]),
        (["true", "FALSE"], "boolean", [True, False]),
        (["Yes", "no", ""], "boolean", [True, False, NONE]),
        (["2024-05-01", "1999/12/31"], "date", [date(2024, 5, 1), date(1999, 12, 31)]),
        (["1 May 2024", "May 3, 2024"], "date", [date(2024, 5, 1), date(2024, 5, 3)]),
        (["2024-02-30"], "text", ["2024-02-30"]),
        (["05/06/2024"], "text", ["05/06/2024"]),  # day and month could be exchanged
        (["2024-05-01 10:30", "2024-05-01T11:00:05"], "datetime",
         [datetime(2024, 5, 1, 10, 30), datetime(2024, 5, 1, 11, 0, 5)]),
        (["1", "x"], "text", ["1", "x"]),
        (["3", "n/a", "-"], "integer", [3, NONE, NONE]),
        (["NA", "DE"], "text", ["NA", "DE"]),  # Namibia
        (["", ""], "text", [NONE, NONE]),
        ([1, 2, None], "integer", [1, 2, NONE]),
        ([1, 2.5], "real", [1.0, 2.5]),
        ([datetime(2024, 1, 1), None], "date", [date(2024, 1, 1), NONE]),
        ([datetime(2024, 1, 1, 8), date(2024, 1, 2)], "datetime",
         [datetime(2024, 1, 1, 8), datetime(2024, 1, 2)]),
        ([2**70, 1], "text", [str(2**70), "1"]),
        ([5, "none"], "integer", [5, NONE]),
        ([float("inf"), 1.0], "real", [NONE, 1.0]),
    ],
)  # fmt: skip
def test_a_column_gets_the_type_that_all_cells_have(
    raw: list[Raw], kind: str, cells: list[Cell]
) -> None:
    found = type_column(raw)
    assert (found.type, found.cells) == (kind, cells)
    assert [type(cell) for cell in found.cells] == [type(cell) for cell in cells]


def test_decimal_commas_count_only_where_they_are_expected() -> None:
    assert type_column(["1.234,5", "7"], decimal_comma=True).cells == [1234.5, 7.0]
    assert type_column(["1.234,5", "7"]).type == "text"


def test_percentages_become_numbers_and_the_column_says_so() -> None:
    built = build_table("t", [["Land", "Share"], ["A", "12.5%"], ["B", "7 %"]])
    assert built is not None
    assert [c.name for c in built.table.columns] == ["Land", "Share (%)"]
    assert built.table.rows == [("A", 12.5), ("B", 7.0)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["name", "age"], ["Ann", "3"]], True),
        ([["Ann", "3"], ["Bob", "4"]], False),
        ([["Country", "2019", "2020"], ["DE", "1", "2"]], True),
        ([["2019", "2020"], ["1", "2"]], False),
        ([["Ann", "Berlin"], ["Bob", "Paris"], ["Ann", "Berlin"]], False),
        ([["", "age", "town"], ["1", "3", "X"]], True),
        ([["Survey", "", ""], ["a", "b", "c"]], False),
    ],
)
def test_header_detection(rows: list[list[Raw]], expected: bool) -> None:
    assert has_header(rows) is expected


def test_a_table_without_header_gets_numbered_columns_and_keeps_its_first_row() -> None:
    built = build_table("t", [["Ann", "3"], ["Bob", "4"]])
    assert built is not None
    assert [c.name for c in built.table.columns] == ["column_1", "column_2"]
    assert built.table.rows == [("Ann", 3), ("Bob", 4)]


def test_names_are_made_unique_whatever_they_are() -> None:
    assert unique_names(["name", "Name", "", "name_2", "name"], 6) == [
        "name", "Name_3", "column_3", "name_2", "name_4", "column_6",
    ]  # fmt: skip
    assert unique_names(["select", 'say "hi"', "🎉"], 3) == ["select", 'say "hi"', "🎉"]


def test_three_hundred_columns_are_fine() -> None:
    built = build_table("wide", [[f"c{i}" for i in range(300)], list(range(300))])
    assert built is not None
    assert len(built.table.columns) == 300
    assert built.table.rows[0][299] == 299


def test_rows_that_are_too_long_extend_the_table() -> None:
    built = build_table("t", [["a", "b"], ["1"], ["1", "2", "3"]])
    assert built is not None
    assert [c.name for c in built.table.columns] == ["a", "b", "column_3"]
    assert built.table.rows == [(1, None, None), (1, 2, 3)]
    assert "row 3: more cells than the 2 columns" in built.warnings[0]


def test_a_table_of_empty_cells_is_none_and_a_lone_header_is_said() -> None:
    assert build_table("t", [["", None], []]) is None
    built = build_table("t", [["a", "b"]])
    assert built is not None
    assert built.table.rows == []
    assert built.warnings == ("table 't' has column names but no rows",)
