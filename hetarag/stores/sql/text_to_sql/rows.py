"""Rows that a question names: those that hold the cells it speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from hetarag.stores.sql.statement_text import TableText
from hetarag.stores.sql.text_to_sql.question_items import Item
from hetarag.stores.sql.text_to_sql.schema_linking import CellLink
from hetarag.types import Cell, TableInfo

_FEW = 200  # a value in more rows than this names none of them by itself


class NamedRow(NamedTuple):
    """A row and which of the question's items its cells are named by."""

    number: int
    items: tuple[int, ...]


def named_rows(
    connection: sa.Connection,
    table: TableInfo,
    items: Sequence[Item],
    links: Sequence[CellLink],
) -> list[NamedRow]:
    """Return the rows of a table that hold cells named by `items`, at most a few hundred."""
    places = [place for place, item in enumerate(items) if item.values]
    rare = [place for place in places if _occurrences(items[place], links) <= _FEW]
    if not rare and len(places) < 2:
        return []
    ordinals = sorted({ordinal for place in places for ordinal in items[place].values})
    tests = [items[place].values for place in rare or places]
    text = TableText.of(connection.dialect)
    statement, given = text.select_rows(table, ordinals, tests, every=not rare, most=_FEW)
    found = []
    for line in connection.exec_driver_sql(statement, given):
        cells = text.cells(table, ordinals, line[1:])
        held = tuple(place for place in places if _held(items[place].values, cells))
        found.append(NamedRow(line[0], held))
    return found


def _occurrences(item: Item, links: Sequence[CellLink]) -> int:
    return sum(
        link.occurrences for link in links if (link.first, link.last) == (item.first, item.last)
    )


def _held(values: Mapping[int, tuple[Cell, ...]], cells: Mapping[int, Cell]) -> bool:
    return any(cells[ordinal] in wanted for ordinal, wanted in values.items())
