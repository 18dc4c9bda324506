"""Delimiters, encodings and the bad habits of CSV files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hetarag.ingest.loaders.csv import sniff_delimiter
from tests.ingest.conftest import Outcome

Read = Callable[[str, "str | bytes"], Outcome]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b\n1,5;2,5\n2,5;3,5\n", ";"),
        ("a\tb\n1, x\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('name,text\nx,"a; b; c"\ny,"d; e"\n', ","),
        ("just one column\nof words\n", ","),
        ("a;b;c\n1;2\n1;2;3;4\n", ";"),
        ("", ","),
    ],
)
def test_the_delimiter_is_found(text: str, delimiter: str) -> None:
    assert sniff_delimiter(text) == delimiter


def test_a_csv_file_is_one_typed_table_without_text(read: Read) -> None:
    found = read("city_sizes.csv", "city,people,founded\nOslo,700000,1040\nRome,,753\n").document
    (table,) = found.tables
    assert (found.text, found.title, table.name) == ("", "City sizes", "City sizes")
    assert [(c.name, c.type) for c in table.columns] == [
        ("city", "text"), ("people", "integer"), ("founded", "integer"),
    ]  # fmt: skip
    assert list(table.rows) == [("Oslo", 700000, 1040), ("Rome", None, 753)]


def test_ragged_rows_lose_nothing_and_are_said(read: Read) -> None:
    outcome = read("a.csv", "a,b\n1,2\n3\n4,5,6,7\n")
    (table,) = outcome.document.tables
    assert [c.name for c in table.columns] == ["a", "b", "column_3", "column_4"]
    assert list(table.rows) == [(1, 2, None, None), (3, None, None, None), (4, 5, 6, 7)]
    assert outcome.warnings == [
        "a.csv: the table: row 4: more cells than the 2 columns of its head; columns were added for "
        "them",
        "a.csv: the table: row 3: fewer cells than the 2 columns of its head; the missing cells are "
        "empty",
    ]


def test_duplicate_and_three_hundred_columns(read: Read) -> None:
    head = ",".join(["x"] * 300)
    (table,) = read("wide.csv", f"{head}\n{','.join(map(str, range(300)))}\n").document.tables
    assert [c.name for c in table.columns][:3] == ["x", "x_2", "x_3"]
    assert len({c.name for c in table.columns}) == 300
    assert table.rows[0] == tuple(range(300))


@pytest.mark.parametrize(
    "data",
    [
        "name,café\nZoë,1\n".encode("utf-8-sig"),
        "name,café\nZoë,1\n".encode("utf-16"),
        "name,café\nZoë,1\n".encode("cp1252"),
        b"sep=;\r\nname;caf\xc3\xa9\r\nZo\xc3\xab;1\r\n",
        "name,café\rZoë,1\r".encode(),
    ],
)
def test_encodings_and_line_ends(read: Read, data: bytes) -> None:
    (table,) = read("a.csv", data).document.tables
    assert [c.name for c in table.columns] == ["name", "café"]
    assert list(table.rows) == [("Zoë", 1)]


def test_decimal_commas_in_semicolon_files(read: Read) -> None:
    (table,) = read("a.csv", "a;b\n1,5;x\n2.000,25;y\n").document.tables
    assert list(table.rows) == [(1.5, "x"), (2000.25, "y")]


def test_quoted_cells_keep_delimiters_quotes_and_line_ends(read: Read) -> None:
    (table,) = read("select.csv", 'k,v\n1,"a, ""b""\nc 🎉"\n').document.tables
    assert table.name == "Select"
    assert list(table.rows) == [(1, 'a, "b"\nc 🎉')]


def test_a_quotation_mark_that_is_never_closed_is_said(read: Read) -> None:
    outcome = read("a.csv", 'a,b\n1,"x\n2,y\n3,z\n4,w\n')
    assert any("row 2 has a quotation mark that is never closed" in w for w in outcome.warnings)


def test_a_csv_of_delimiters_only_holds_nothing(read: Read) -> None:
    assert read("a.csv", ",,\n,,\n").failure == (
        "a.csv: it holds neither text nor tables; nothing to ingest"
    )
